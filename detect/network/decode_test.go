package network

import (
	"image"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect"
)

// blank returns outputs of a family, all zero.
func blank(sp *spec, size image.Point) [][]float32 {
	var raw [][]float32
	for _, o := range sp.outputs(size) {
		n := int64(1)
		for _, d := range o.shape {
			if d == 0 {
				d = 100 // any
			}
			n *= d
		}
		raw = append(raw, make([]float32, n))
	}
	return raw
}

func TestOutputShapes(t *testing.T) {
	for _, c := range []struct {
		family Family
		size   image.Point
		want   []int64 // values of each output, as published or as the files say
	}{
		{LPDYuNet, image.Pt(320, 240), []int64{4385 * 14, 4385 * 2, 4385}},
		{YOLOX, image.Pt(416, 416), []int64{3549 * 85}},
		{Hedge, image.Pt(640, 384), []int64{100 * 6, 100 * 5, 100 * 5}}, // as many rows as the network gives
		{CenterFace, image.Pt(640, 384), []int64{160 * 96, 2 * 160 * 96, 2 * 160 * 96}},
		{YuNet, image.Pt(640, 640), []int64{6400, 1600, 400, 6400, 1600, 400, 25600, 6400, 1600}},
	} {
		for i, raw := range blank(c.family.spec(), c.size) {
			if int64(len(raw)) != c.want[i] {
				t.Errorf("%v %v: output %d has %d values, want %d", c.family, c.size, i, len(raw), c.want[i])
			}
		}
	}
}

func abs(v float32) float32 { return max(v, -v) }

func near(a, b detect.Box) bool {
	return abs(a.X0-b.X0) < 1e-3 && abs(a.Y0-b.Y0) < 1e-3 && abs(a.X1-b.X1) < 1e-3 && abs(a.Y1-b.Y1) < 1e-3
}

// thresholds are those of the tables below.
var thresholds = [detect.NumClasses]float32{detect.Face: 0.53, detect.Person: 0.076, detect.Plate: 0.4, detect.Vehicle: 0.25}

