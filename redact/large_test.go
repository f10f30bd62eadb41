package redact

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/hedgecam/hedge/internal/race"
)

// largest returns a policy of as many polygons as there may be, with as many points
// as each may have: stars of 256 points, as large as their cell.
func largest() *Policy {
	ring := func(n int) Polygon {
		cx, cy := (float64(n%8)+0.5)/8, (float64(n/8)+0.5)/8
		poly := make(Polygon, MaxPoints)
		for i := range poly {
			r := 0.062
			if i%2 == 1 {
				r = 0.03
			}
			a := 2 * math.Pi * float64(i) / MaxPoints
			poly[i] = Point{cx + r*math.Cos(a), cy + r*math.Sin(a)}
		}
		return poly
	}
	p := &Policy{Version: 1}
	for n := range MaxPolygons {
		p.Property, p.Strip, p.Mask = append(p.Property, ring(n)), append(p.Strip, ring(n)), append(p.Mask, ring(n))
	}
	return p
}

// combs returns a policy of as many polygons as there may be, each a comb whose
// teeth are as high as the picture.
func combs() *Policy {
	comb := func(n int) Polygon {
		poly := make(Polygon, 0, MaxPoints)
		const teeth = (MaxPoints - 2) / 2
		shift := float64(n) / MaxPolygons / 400
		poly = append(poly, Point{0, 1}, Point{0, 0.001})
		for i := range teeth {
			x := (float64(i)+0.3)/teeth*0.99 + shift
			poly = append(poly, Point{x, 0.995 - shift}, Point{x + 0.5/teeth*0.99, 0.002})
		}
		poly = poly[:MaxPoints-1]
		return append(poly, Point{1, 1})
	}
	p := &Policy{Version: 1}
	for n := range MaxPolygons {
		p.Property, p.Strip, p.Mask = append(p.Property, comb(n)), append(p.Strip, comb(n)), append(p.Mask, comb(n))
	}
	return p
}

// slowly finds the blocks of a polygon with exact arithmetic alone: every block is
// asked about every edge.
func slowly(g []gridPoint, size image.Point, side int) (within, touched blockMask) {
	d := newDrawer(size, side)
	within, touched = newMaskOf(size, side), newMaskOf(size, side)
	for by := range within.h {
		top, bottom := d.span(by, size.Y)
		for bx := range within.w {
			left, right := d.span(bx, size.X)
			block := blockRect{bx, by, bx + 1, by + 1}
			crossed := false
			for i := range g {
				a, b := scale(g[i], size), scale(g[(i+1)%len(g)], size)
				if max(a.y, b.y) > top && min(a.y, b.y) < bottom && meets(a, b, left, right, top, bottom) {
					crossed = true
					break
				}
			}
			switch {
			case crossed:
				touched.set(block)
			case contains(g, size, (left+right)/2, (top+bottom)/2):
				within.set(block)
				touched.set(block)
			}
		}
	}
	return within, touched
}

// TestDrawsExactly: what is drawn with floating point where that is certain is what
// exact arithmetic finds, also for edges on the borders of blocks.
func TestDrawsExactly(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	polygons := []Polygon{combs().Mask[0], combs().Mask[40], largest().Mask[9]}
	for range 60 {
		poly := make(Polygon, 3+rng.IntN(6))
		for i := range poly {
			a := 2 * math.Pi * (float64(i) + rng.Float64()*0.9) / float64(len(poly))
			x, y := 0.5+0.5*math.Cos(a), 0.5+0.5*math.Sin(a)
			if rng.IntN(2) == 0 {
				// Borders of blocks of 16 in 640x480.
				x, y = math.Round(x*40)/40, math.Round(y*30)/30
			}
			poly[i] = Point{x, y}
		}
		polygons = append(polygons, poly)
	}
	for _, c := range []struct {
		size image.Point
		side int
	}{{image.Pt(640, 480), 16}, {image.Pt(641, 479), 8}, {image.Pt(1283, 725), 16}, {image.Pt(161, 119), blockSide}} {
		size, d := c.size, newDrawer(c.size, c.side)
		for n, poly := range polygons {
			g := poly.onGrid()
			d.draw(g)
			within, touched := slowly(g, size, c.side)
			for y := range within.h {
				for x := range within.w {
					if d.within.has(x, y) != within.has(x, y) || d.touched.has(x, y) != touched.has(x, y) {
						t.Fatalf("polygon %d in %v, block %d,%d: within %v, touched %v; exactly %v, %v", n, size, x, y,
							d.within.has(x, y), d.touched.has(x, y), within.has(x, y), touched.has(x, y))
					}
				}
			}
		}
	}
}

// TestPrepared: the zones of a policy that was prepared are not drawn again, and
// hide the same; one for another size is of no use.
func TestPrepared(t *testing.T) {
	race.SkipPixels(t)
	p, size := largest(), image.Pt(640, 480)
	r := mustNew(t, HideEverything(), size, DefaultOptions())
	ready, err := Prepare(t.Context(), p, size)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Prepare(t.Context(), p, image.Pt(320, 240))
	if err != nil {
		t.Fatal(err)
	}
	r.Ready(other)
	r.Ready(ready)
	if err := r.SetPolicies(p, HideEverything()); err != nil {
		t.Fatal(err)
	}
	if r.rules[0].zones != ready.zones {
		t.Error("the zones were drawn again")
	}
	plain := mustNew(t, p, size, DefaultOptions())
	got, want := &r.rules[0].policy, &plain.rules[0].policy
	got.each(func(i int) {
		if x, y := i%got.w, i/got.w; !want.has(x, y) {
			t.Fatalf("block (%d,%d) is in the mask", x, y)
		}
	})
	if got.count() != want.count() {
		t.Fatalf("%d blocks in the mask, want %d", got.count(), want.count())
	}
	for range 3 * maxReady {
		r.Ready(ready)
	}
	if len(r.ready) > maxReady {
		t.Errorf("%d wait", len(r.ready))
	}
	bad := largest()
	bad.Strip[63][255] = bad.Strip[63][0]
	if _, err := Prepare(t.Context(), bad, size); err == nil {
		t.Error("a policy that is wrong was prepared")
	}
}

// TestDrawingIsBounded: the largest policies ask for exact arithmetic for few of
// their blocks, so that their cost is bounded by what is drawn.
func TestDrawingIsBounded(t *testing.T) {
	race.SkipPixels(t)
	for name, p := range map[string]*Policy{"combs": combs(), "stars": largest()} {
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		size := image.Pt(1920, 1080)
		d := newDrawer(size, blockSide)
		looks, crossings := 0, 0
		for _, z := range p.lists() {
			for _, poly := range z.polygons {
				d.draw(poly.onGrid())
				looks, crossings = looks+d.exact, crossings+d.crossed.count()
			}
		}
		if looks > crossings/10 {
			t.Errorf("%s: %d exact looks for %d crossed blocks", name, looks, crossings)
		}
	}
}
