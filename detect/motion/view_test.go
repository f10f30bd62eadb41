package motion

import (
	"image"
	"testing"
	"time"
)

// viewClips are real clips of fixed cameras; pictures are taken at 10 a second.
var viewClips = []struct {
	name, path string
	w, h       int
	n          int
}{
	{"pets", "mot15_PETS09-S2L1/vtest.avi", 384, 288, 110},
	{"indoor", "videos_unlabelled/indoor_one_by_one_768x432.mp4", 384, 216, 110},
	{"campus", "mot15_TUD-Campus/TUD-Campus.mp4", 384, 288, 71},
}

// reel reads the first n pictures of a clip.
func reel(t *testing.T, path string, w, h, n int) (pics []*image.YCbCr) {
	t.Helper()
	decode(t, path, w, h, func(k int, pic *image.YCbCr) {
		if k > n {
			return
		}
		c := image.NewYCbCr(pic.Rect, pic.SubsampleRatio)
		copy(c.Y, pic.Y)
		copy(c.Cb, pic.Cb)
		copy(c.Cr, pic.Cr)
		pics = append(pics, c)
	})
	return pics
}

func tenth(n int) time.Duration { return time.Duration(n) * 100 * time.Millisecond }

// TestViewChanges: after each change of a real clip that leaves the camera where it
// is every picture fits; after each one that does not, none is shown from the first
// on.
func TestViewChanges(t *testing.T) {
	long(t)
	for _, c := range viewClips {
		pics := reel(t, c.path, c.w, c.h, c.n)
		out := image.NewYCbCr(pics[0].Rect, pics[0].SubsampleRatio)
		quiet := min(40, len(pics)/2)
		play := func(k change, each func(n int, v *View, s ViewState)) {
			v := NewView()
			for i, p := range pics {
				pic := p
				if i >= quiet {
					k.draw(out, p, i-quiet)
					pic = out
				}
				each(i-quiet, v, v.Update(tenth(i), pic, image.Point{}, nil))
			}
		}
		for _, k := range ordinary(c.w, c.h) {
			t.Run(c.name+"/"+k.name, func(t *testing.T) {
				bad, low := 0, float32(2)
				play(k, func(n int, v *View, s ViewState) {
					if s >= ViewDiffers {
						bad++
					}
					if n >= 0 && v.Share() >= 0 {
						low = min(low, v.Share())
					}
				})
				if bad > 0 {
					t.Errorf("hidden in %d of %d pictures", bad, len(pics))
				}
				t.Logf("the least share %.2f", low)
			})
		}
		for _, k := range moves(c.w, c.h) {
			t.Run(c.name+"/* "+k.name, func(t *testing.T) {
				shown, high, moved, before := 0, float32(-1), false, 0
				play(k, func(n int, v *View, s ViewState) {
					switch {
					case n < 0 && s >= ViewDiffers:
						before++
					case n >= 0 && s < ViewDiffers:
						shown++
					}
					if n >= 0 {
						high = max(high, v.Share())
						moved = moved || s == ViewMoved
					}
				})
				if shown > 0 || before > 0 {
					t.Errorf("%d of %d pictures shown, %d hidden before", shown, len(pics)-quiet, before)
				}
				// The clips are too short for a view of which something still fits.
				if !moved && high < noneFit/2 {
					t.Error("the camera does not count as moved")
				}
				t.Logf("the largest share %.2f", high)
			})
		}
	}
}

// TestViewSmallKnock: a shift that sway could be is believed once it has stayed.
func TestViewSmallKnock(t *testing.T) {
	c := viewClips[0]
	pics := reel(t, c.path, c.w, c.h, c.n)
	out := image.NewYCbCr(pics[0].Rect, pics[0].SubsampleRatio)
	v, first := NewView(), -1
	for i, p := range pics {
		pic := p
		if i >= 40 {
			warp(out, p, 1, 0, 0.0125*float64(c.w), 0.006*float64(c.w), false, false)
			pic = out
		}
		if v.Update(tenth(i), pic, image.Point{}, nil) >= ViewDiffers && first < 0 {
			first = i - 40
		}
	}
	if first < 0 || first > 40 {
		t.Errorf("believed after %d pictures, want at most 40", first)
	}
}

// TestViewReturns: a part of a recording that shows another place is hidden, and the
// first place is shown again, from its first picture on.
func TestViewReturns(t *testing.T) {
	a, b := viewClips[0], viewClips[2]
	first, second := reel(t, a.path, a.w, a.h, 90), reel(t, b.path, b.w, b.h, 60)
	v, n := NewView(), 0
	part := func(pics []*image.YCbCr, want func(ViewState) bool) {
		t.Helper()
		for i, p := range pics {
			if s := v.Update(tenth(n), p, image.Point{}, nil); !want(s) {
				t.Errorf("picture %d of the part: %v", i, s)
			}
			n++
		}
	}
	shown := func(s ViewState) bool { return s < ViewDiffers }
	part(first[:50], shown)
	part(second, func(s ViewState) bool { return s >= ViewDiffers })
	if v.State() != ViewMoved {
		t.Errorf("after 6 s of another place: %v", v.State())
	}
	part(first[50:], shown)
	if v.State() != ViewFits {
		t.Errorf("back at the first place: %v", v.State())
	}
}

// TestViewTimes: time stamps that stand nearly still or jump do not make a moved
// camera of some pictures, nor keep one from being hidden.
func TestViewTimes(t *testing.T) {
	long(t)
	a, b := viewClips[0], viewClips[1]
	first, second := reel(t, a.path, a.w, a.h, 60), reel(t, b.path, a.w, a.h, 20)
	for name, at := range map[string]func(n int) time.Duration{
		"burst":      func(n int) time.Duration { return tenth(min(n, 50)) + time.Duration(n)*time.Microsecond },
		"time lapse": func(n int) time.Duration { return time.Duration(n) * time.Minute },
	} {
		v := NewView()
		for n, p := range first {
			if s := v.Update(at(n), p, image.Point{}, nil); s >= ViewDiffers {
				t.Fatalf("%s: picture %d: %v", name, n, s)
			}
		}
		for n, p := range second {
			s := v.Update(at(n+len(first)), p, image.Point{}, nil)
			if s < ViewDiffers || n < movedPictures-1 && s == ViewMoved {
				t.Errorf("%s: picture %d of another place: %v", name, n, s)
			}
		}
	}
}

// TestViewAllocates nothing once it runs.
func TestViewAllocates(t *testing.T) {
	s, v, n := newScene(5), NewView(), 0
	s.start()
	pic := s.finish(2)
	if got := testing.AllocsPerRun(100, func() {
		v.Update(at(n), pic, image.Point{}, nil)
		n++
	}); got != 0 {
		t.Errorf("%v allocations a picture", got)
	}
}