// One object is set in otherwise empty outputs, and its box worked out by hand.
func TestDecoders(t *testing.T) {
	size := image.Pt(128, 64)
	ln2 := float32(math.Ln2)
	put := func(dst []float32, at int, v ...float32) { copy(dst[at:], v) }
	for _, c := range []struct {
		name   string
		family Family
		set    func(raw [][]float32)
		want   []detect.Detection
	}{
		{"yunet stride 8", YuNet, func(raw [][]float32) {
			cell := 3*16 + 5 // row 3, column 5 of 16
			raw[0][cell], raw[3][cell] = 0.81, 1
			put(raw[6], 4*cell, 0.5, 0.25, ln2, 0)
		}, []detect.Detection{{Box: detect.Box{X0: 36, Y0: 22, X1: 52, Y1: 30}, Class: detect.Face, Score: 0.9}}},
		{"yunet stride 32", YuNet, func(raw [][]float32) {
			raw[2][7], raw[5][7] = 0.64, 0.64 // row 1, column 3 of 4
			put(raw[8], 4*7, 0, 0, 0, 0)
		}, []detect.Detection{{Box: detect.Box{X0: 80, Y0: 16, X1: 112, Y1: 48}, Class: detect.Face, Score: 0.64}}},
		{"centerface", CenterFace, func(raw [][]float32) {
			cell, cells := 3*32+5, 32*16 // row 3, column 5 of 32
			raw[0][cell] = 0.9
			raw[1][cell], raw[1][cells+cell] = 2*ln2, ln2 // 4 cells high, 2 wide
			raw[2][cell], raw[2][cells+cell] = 0.25, -0.25
		}, []detect.Detection{{Box: detect.Box{X0: 17, Y0: 7, X1: 25, Y1: 23}, Class: detect.Face, Score: 0.9}}},
		{"centerface below", CenterFace, func(raw [][]float32) { raw[0][0] = 0.5 }, nil},
		{"yunet below", YuNet, func(raw [][]float32) { raw[0][0], raw[3][0] = 0.5, 0.5 }, nil},
		{"yolox person, stride 16", YOLOX, func(raw [][]float32) {
			row := 16*8 + 1*8 + 2 // after stride 8: row 1, column 2 of 8
			put(raw[0], row*85, 0.5, 0.5, ln2, 0, 0.5, 0.5)
		}, []detect.Detection{{Box: detect.Box{X0: 24, Y0: 16, X1: 56, Y1: 32}, Class: detect.Person, Score: 0.25}}},
		{"yolox bus and person", YOLOX, func(raw [][]float32) {
			put(raw[0], 0, 1, 1, 0, 0, 1, 0.5)
			raw[0][5+5] = 0.75
		}, []detect.Detection{
			{Box: detect.Box{X0: 4, Y0: 4, X1: 12, Y1: 12}, Class: detect.Person, Score: 0.5},
			{Box: detect.Box{X0: 4, Y0: 4, X1: 12, Y1: 12}, Class: detect.Vehicle, Score: 0.75},
		}},
		{"yolox other classes", YOLOX, func(raw [][]float32) {
			put(raw[0], 0, 1, 1, 0, 0, 1)
			for _, class := range []int{1, 4, 6, 8, 16, 79} { // bicycle, aeroplane, train, boat, dog ...
				raw[0][5+class] = 1
			}
		}, nil},
		{"hedge person and vehicle", Hedge, func(raw [][]float32) {
			put(raw[0], 6*5, 10, 20, 30, 50, 0.5, 0.75)
		}, []detect.Detection{
			{Box: detect.Box{X0: 10, Y0: 20, X1: 30, Y1: 50}, Class: detect.Person, Score: 0.5},
			{Box: detect.Box{X0: 10, Y0: 20, X1: 30, Y1: 50}, Class: detect.Vehicle, Score: 0.75},
		}},
		{"hedge last row", Hedge, func(raw [][]float32) {
			put(raw[2], len(raw[2])-5, 60, 30, 100, 42, 0.9)
		}, []detect.Detection{{Box: detect.Box{X0: 60, Y0: 30, X1: 100, Y1: 42}, Class: detect.Plate, Score: 0.9}}},
		{"hedge below", Hedge, func(raw [][]float32) {
			put(raw[0], 0, 1, 1, 9, 9, 0.05, 0.1)
			put(raw[1], 0, 1, 1, 9, 9, 0.1)
			put(raw[2], 0, 1, 1, 9, 9, 0.1)
		}, nil},
		{"hedge faces alone", Hedge, func(raw [][]float32) {
			put(raw[1], 5*7, 10, 20, 30, 50, 0.75)
			raw[0], raw[2] = nil, nil
		}, []detect.Detection{{Box: detect.Box{X0: 10, Y0: 20, X1: 30, Y1: 50}, Class: detect.Face, Score: 0.75}}},
		{"lpd first prior", LPDYuNet, func(raw [][]float32) {
			// Stride 8, cell (0,0): centre (4,4), side 10, a unit is 1 pixel.
			put(raw[0], 0, 9, 9, 9, 9, -3, -1, 5, -2, 7, 7, 5, 3, -3, 2)
			raw[1][1], raw[2][0] = 0.64, 1.5 // iou counts at most 1
		}, []detect.Detection{{Box: detect.Box{X0: 1, Y0: 2, X1: 9, Y1: 7}, Class: detect.Plate, Score: 0.8}}},
		{"lpd last prior", LPDYuNet, func(raw [][]float32) {
			// Stride 64, column 1 of 2: centre (96,32), side 256, a unit is 25.6.
			last := len(raw[2]) - 1
			put(raw[0], 14*last+4, -1, -0.5, 1, -0.5, 0, 0, 1, 0.5, -1, 0.5)
			raw[1][2*last+1], raw[2][last] = 1, 0.25
		}, []detect.Detection{{Box: detect.Box{X0: 70.4, Y0: 19.2, X1: 121.6, Y1: 44.8}, Class: detect.Plate, Score: 0.5}}},
		{"lpd background", LPDYuNet, func(raw [][]float32) { raw[1][0], raw[2][0] = 1, 1 }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			sp := c.family.spec()
			raw := blank(sp, size)
			c.set(raw)
			before := detect.Detection{Score: 0.5}
			got, reason := sp.decoder(size)(raw, &thresholds, []detect.Detection{before})
			if reason != "" {
				t.Fatal(reason)
			}
			if len(got) != 1+len(c.want) || got[0] != before {
				t.Fatalf("%v, want %v", got, c.want)
			}
			for i, g := range got[1:] {
				w := c.want[i]
				if g.Class != w.Class || abs(g.Score-w.Score) > 1e-6 || !near(g.Box, w.Box) {
					t.Errorf("%v, want %v", g, w)
				}
			}
		})
	}
}

