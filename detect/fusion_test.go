package detect_test

import (
	"context"
	"errors"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
)

func picture(w, h int) *image.YCbCr {
	return image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
}

// world is a detector that knows where objects are, and sees of each what lies in
// the picture that it gets.
type world struct {
	*detecttest.Fake
	seen []image.Rectangle
}

func newWorld(classes detect.ClassSet, objects ...detect.Detection) *world {
	w := &world{}
	w.Fake = detecttest.New(classes, func(_ context.Context, _ int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		r := pic.Rect
		w.seen = append(w.seen, r)
		bounds := detect.Box{X0: float32(r.Min.X), Y0: float32(r.Min.Y), X1: float32(r.Max.X), Y1: float32(r.Max.Y)}
		return append(dst, detect.Clip(append([]detect.Detection(nil), objects...), bounds)...), nil
	})
	return w
}

var people = detect.Classes(detect.Person)

func person(score, x0, y0, x1, y1 float32) detect.Detection {
	return detect.Detection{Class: detect.Person, Score: score, Box: detect.Box{X0: x0, Y0: y0, X1: x1, Y1: y1}}
}

func TestFusionConformance(t *testing.T) {
	detecttest.Run(t, func() detect.Detector {
		return detect.NewFusion("two",
			detect.Part{Detector: detecttest.New(people, detecttest.Find(person(0.5, 8, 8, 40, 40))), Tile: image.Pt(96, 64)},
			detect.Part{Detector: detecttest.New(detect.Classes(detect.Face), detecttest.Find(detect.Detection{Class: detect.Face, Score: 0.5, Box: detect.Box{X0: 9, Y0: 9, X1: 20, Y1: 20}}))})
	}, detecttest.Options{Picture: picture(320, 192), Finds: 2})
}

// Two detectors see one person a little differently: the mean, weighted by the
// scores, and the higher score. Another class and another place stay their own.
func TestFusionMean(t *testing.T) {
	a := newWorld(people|detect.Classes(detect.Plate), person(0.75, 100, 100, 140, 200), person(0.5, 300, 100, 340, 200),
		detect.Detection{Class: detect.Plate, Score: 0.5, Box: detect.Box{X0: 100, Y0: 100, X1: 140, Y1: 200}})
	b := newWorld(people, person(0.25, 104, 100, 144, 208))
	f := detect.NewFusion("two", detect.Part{Detector: a}, detect.Part{Detector: b})
	got, err := f.Detect(t.Context(), picture(640, 384), nil)
	if err != nil || len(got) != 3 {
		t.Fatalf("%v, %v; want three", got, err)
	}
	if want := person(0.75, 101, 100, 141, 202); got[0] != want {
		t.Errorf("%v, want %v", got[0], want)
	}
	if err := f.Select(people); err != nil {
		t.Fatal(err)
	}
	if got, err = f.Detect(t.Context(), picture(640, 384), nil); err != nil || len(got) != 2 {
		t.Errorf("with people alone: %v, %v; want two", got, err)
	}
}

// Tiles cover the picture, lie on even samples, and overlap by a quarter. An object
// that tiles cut stays whole; one that no tile and no look sees whole is there.
func TestFusionTiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	tile := image.Pt(64, 48)
	for range 300 {
		size := image.Pt(1+rng.IntN(400), 1+rng.IntN(300))
		w := newWorld(people)
		f := detect.NewFusion("tiles", detect.Part{Detector: w, Tile: tile})
		if _, err := f.Detect(t.Context(), picture(size.X, size.Y), nil); err != nil {
			t.Fatal(err)
		}
		whole := image.Rectangle{Max: size}
		if w.seen[0] != whole {
			t.Fatalf("%v: first look at %v", size, w.seen[0])
		}
		if (len(w.seen) == 1) != (size.X <= tile.X && size.Y <= tile.Y) {
			t.Fatalf("%v: looks at %v", size, w.seen)
		}
		covered := make([]bool, size.X*size.Y)
		for _, r := range w.seen[1:] {
			if r.Min.X%2 != 0 || r.Min.Y%2 != 0 || !r.In(whole) || r.Dx() > tile.X+1 || r.Dy() > tile.Y+1 {
				t.Fatalf("%v: tile %v", size, r)
			}
			for y := r.Min.Y; y < r.Max.Y; y++ {
				for x := r.Min.X; x < r.Max.X; x++ {
					covered[y*size.X+x] = true
				}
			}
		}
		for i, ok := range covered {
			if !ok && len(w.seen) > 1 {
				t.Fatalf("%v: %d,%d is in no tile of %v", size, i%size.X, i/size.X, w.seen[1:])
			}
		}
	}
}

// TestFusionCut: a tile that cuts a person gives a part of them. It is that
// person's where another look sees them whole, and is kept where none does.
func TestFusionCut(t *testing.T) {
	tall := person(0.5, 30, 10, 60, 180) // in no tile of 64x48 wholly
	f := detect.NewFusion("tiles", detect.Part{Detector: newWorld(people, tall), Tile: image.Pt(64, 48)})
	got, err := f.Detect(t.Context(), picture(320, 200), nil)
	if err != nil || len(got) != 1 || got[0] != tall {
		t.Fatalf("%v, %v; want %v", got, err, tall)
	}
	blind := detecttest.New(people, func(_ context.Context, _ int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		if pic.Rect.Dx() > 64 {
			return dst, nil
		}
		r := pic.Rect
		return append(dst, detect.Clip([]detect.Detection{tall}, detect.Box{X0: float32(r.Min.X), Y0: float32(r.Min.Y), X1: float32(r.Max.X), Y1: float32(r.Max.Y)})...), nil
	})
	f = detect.NewFusion("tiles", detect.Part{Detector: blind, Tile: image.Pt(64, 48)})
	got, err = f.Detect(t.Context(), picture(320, 200), nil)
	if err != nil || len(got) == 0 {
		t.Fatalf("%v, %v; want parts of %v", got, err, tall)
	}
	for y := tall.Box.Y0; y < tall.Box.Y1; y++ {
		hidden := false
		for _, d := range got {
			hidden = hidden || d.Box.Y0 <= y && d.Box.Y1 >= y+1
		}
		if !hidden {
			t.Errorf("row %v of the person is in none of %v", y, got)
		}
	}
}

// One part that fails fails the whole, whichever it is.
func TestFusionFails(t *testing.T) {
	broken := errors.New("broken")
	for i := range 2 {
		parts := []detect.Part{{Detector: newWorld(people, person(0.5, 1, 1, 9, 9))}, {Detector: newWorld(people)}}
		parts[i].Detector = detecttest.New(people, detecttest.Fail(broken))
		if got, err := detect.NewFusion("two", parts...).Detect(t.Context(), picture(64, 64), nil); !errors.Is(err, broken) || len(got) != 0 {
			t.Errorf("part %d: %v, %v", i, got, err)
		}
	}
}
