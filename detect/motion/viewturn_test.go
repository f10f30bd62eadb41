package motion

import (
	"image"
	"testing"
	"time"
)

// TestViewCreeps: a mount or a lens that gives way within minutes, so slowly that each block
// learns what it shows, has moved before the picture is another.
func TestViewCreeps(t *testing.T) {
	long(t)
	const span = 15 * time.Minute
	c := viewClips[0]
	clip := reel(t, c.path, c.w, c.h, c.n)
	s := newScene(5)
	s.start()
	still := s.finish(0)
	for name, shot := range map[string]func(n int) *image.YCbCr{
		"clip":  func(n int) *image.YCbCr { return clip[n%len(clip)] },
		"scene": func(int) *image.YCbCr { return still },
	} {
		out := image.NewYCbCr(shot(0).Rect, shot(0).SubsampleRatio)
		for kind, creep := range map[string]struct {
			pictures   int
			roll, zoom float64 // after all of them
		}{
			"rolls":        {350, 7, 1},
			"rolls back":   {350, -7, 1},
			"zooms in":     {650, 0, 0.87},
			"zooms out":    {650, 0, 1.15},
			"goes nowhere": {350, 0, 1},
		} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				v, first := NewView(), -1
				for n := range creep.pictures {
					part := float64(n) / float64(creep.pictures)
					warp(out, shot(n), 1+(creep.zoom-1)*part, creep.roll*part, 0, 0, false, false)
					grain(out, n, 2)
					if v.Update(time.Duration(part*float64(span)), out, image.Point{}, nil) >= ViewDiffers {
						first = n
						break
					}
				}
				t.Logf("noticed in picture %d, the share is %.2f", first, v.Share())
				if moves := creep.roll != 0 || creep.zoom != 1; moves != (first >= 0) {
					t.Errorf("noticed in picture %d of %d", first, creep.pictures)
				}
			})
		}
	}
}