func TestDecodersRefuseNonsense(t *testing.T) {
	size := image.Pt(128, 64)
	for name, c := range map[string]struct {
		family Family
		set    func(raw [][]float32)
		says   string
	}{
		"yunet endless":   {YuNet, func(raw [][]float32) { raw[0][0], raw[3][0], raw[6][2] = 1, 1, 1e4 }, "not finite"},
		"yunet huge":      {YuNet, func(raw [][]float32) { raw[0][0], raw[3][0], raw[6][2] = 1, 1, 20 }, "larger than"},
		"yunet vanishing": {YuNet, func(raw [][]float32) { raw[0][0], raw[3][0], raw[6][2] = 1, 1, -200 }, "empty"},
		"yunet far":       {YuNet, func(raw [][]float32) { raw[0][0], raw[3][0], raw[6][0] = 1, 1, -99 }, "outside"},
		"yunet score":     {YuNet, func(raw [][]float32) { raw[0][0], raw[3][0] = 9, 1 }, "score"},
		"yolox score":     {YOLOX, func(raw [][]float32) { raw[0][4], raw[0][5] = 3, 3 }, "score"},
		"yolox far":       {YOLOX, func(raw [][]float32) { raw[0][4], raw[0][5], raw[0][1] = 1, 1, 1e6 }, "outside"},
		"lpd far":         {LPDYuNet, func(raw [][]float32) { raw[1][1], raw[2][0] = 1, 1; raw[0][4] = -1; raw[0][5] = -1e9 }, "larger than"},
		"lpd point":       {LPDYuNet, func(raw [][]float32) { raw[1][1], raw[2][0] = 1, 1 }, "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			sp := c.family.spec()
			raw := blank(sp, size)
			c.set(raw)
			if _, reason := sp.decoder(size)(raw, &thresholds, nil); !strings.Contains(reason, c.says) {
				t.Errorf("reason %q, want %q", reason, c.says)
			}
		})
	}
}

func TestFinite(t *testing.T) {
	for _, n := range []int{1, 7, 64, 1001} {
		v := make([]float32, n)
		for i := range v {
			v[i] = math.MaxFloat32 * float32(1-2*(i%2))
		}
		if !finite(v) {
			t.Errorf("%d finite values are not", n)
		}
		for i := range v {
			old := v[i]
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				if v[i] = float32(bad); finite(v) {
					t.Errorf("%v at %d of %d is finite", bad, i, n)
				}
			}
			v[i] = old
		}
	}
}

// Whatever finite values come out of a network: no panic, and either a reason
// or boxes that are finite, have an area and touch the input.
func FuzzDecoders(f *testing.F) {
	f.Add(uint64(1), float32(1), float32(0.5), uint8(0))
	f.Add(uint64(2), float32(4), float32(0.9), uint8(1))
	f.Add(uint64(3), float32(1e30), float32(0.1), uint8(2))
	f.Fuzz(func(t *testing.T, seed uint64, scale, score float32, family uint8) {
		if !finite([]float32{scale, score}) || score < 0 || score > 1 {
			return
		}
		sp := &specs[int(family)%len(specs)]
		size := image.Pt(128, 64)
		raw := blank(sp, size)
		rng := rand.New(rand.NewPCG(seed, 1))
		for _, r := range raw {
			for i := range r {
				if v := scale * float32(rng.NormFloat64()); finite([]float32{v}) {
					r[i] = v
				}
			}
			if rng.IntN(2) == 0 { // scores as a network has them
				for i := range r {
					r[i] = min(max(r[i], 0), 1)
				}
			}
		}
		var minScore [detect.NumClasses]float32
		for i := range minScore {
			minScore[i] = score
		}
		got, reason := sp.decoder(size)(raw, &minScore, nil)
		for _, d := range got {
			if !d.Box.Finite() || d.Box.Empty() || d.Box.Intersect(detect.Box{X1: 128, Y1: 64}).Empty() {
				t.Fatalf("%s: box %v (reason %q)", sp.name, d.Box, reason)
			}
			if !(d.Score >= score && d.Score <= 1) || !sp.classes.Has(d.Class) {
				t.Fatalf("%s: score %v, class %v", sp.name, d.Score, d.Class)
			}
		}
		var nms detect.NMS
		if kept := nms.Apply(got, detect.DefaultMaxIoU); len(got) > 0 && len(kept) == 0 {
			t.Fatal("suppression left nothing")
		}
	})
}
