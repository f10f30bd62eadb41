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
			if g.invert(); g.count() < 0 || w%64 != 0 && g.band(0)[g.words-1]>>(w%64) != 0 {
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
		for a, b := nextSpan(m.band(0), 0); a < b; a, b = nextSpan(m.band(0), b) {
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
	// 50 x 26 blocks, the last row cut off.
	size := image.Pt(100, 51)
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		box             detect.Box
		touched, within blockRect
	}{
		{detect.Box{X0: 8, Y0: 8, X1: 16, Y1: 16}, blockRect{4, 4, 8, 8}, blockRect{4, 4, 8, 8}},
		{detect.Box{X0: 7.9, Y0: 8, X1: 16, Y1: 16.1}, blockRect{3, 4, 8, 9}, blockRect{4, 4, 8, 8}},
		{detect.Box{X0: 8.1, Y0: 8, X1: 9.9, Y1: 16}, blockRect{4, 4, 5, 8}, blockRect{5, 4, 4, 8}},
		{detect.Box{X0: 80, Y0: 31, X1: 100, Y1: 51}, blockRect{40, 15, 50, 26}, blockRect{40, 16, 50, 26}},
		{detect.Box{X0: 80, Y0: 30, X1: 99.9, Y1: 50}, blockRect{40, 15, 50, 25}, blockRect{40, 15, 49, 25}},
		{detect.Box{X0: -inf, Y0: -5, X1: inf, Y1: 1e30}, blockRect{0, 0, 50, 26}, blockRect{0, 0, 50, 26}},
		{detect.Box{X0: 100, Y0: 0, X1: 120, Y1: 50}, blockRect{}, blockRect{}},
		{detect.Box{X0: -20, Y0: 0, X1: 0, Y1: 50}, blockRect{}, blockRect{}},
		{detect.Box{X0: float32(math.NaN()), Y0: 0, X1: 10, Y1: 50}, blockRect{}, blockRect{}},
	} {
		if got := touched(c.box, size); got != c.touched {
			t.Errorf("%v touches %v, want %v", c.box, got, c.touched)
		}
		if got := within(c.box, size); got != c.within {
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

// dense is a set of blocks, of which every row is kept.
type dense [128][128]bool

func (d *dense) has(p image.Point) bool { return d[p.Y][p.X] }

func (d *dense) each(w, h int, f func(has bool, at image.Point) bool) {
	for y := range h {
		for x := range w {
			d[y][x] = f(d[y][x], image.Pt(x, y))
		}
	}
}

// check fails unless m is the same set, and its bands are as they are said to be.
func (d *dense) check(t *testing.T, m *blockMask, what string) {
	t.Helper()
	n := 0
	d.each(m.w, m.h, func(has bool, at image.Point) bool {
		if m.has(at.X, at.Y) != has {
			t.Fatalf("%s: %v is %v", what, at, !has)
		}
		if has {
			n++
		}
		return has
	})
	seen := 0
	m.each(func(i int) {
		if seen++; !d[i/m.w][i%m.w] {
			t.Fatalf("%s: block %d is one of each", what, i)
		}
	})
	if m.count() != n || seen != n || m.empty() != (n == 0) {
		t.Fatalf("%s: %d blocks, each has %d, empty is %v; want %d", what, m.count(), seen, m.empty(), n)
	}
	for y := range 64 * len(m.starts) {
		if start := m.starts[y/64]>>(y%64)&1 != 0; start && (y < m.lo || y >= m.hi) || !start && y == m.lo && m.lo < m.hi {
			t.Fatalf("%s: rows %d to %d, starts %x", what, m.lo, m.hi, m.starts)
		}
	}
}

// TestMaskOperations: whatever is done to masks, they hold what sets would that keep
// every row.
func TestMaskOperations(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	for range 60 {
		w, h := 1+rng.IntN(128), 1+rng.IntN(128)
		var m [2]blockMask
		var d [2]dense
		tmp := newMask(2, w, h)
		for i := range m {
			m[i] = newMask(2, w, h)
		}
		for range 40 {
			i := rng.IntN(2)
			a, o := &m[i], &m[1-i]
			x, y := rng.IntN(w), rng.IntN(h)
			r := blockRect{x, y, x + rng.IntN(w-x+1), y + rng.IntN(h-y+1)}
			in := func(at image.Point) bool { return at.In(image.Rect(r.x0, r.y0, r.x1, r.y1)) }
			other := &d[1-i]
			ops := []struct {
				name string
				do   func()
				want func(has bool, at image.Point) bool
			}{
				{"set", func() { a.set(r) }, func(has bool, at image.Point) bool { return has || in(at) }},
				{"set a row", func() { a.set(blockRect{r.x0, y, r.x1, y + 1}) },
					func(has bool, at image.Point) bool { return has || at.Y == y && at.X >= r.x0 && at.X < r.x1 }},
				{"unset", func() { a.unset(r) }, func(has bool, at image.Point) bool { return has && !in(at) }},
				{"add", func() { a.add(o) }, func(has bool, at image.Point) bool { return has || other.has(at) }},
				{"remove", func() { a.remove(o) }, func(has bool, at image.Point) bool { return has && !other.has(at) }},
				{"keep", func() { a.keep(o) }, func(has bool, at image.Point) bool { return has && other.has(at) }},
				{"copy", func() { a.copyFrom(o) }, func(_ bool, at image.Point) bool { return other.has(at) }},
				{"invert", func() { a.invert() }, func(has bool, _ image.Point) bool { return !has }},
				{"compact", func() { a.compact() }, func(has bool, _ image.Point) bool { return has }},
				{"clear", func() { a.clear() }, func(bool, image.Point) bool { return false }},
			}
			op := ops[rng.IntN(len(ops))]
			op.do()
			d[i].each(w, h, op.want)
			d[i].check(t, a, op.name)
			other.check(t, o, "the other of "+op.name)
			holds := !r.empty()
			d[i].each(w, h, func(has bool, at image.Point) bool {
				holds = holds && (has || !in(at))
				return has
			})
			if a.holds(r) != holds {
				t.Fatalf("holds %v: %v", r, !holds)
			}
		}
		wide := newMaskOf(image.Pt(2*w, 2*h), 16)
		coarsen(&wide, &m[0])
		var want dense
		d[0].each(w, h, func(has bool, at image.Point) bool {
			if has {
				want[at.Y/8][at.X/8] = true
			}
			return has
		})
		want.check(t, &wide, "coarsen")
		m[0].grow(1, &tmp)
	}
}
