package pipeline

import (
	"image"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect/motion"
)

// TestWatchRests: in the dark no detector looks whether the camera was moved, and where
// the owner has to confirm the view no picture is compared with it.
func TestWatchRests(t *testing.T) {
	const w, h = 640, 360
	r := rand.New(rand.NewPCG(1, 1))
	here, there, dark := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420), image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420),
		image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for _, p := range []*image.YCbCr{here, there} {
		for y := range h {
			for x := range w {
				p.Y[y*w+x] = 90
			}
		}
		for range 300 {
			x0, y0, v := r.IntN(w-40), r.IntN(h-40), uint8(40+r.IntN(180))
			for y := y0; y < y0+10+y0%30; y++ {
				for x := x0; x < x0+10+x0%30; x++ {
					p.Y[y*w+x] = v
				}
			}
		}
	}
	for i := range dark.Y {
		dark.Y[i] = 16
	}
	v := motion.NewView()
	for i := range 30 {
		v.Update(time.Duration(i)*time.Second/10, here, image.Point{}, nil)
	}
	known := View{Native: image.Pt(w, h), Structure: v.Sketch()}
	if len(known.Structure) == 0 {
		t.Fatal("no structure")
	}
	watch := func(known View) (see func(pic *image.YCbCr) *viewWatch) {
		c, err := (Config{Mode: Live, View: known}).withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		watch, n := newViewWatch(c), 0
		return func(pic *image.YCbCr) *viewWatch {
			n++
			watch.update(&frame{at: time.Duration(n) * time.Second / 10, buf: Buffer{pic: pic}}, nil)
			return &watch
		}
	}
	see := watch(known)
	if see(dark).uncertain() {
		t.Error("detectors look in the dark")
	}
	if !see(there).uncertain() {
		t.Error("no detector looks at another view")
	}
	if why := see(dark).reason(); why == NoReason {
		t.Error("the dark is shown before the view was seen")
	}
	if see(here); see(here).reason() != NoReason {
		t.Error("the view itself is not shown")
	}
	known.Unconfirmed = ReasonCameraMoved
	see = watch(known)
	if at := see(here); at.seen.State() != motion.ViewUnknown || at.reason() != ReasonCameraMoved {
		t.Errorf("a view that the owner has to confirm was compared: %v, %v", at.seen.State(), at.reason())
	}
}
