package networks

import (
	"image"
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/ort"
)

// The embedded sets open without a download, each at its own input size.
func TestEmbeddedSets(t *testing.T) {
	if _, err := ort.Library(); err != nil {
		t.Skip("needs ONNX Runtime (HEDGE_ORT_LIB): ", err)
	}
	for name, size := range map[string]image.Point{HedgeN: image.Pt(640, 384), HedgeP: image.Pt(384, 256)} {
		s, err := Open(t.Context(), name, Options{Offline: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Detectors) != 1 || len(s.Models) != 1 {
			t.Fatalf("%s: %d detectors, %d models, want one each", name, len(s.Detectors), len(s.Models))
		}
		d := s.Detectors[0]
		if d.Name() != name {
			t.Errorf("detector of %s is called %q", name, d.Name())
		}
		if want := detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle); d.Classes() != want {
			t.Errorf("%s: classes %b, want %b", name, d.Classes(), want)
		}
		if in := s.Models[0].Input; image.Pt(in.Width, in.Height) != size {
			t.Errorf("%s: input %dx%d, want %v", name, in.Width, in.Height, size)
		}
		grey := image.NewYCbCr(image.Rect(0, 0, 640, 360), image.YCbCrSubsampleRatio420)
		for _, plane := range [][]byte{grey.Y, grey.Cb, grey.Cr} {
			for i := range plane {
				plane[i] = 128
			}
		}
		dets, err := d.Detect(t.Context(), grey, nil)
		if err != nil || len(dets) != 0 {
			t.Errorf("%s: on a grey picture %v, %v; want nothing", name, dets, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestNamesOpen(t *testing.T) {
	if _, err := Open(t.Context(), "hedge", Options{}); err == nil {
		t.Error("an unknown set opens")
	}
	s, err := Open(t.Context(), None, Options{})
	if err != nil || len(s.Detectors) != 0 {
		t.Errorf("%s: %v, %v; want an empty set", None, s, err)
	}
}

// TestBest: one detector for all classes, which sees in a picture larger than a
// tile what it sees in one that is not.
func TestBest(t *testing.T) {
	for _, name := range sets[Best] {
		open(t, name, Options{}) // or skips
	}
	s, err := Open(t.Context(), Best, Options{Offline: true, FullRange: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if len(s.Detectors) != 1 || len(s.Models) != 1 || s.Models[0].Name != Best || len(s.Models[0].SHA256) != 64 {
		t.Fatalf("%d detectors, models %v", len(s.Detectors), s.Models)
	}
	d := s.Detectors[0]
	if d.Classes() != s.Models[0].ClassSet() || !d.Classes().Has(detect.Plate) {
		t.Errorf("classes %b, its model's %b", d.Classes(), s.Models[0].ClassSet())
	}
	l := sample(t, "centerface")
	dets, err := d.Detect(t.Context(), l.pic, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range l.Boxes {
		box, best := detect.Box{X0: b.X, Y0: b.Y, X1: b.X + b.W, Y1: b.Y + b.H}, float32(0)
		for _, found := range dets {
			if found.Class.String() == b.Class {
				best = max(best, found.Box.IoU(box))
			}
		}
		if best < 0.4 {
			t.Errorf("%s %v: best IoU %.2f", b.Class, box, best)
		}
	}
}
