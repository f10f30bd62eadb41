package networks

import (
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/onnx"
)

// TestSelfie: the cells in the middle of a person are theirs, and none far beside them is.
func TestSelfie(t *testing.T) {
	l := sample(t, HedgeN)
	if onnx.Version() == "" {
		t.Skip("needs ONNX Runtime (HEDGE_ORT_LIB)")
	}
	set, err := Open(t.Context(), None, Options{FullRange: true, Silhouettes: true})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	g := set.Segmenter
	if g.Name() != Selfie {
		t.Errorf("it is called %q", g.Name())
	}
	b := l.Boxes[0]
	box := detect.Box{X0: b.X, Y0: b.Y, X1: b.X + b.W, Y1: b.Y + b.H}
	var s detect.Silhouette
	if err := g.Segment(t.Context(), l.pic, box, &s); err != nil || !s.Valid() {
		t.Fatalf("%v, %d cells", err, len(s.Cells))
	}
	w, h := s.CellSize()
	core, beside := 0, 0
	for i, v := range s.Cells {
		x, y := s.Region.X0+(float32(i%s.Columns)+0.5)*w, s.Region.Y0+(float32(i/s.Columns)+0.5)*h
		switch {
		case x > box.X0+0.4*b.W && x < box.X0+0.6*b.W && y > box.Y0+0.5*b.H && y < box.Y0+0.7*b.H:
			if core++; v < 230 {
				t.Fatalf("cell %d at %v,%v in the middle of a person has %d", i, x, y, v)
			}
		case x < box.X0-0.1*b.W:
			if beside++; v >= 128 {
				t.Fatalf("cell %d at %v,%v beside a person has %d", i, x, y, v)
			}
		}
	}
	if core == 0 || beside == 0 {
		t.Errorf("%d cells in the middle, %d beside", core, beside)
	}
}
