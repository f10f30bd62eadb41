package main

import (
	"fmt"
	"image"

	"github.com/hedgecam/hedge/bench/internal/reach"
)

// board is a published time of a network that is also measured here.
type board struct {
	network string
	input   image.Point // the size nearest to the published one that the network takes
	text    string      // the published size
	source  string
	times   [len(boardNames)]float64 // ms
}

var boardNames = [...]string{"Raspberry Pi 4B", "RK3588"}

// boards are the published figures. Their runtime is OpenCV's dnn module. For
// YOLOX-nano none is known to us.
var boards = []board{
	{"yunet_s", image.Pt(160, 128), "160x120", "opencv_zoo, benchmark", [...]float64{6.2, 2.3}},
	{"lpd_yunet", image.Pt(320, 256), "320x240", "opencv_zoo, benchmark", [...]float64{154, 54}},
}

// copies are published speeds of memcpy in GB/s, the slowest of each, from
// sbc-bench.
var copies = []struct {
	name  string
	speed float64
}{{"Raspberry Pi 4", 2.2}, {"Raspberry Pi 5", 5.3}, {"RK3588", 10.8}}

// predict adds what can be said of ARM boards without having one.
func (s *suite) predict() {
	t := reach.Table{
		Title:   "ARM boards: networks at 640x384, prediction",
		Columns: []string{"network", "board", "published", "our growth to 640x384", "prediction"},
		Note: "A prediction, not a measurement: the published figure times how much more this network costs at 640x384 than at the " +
			"published size, measured here in one run (ONNX Runtime, 1 thread, core time). The published figures (opencv_zoo's benchmark) are OpenCV's dnn " +
			"module with as many threads as it chose, so the prediction holds for that runtime; ONNX Runtime on these boards may be faster or slower. " +
			"There is no published figure for YOLOX-nano on these boards that we know of, so none is predicted.",
	}
	for _, b := range boards {
		base, ours := s.looks[b.network][b.input], s.looks[b.network][networkInput]
		if base == 0 || ours == 0 {
			continue
		}
		for i, name := range boardNames {
			t.Line(b.network, name, fmt.Sprintf("%s ms at %s (%s)", reach.Number(b.times[i]), b.text, b.source),
				fmt.Sprintf("%s x (%s / %s ms)", reach.Number(ours/base), reach.Number(ours), reach.Number(base)), reach.Number(b.times[i]*ours/base)+" ms")
		}
	}
	if len(t.Lines) > 0 {
		s.report.Tables = append(s.report.Tables, t)
	}
	s.predictKernels()
}

// predictKernels predicts what moves memory more than it computes.
func (s *suite) predictKernels() {
	t := reach.Table{
		Title:   "ARM boards: kernels at 1080p, prediction",
		Columns: []string{"board", "memcpy, published"},
		Note: "A prediction, not a measurement: the ratio to memcpy measured here times the time of memcpy on the board (slowest published figure of " +
			"sbc-bench, 3.1 MB). It is a lower bound where a kernel computes more than it moves, as scaling does; bench/boards counts instructions.",
	}
	kernels := []struct {
		name string
		goal goal
	}{{"redaction anew", goalFull}, {"redaction held", goalFullHeld}, {"preparation", goalPrepareCopy}}
	for _, k := range kernels {
		if s.report.Rows[k.goal].Value == nil {
			return
		}
		t.Columns = append(t.Columns, k.name+", at least")
	}
	frame := float64(fullHD.X*fullHD.Y) * 1.5
	for _, c := range copies {
		once := frame / c.speed / 1e6
		cells := []any{c.name, fmt.Sprintf("%s GB/s: %s ms", reach.Number(c.speed), reach.Number(once))}
		for _, k := range kernels {
			cells = append(cells, reach.Number(once**s.report.Rows[k.goal].Value)+" ms")
		}
		t.Line(cells...)
	}
	s.report.Tables = append(s.report.Tables, t)
}
