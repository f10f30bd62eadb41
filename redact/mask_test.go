package redact

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/hedgecam/hedge/detect"
)

// randomMask returns a mask with about the given share of blocks set.
func randomMask(rng *rand.Rand, side, w, h int, share float64) blockMask {
	m := newMask(side, w, h)
	for y := range h {
		for x := range w {
			if rng.Float64() < share {
				m.set(blockRect{x, y, x + 1, y + 1})
			}
		}
	}
	return m
}

func TestMaskGrow(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, w := range []int{1, 5, 63, 64, 65, 130} {
		for n := range 4 {
			m := randomMask(rng, 16, w, 9, 0.03)
			g, tmp := newMask(16, w, 9), newMask(16, w, 9)
			g.copyFrom(&m)
			g.grow(n, &tmp)
			for y := range 9 {
				for x := range w {
					want := false
					for v := max(y-n, 0); v < min(y+n+1, 9); v++ {
						for u := max(x-n, 0); u < min(x+n+1, w); u++ {
							want = want || m.has(u, v)
						}
					}
					if g.has(x, y) != want {
						t.Fatalf("width %d, grown by %d: (%d,%d) is %v", w, n, x, y, !want)
					}
				}
			}
			if g.invert(); g.count() < 0 || w%64 != 0 && g.row(0)[g.words-1]>>(w%64) != 0 {
				t.Fatal("bits beyond the width are set")
			}
		}
	}
}

func TestNextSpan(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		w := 1 + rng.IntN(200)
		m := randomMask(rng, 16, w, 1, rng.Float64())
		back := newMask(16, w, 1)
		last := -1
		for a, b := nextSpan(m.row(0), 0); a < b; a, b = nextSpan(m.row(0), b) {
			if a <= last {
				t.Fatalf("span %d..%d joins the one before it", a, b)
			}
			back.set(blockRect{a, 0, b, 1})
			last = b
		}
		for x := range w {
			if m.has(x, 0) != back.has(x, 0) {
				t.Fatalf("width %d: column %d", w, x)
			}
		}
	}
}

func TestTouchedAndWithin(t *testing.T) {
	// 13 x 7 blocks of 8 pixels, the last ones cut off, and 80 x 46 of 16.
	little, large := image.Pt(100, 50), image.Pt(1280, 730)
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		size            image.Point
		box             detect.Box
		touched, within blockRect
	}{
		{little, detect.Box{X0: 8, Y0: 8, X1: 16, Y1: 16}, blockRect{1, 1, 2, 2}, blockRect{1, 1, 2, 2}},
		{little, detect.Box{X0: 7.9, Y0: 8, X1: 16, Y1: 16.1}, blockRect{0, 1, 2, 3}, blockRect{1, 1, 2, 2}},
		{little, detect.Box{X0: 8.1, Y0: 8, X1: 15.9, Y1: 16}, blockRect{1, 1, 2, 2}, blockRect{2, 1, 1, 2}},
		{little, detect.Box{X0: 80, Y0: 30, X1: 100, Y1: 50}, blockRect{10, 3, 13, 7}, blockRect{10, 4, 13, 7}},
		{little, detect.Box{X0: 80, Y0: 30, X1: 99.9, Y1: 49}, blockRect{10, 3, 13, 7}, blockRect{10, 4, 12, 6}},
		{little, detect.Box{X0: -inf, Y0: -5, X1: inf, Y1: 1e30}, blockRect{0, 0, 13, 7}, blockRect{0, 0, 13, 7}},
		{little, detect.Box{X0: 100, Y0: 0, X1: 120, Y1: 50}, blockRect{}, blockRect{}},
		{little, detect.Box{X0: -20, Y0: 0, X1: 0, Y1: 50}, blockRect{}, blockRect{}},
		{little, detect.Box{X0: float32(math.NaN()), Y0: 0, X1: 10, Y1: 50}, blockRect{}, blockRect{}},
		{large, detect.Box{X0: 15.9, Y0: 16, X1: 32, Y1: 32.1}, blockRect{0, 1, 2, 3}, blockRect{1, 1, 2, 2}},
		{large, detect.Box{X0: 1270, Y0: 700, X1: 1280, Y1: 730}, blockRect{79, 43, 80, 46}, blockRect{80, 44, 80, 46}},
	} {
		if got := touched(c.box, c.size); got != c.touched {
			t.Errorf("%v touches %v, want %v", c.box, got, c.touched)
		}
		if got := within(c.box, c.size); got != c.within {
			t.Errorf("%v holds %v, want %v", c.box, got, c.within)
		}
	}
}

func TestHiddenPixels(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for i := range 200 {
		size, side := image.Pt(1+rng.IntN(80), 1+rng.IntN(80)), 8<<(i%2)
		m := randomMask(rng, side, blocks(size.X, side), blocks(size.Y, side), 0.5)
		x, y := rng.IntN(size.X), rng.IntN(size.Y)
		r := image.Rect(x, y, x+1+rng.IntN(size.X-x), y+1+rng.IntN(size.Y-y))
		want := 0
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				if m.has(x/side, y/side) {
					want++
				}
			}
		}
		if got := hiddenPixels(&m, r); got != want {
			t.Fatalf("size %v, part %v: %d pixels, want %d", size, r, got, want)
		}
	}
}
