package network

import (
	"fmt"
	"image"
	"math"

	"github.com/hedgecam/hedge/detect"
)

// mapStrides are the strides of a head's three maps, in pixels of what the head sees.
var mapStrides = [...]int{8, 16, 32}

// hedgeMaps is Hedge's network as an NPU runs it: it ends where each head's maps do, and
// what follows in the whole network is done here. Boxes in pixels beside scores in one
// table of bytes would leave neither; and most of what follows no NPU's compiler takes.
type hedgeMaps struct {
	// faces are columns and rows of the picture in which faces are looked for, for 32 of
	// the input's.
	faces image.Point
}

// spec returns the family's row with what is known of the network.
func (c Config) spec() *spec {
	s := c.Family.spec()
	if c.Family != HedgeMaps {
		return s
	}
	m := hedgeMaps{c.Faces}
	known := *s
	known.outputs, known.decoder = m.outputs, m.decoder
	return &known
}

// seen returns the size of the picture that a head sees, a multiple of 32, and how many
// pixels of the input one of it is.
func (m hedgeMaps) seen(table int, input image.Point) (size image.Point, across, down float32) {
	if hedgeTables[table].classes[0] != detect.Face {
		return input, 1, 1
	}
	up := func(n int) int { return (n + 31) / 32 * 32 }
	return image.Pt(up(input.X/32*m.faces.X), up(input.Y/32*m.faces.Y)), 32 / float32(m.faces.X), 32 / float32(m.faces.Y)
}

// outputs are people_8, people_16, people_32, and so on: channels, rows, columns.
func (m hedgeMaps) outputs(input image.Point) []output {
	var out []output
	for i, t := range hedgeTables {
		size, _, _ := m.seen(i, input)
		for _, s := range mapStrides {
			out = append(out, output{fmt.Sprintf("%s_%d", t.name, s), []int64{1, 0, int64(size.Y / s), int64(size.X / s)}, detect.Classes(t.classes...)})
		}
	}
	return out
}

// decoder reads maps of four channels of a box and then the scores before their sigmoid,
// as class Decoded of models/train/hedge_train/export.py does.
func (m hedgeMaps) decoder(input image.Point) decoder {
	return func(raw [][]float32, minScore *[detect.NumClasses]float32, dst []detect.Detection) ([]detect.Detection, string) {
		for i, values := range raw {
			if len(values) == 0 {
				continue
			}
			t, stride := i/len(mapStrides), mapStrides[i%len(mapStrides)]
			size, across, down := m.seen(t, input)
			h := head{values: values, columns: size.X / stride, rows: size.Y / stride, w: float32(stride) * across, h: float32(stride) * down}
			var reason string
			if dst, reason = h.read(hedgeTables[t].classes, minScore, input, dst); reason != "" {
				return dst, reason
			}
		}
		return dst, ""
	}
}

// head is one map. w and h are the sides of a cell in pixels of the input.
type head struct {
	values        []float32
	columns, rows int
	w, h          float32
}

// read appends the objects of the map's cells.
func (h *head) read(classes []detect.Class, minScore *[detect.NumClasses]float32, input image.Point, dst []detect.Detection) ([]detect.Detection, string) {
	cells := h.columns * h.rows
	if want := 4 + scoreChannels[classes[len(classes)-1]]; len(h.values) < want*cells {
		return dst, fmt.Sprintf("a map of %d values for %d cells, want %d channels or more", len(h.values), cells, want)
	}
	lowest := float32(1)
	for _, c := range classes {
		lowest = min(lowest, minScore[c])
	}
	// Of a score that is a product, or the root of one, no factor is less than its square.
	first := logit(lowest * lowest)
	for at := range cells {
		if h.values[4*cells+at] < first {
			continue
		}
		for _, c := range classes {
			score := h.score(c, at, cells)
			if score < minScore[c] || score <= 0 {
				continue
			}
			b := h.box(at, cells)
			if reason := candidate(b, score, input); reason != "" {
				return dst, reason
			}
			dst = append(dst, detect.Detection{Box: b, Class: c, Score: min(score, 1)})
		}
	}
	return dst, ""
}

// scoreChannels is how many channels behind the box's a class needs at least: for
// vehicles those of anything, of people, and of each kind of vehicle; for faces those of
// class and object.
var scoreChannels = [detect.NumClasses]int{detect.Person: 2, detect.Vehicle: 3, detect.Face: 2, detect.Plate: 1}

// score returns a class's score in a cell.
func (h *head) score(c detect.Class, at, cells int) float32 {
	v := func(channel int) float32 { return h.values[channel*cells+at] }
	switch c {
	case detect.Person:
		return sigmoid(v(4)) * sigmoid(v(5))
	case detect.Vehicle:
		best := float32(math.Inf(-1))
		for channel := 6; channel < len(h.values)/cells; channel++ {
			best = max(best, v(channel))
		}
		return sigmoid(v(4)) * sigmoid(best)
	case detect.Face:
		return sqrt(sigmoid(v(4)) * sigmoid(v(5)))
	}
	return sigmoid(v(4))
}

// box returns a cell's box in pixels of the input.
func (h *head) box(at, cells int) detect.Box {
	x := (h.values[at] + float32(at%h.columns)) * h.w
	y := (h.values[cells+at] + float32(at/h.columns)) * h.h
	w := exp(min(h.values[2*cells+at], 8)) * h.w / 2
	t := exp(min(h.values[3*cells+at], 8)) * h.h / 2
	return detect.Box{X0: x - w, Y0: y - t, X1: x + w, Y1: y + t}
}

func sigmoid(x float32) float32 { return 1 / (1 + exp(-x)) }

// logit is the inverse of sigmoid.
func logit(p float32) float32 { return float32(math.Log(float64(p) / (1 - float64(p)))) }
