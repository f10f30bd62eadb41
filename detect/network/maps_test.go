package network

import (
	"errors"
	"image"
	"math"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect"
)

// TestHedgeMaps: an object of each class, coded in a cell of a map, is found where the
// whole network would say it is; a face in the pixels of the larger picture.
func TestHedgeMaps(t *testing.T) {
	size, c := image.Pt(128, 64), configOf(HedgeMaps)
	c.Faces = image.Pt(36, 35) // 144x70, padded to 160x96
	s := sessionOf(c.spec(), size)
	for _, m := range s.record {
		for i := range m {
			m[i] = -20
		}
	}
	put := func(output string, stride, column, row int, values ...float32) {
		for i, o := range s.outs {
			if o.Name != output {
				continue
			}
			rows, columns := int(o.Shape[2]), int(o.Shape[3])
			for channel, v := range values {
				s.record[i][(channel*rows+row)*columns+column] = v
			}
			return
		}
		t.Fatalf("no output %s", output)
	}
	put("people_8", 8, 5, 2, 0.5, 0.25, math.Ln2, 0, 2, 3)
	put("people_32", 32, 2, 1, 0.5, 0.5, 0, 0, 1, -20, -20, 4, -20)
	put("faces_16", 16, 3, 1, 0.5, 0.5, 0, 0, 2, 1)
	put("plates_8", 8, 15, 7, 0, 0, 0, -math.Ln2, 3)
	n, err := New(s.open, c)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	got, err := n.Detect(t.Context(), image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420), nil)
	if err != nil {
		t.Fatal(err)
	}
	sig := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	w, h := float32(16*32)/36, float32(16*32)/35
	want := map[detect.Class]detect.Detection{
		detect.Person:  {Box: detect.Box{X0: 36, Y0: 14, X1: 52, Y1: 22}, Score: float32(sig(2) * sig(3))},
		detect.Vehicle: {Box: detect.Box{X0: 64, Y0: 32, X1: 96, Y1: 64}, Score: float32(sig(1) * sig(4))},
		detect.Face:    {Box: detect.Box{X0: 3 * w, Y0: h, X1: 4 * w, Y1: 2 * h}, Score: float32(math.Sqrt(sig(2) * sig(1)))},
		detect.Plate:   {Box: detect.Box{X0: 116, Y0: 54, X1: 124, Y1: 58}, Score: float32(sig(3))},
	}
	if len(got) != len(want) {
		t.Fatalf("found %v", got)
	}
	for _, d := range got {
		if w := want[d.Class]; d.Box.IoU(w.Box) < 0.9999 || abs(d.Score-w.Score) > 1e-6 {
			t.Errorf("%v, want %v of %v", d, w.Box, w.Score)
		}
	}
}

// TestHedgeMapsRefuses: what is no head's map is refused, and nothing of it is found.
func TestHedgeMapsRefuses(t *testing.T) {
	size, c := image.Pt(128, 64), configOf(HedgeMaps)
	var e *ConfigError
	if _, err := New(session(HedgeMaps, size).open, c); !errors.As(err, &e) || !strings.Contains(err.Error(), "faces are looked for") {
		t.Errorf("without the faces' picture: %v", err)
	}
	c.Faces = image.Pt(36, 32)
	if _, err := New(session(HedgeMaps, size).open, c); !errors.As(err, &e) || !strings.Contains(err.Error(), "faces_8") {
		t.Errorf("maps of another picture: %v", err)
	}
	c.Faces = image.Pt(32, 32)
	pic := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	for channel := range 6 {
		s := session(HedgeMaps, size)
		for i := range s.record[0] {
			s.record[0][i] = -20
		}
		s.record[0][channel*128+5] = float32(math.NaN())
		n, err := New(s.open, c)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := n.Detect(t.Context(), pic, nil); !isOutputError(err) || len(got) != 0 {
			t.Errorf("no number in channel %d: %v, %v", channel, got, err)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
	s := session(HedgeMaps, size)
	s.outs[0].Shape[1], s.outs[0].Data, s.record[0] = 6, s.outs[0].Data[:6*128], s.record[0][:6*128]
	n, err := New(s.open, c)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if got, err := n.Detect(t.Context(), pic, nil); !isOutputError(err) || len(got) != 0 {
		t.Errorf("a map without vehicles: %v, %v", got, err)
	}
}
