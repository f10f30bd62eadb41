package redact

import (
	"encoding/binary"
	"image"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/race"
)

// ratPoint is a point in pixels.
type ratPoint struct{ x, y *big.Rat }

// overlap returns the area that polygon g, scaled to size, has in common with
// rectangle r, exactly: the polygon is clipped at the rectangle's four sides
// (Sutherland and Hodgman 1974), which leaves its area inside right even where
// the clipped outline is degenerate.
func overlap(g []gridPoint, size image.Point, r image.Rectangle) *big.Rat {
	poly := make([]ratPoint, len(g))
	for i, p := range g {
		poly[i] = ratPoint{big.NewRat(p.x*int64(size.X), grid), big.NewRat(p.y*int64(size.Y), grid)}
	}
	x := func(p ratPoint) *big.Rat { return p.x }
	y := func(p ratPoint) *big.Rat { return p.y }
	poly = clipSide(poly, x, int64(r.Min.X), 1)
	poly = clipSide(poly, x, int64(r.Max.X), -1)
	poly = clipSide(poly, y, int64(r.Min.Y), 1)
	poly = clipSide(poly, y, int64(r.Max.Y), -1)
	sum := new(big.Rat)
	for i, a := range poly {
		b := poly[(i+1)%len(poly)]
		sum.Add(sum, new(big.Rat).Mul(a.x, b.y))
		sum.Sub(sum, new(big.Rat).Mul(b.x, a.y))
	}
	return sum.Abs(sum).Quo(sum, big.NewRat(2, 1))
}

// clipSide keeps the part of poly whose coordinate is at least (sign 1) or at
// most (sign -1) limit.
func clipSide(poly []ratPoint, coord func(ratPoint) *big.Rat, limit int64, sign int) []ratPoint {
	lim := big.NewRat(limit, 1)
	var out []ratPoint
	for i, a := range poly {
		b := poly[(i+1)%len(poly)]
		sa, sb := coord(a).Cmp(lim)*sign, coord(b).Cmp(lim)*sign
		if sa >= 0 {
			out = append(out, a)
		}
		if sa*sb < 0 {
			t := new(big.Rat).Sub(lim, coord(a))
			t.Quo(t, new(big.Rat).Sub(coord(b), coord(a)))
			mix := func(u, v *big.Rat) *big.Rat {
				d := new(big.Rat).Sub(v, u)
				return d.Add(d.Mul(d, t), u)
			}
			out = append(out, ratPoint{mix(a.x, b.x), mix(a.y, b.y)})
		}
	}
	return out
}

// checkDrawer compares the masks of a polygon with the areas the blocks have in
// common with it.
func checkDrawer(t *testing.T, g []gridPoint, size image.Point) {
	t.Helper()
	for _, side := range []int{blockSide, 8, 16} {
		checkSide(t, g, size, side)
	}
}

func checkSide(t *testing.T, g []gridPoint, size image.Point, side int) {
	t.Helper()
	d := newDrawer(size, side)
	d.draw(g)
	for by := range d.within.h {
		for bx := range d.within.w {
			r := image.Rect(bx, by, bx+1, by+1)
			r.Min, r.Max = r.Min.Mul(d.side), r.Max.Mul(d.side)
			r = r.Intersect(image.Rectangle{Max: size})
			area := overlap(g, size, r)
			within := area.Cmp(big.NewRat(int64(r.Dx()*r.Dy()), 1)) == 0
			if d.within.has(bx, by) != within || d.touched.has(bx, by) != (area.Sign() > 0) {
				t.Fatalf("polygon %v, size %v, block (%d,%d): within %v touched %v, but %v of %d pixels are common",
					g, size, bx, by, d.within.has(bx, by), d.touched.has(bx, by), area.FloatString(6), r.Dx()*r.Dy())
			}
		}
	}
}

func TestZonesAgainstExactAreas(t *testing.T) {
	race.SkipPixels(t)
	rng := rand.New(rand.NewPCG(1, 2))
	sizes := []image.Point{{1, 1}, {16, 16}, {17, 33}, {64, 48}, {100, 75}, {131, 90}}
	tested := 0
	for tested < 150 {
		size := sizes[rng.IntN(len(sizes))]
		g := make([]gridPoint, 3+rng.IntN(5))
		for i := range g {
			g[i] = gridPoint{rng.Int64N(grid + 1), rng.Int64N(grid + 1)}
			if rng.IntN(2) == 0 {
				// On, or a millionth beside, a block border.
				g[i].x = min(g[i].x*int64(size.X)/grid/16*16*grid/int64(size.X)+rng.Int64N(2), grid)
				g[i].y = min(g[i].y*int64(size.Y)/grid/16*16*grid/int64(size.Y)+rng.Int64N(2), grid)
			}
		}
		if validateShape("", g) != nil {
			continue
		}
		checkDrawer(t, g, size)
		tested++
	}
}

// TestEdges: all that a staircase of coarse blocks hides at a polygon's edge is
// hidden, what is hidden lies beside an edge, and a slanted edge is straight.
func TestEdges(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 2))
	sizes := []image.Point{{17, 33}, {64, 48}, {131, 90}, {300, 200}, {1281, 721}}
	for n := 0; n < 60; {
		size := sizes[n%len(sizes)]
		g := make([]gridPoint, 3+rng.IntN(5))
		for i := range g {
			g[i] = gridPoint{rng.Int64N(grid + 1), rng.Int64N(grid + 1)}
		}
		if validateShape("", g) != nil {
			continue
		}
		n++
		e, o := newEdges(size), newEdges(size)
		e.draw(g, inside)
		o.draw(g, outside)
		exact, coarse := newDrawer(size, blockSide), newDrawer(size, coarseSide(size))
		exact.draw(g)
		coarse.draw(g)
		per := coarse.side / blockSide
		reach := float64(coarse.side)*math.Sqrt2 + 2*blockSide
		for y := range e.fine.within.h {
			for x := range e.fine.within.w {
				within, touched := e.fine.within.has(x, y), o.fine.touched.has(x, y)
				if within && (!exact.within.has(x, y) || !coarse.within.has(x/per, y/per)) ||
					!touched && (exact.touched.has(x, y) || coarse.touched.has(x/per, y/per)) {
					t.Fatalf("polygon %v, size %v, block (%d,%d): within %v, touched %v", g, size, x, y, within, touched)
				}
				if within != exact.within.has(x, y) || touched != exact.touched.has(x, y) {
					if d := distance(g, size, float64(2*x)+1, float64(2*y)+1); d > reach {
						t.Fatalf("polygon %v, size %v, block (%d,%d) is %v pixels from the edge", g, size, x, y, d)
					}
				}
			}
		}
	}
}

// TestBand: what is drawn a row at a time is what every block, asked by itself, says
// about its four corners.
func TestBand(t *testing.T) {
	race.SkipPixels(t)
	rng := rand.New(rand.NewPCG(7, 3))
	for n := range 4000 {
		size := []image.Point{{64, 48}, {131, 91}, {33, 17}}[n%3]
		coordinate := func(most int) float64 {
			v := rng.Float64() * float64(most)
			if rng.IntN(2) == 0 {
				v = math.Round(v/2) * 2 // on the border of a block
			}
			return v
		}
		l := line{x: coordinate(size.X), y: coordinate(size.Y)}
		l.dx, l.dy = coordinate(size.X)-l.x, coordinate(size.Y)-l.y
		if l.length = math.Hypot(l.dx, l.dy); l.length < 0.5 {
			continue
		}
		l.dx, l.dy = l.dx/l.length, l.dy/l.length
		l.nx, l.ny = -l.dy, l.dx
		depth := rng.Float64() * 20
		e := newEdges(size)
		got := newBlockMask(size)
		e.band(&l, depth, got.set)
		for i := range got.w * got.h {
			near, far, first, last := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
			corners(e.fine.rect(i), func(x, y float64) {
				in, on := l.inwards(x, y), (x-l.x)*l.dx+(y-l.y)*l.dy
				near, far, first, last = min(near, in), max(far, in), min(first, on), max(last, on)
			})
			// How far the block is from the decision, by the nearest condition: they
			// overlap along the axes of both.
			r := e.fine.rect(i)
			ex, ey, nx, ny := l.x+l.dx*l.length, l.y+l.dy*l.length, l.nx*depth, l.ny*depth
			by := min(depth-near, far, l.length-first, last,
				float64(r.Max.X)-min(l.x, ex, l.x+nx, ex+nx), max(l.x, ex, l.x+nx, ex+nx)-float64(r.Min.X),
				float64(r.Max.Y)-min(l.y, ey, l.y+ny, ey+ny), max(l.y, ey, l.y+ny, ey+ny)-float64(r.Min.Y))
			if math.Abs(by) > 1e-9 && got.has(i%got.w, i/got.w) != (by > 0) {
				t.Fatalf("line %+v, depth %v, size %v, block %d,%d: %v by %v", l, depth, size, i%got.w, i/got.w, by > 0, by)
			}
		}
	}
}

// TestEdgeIsStraight: the border of what is shown along a slanted edge is a line.
func TestEdgeIsStraight(t *testing.T) {
	size := image.Pt(1920, 1080)
	for _, dy := range []float64{0, 0.01, 0.13, 0.4} {
		z := newZones(&Policy{Version: 1, Property: []Polygon{{{0, 0.31}, {1, 0.31 + dy}, {1, 1}, {0, 1}}}}, size)
		first := func(x int) float64 {
			for y := range z.inside.h {
				if z.inside.has(x, y) {
					return float64(y)
				}
			}
			return -1
		}
		a, b := first(20), first(940)
		for x := 20; x < 940; x++ {
			if want := a + (b-a)*float64(x-20)/920; math.Abs(first(x)-want) > 1.01 {
				t.Fatalf("slope %v: column %d is shown from row %v on, the line from %v", dy, x, first(x), want)
			}
		}
	}
}

// distance returns how far (x,y) is from the polygon's line, in pixels.
func distance(g []gridPoint, size image.Point, x, y float64) float64 {
	least := math.Inf(1)
	for i := range g {
		a, b := scale(g[i], size), scale(g[(i+1)%len(g)], size)
		ax, ay := float64(a.x)/grid, float64(a.y)/grid
		dx, dy := float64(b.x)/grid-ax, float64(b.y)/grid-ay
		u := min(max(((x-ax)*dx+(y-ay)*dy)/(dx*dx+dy*dy), 0), 1)
		least = min(least, math.Hypot(x-ax-u*dx, y-ay-u*dy))
	}
	return least
}

func FuzzZones(f *testing.F) {
	f.Add(uint16(100), uint16(75), []byte{0, 0, 0, 0, 255, 255, 0, 0, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, w, h uint16, data []byte) {
		size := image.Pt(1+int(w)%200, 1+int(h)%200)
		var g []gridPoint
		for len(data) >= 4 && len(g) < 12 {
			x, y := binary.BigEndian.Uint16(data), binary.BigEndian.Uint16(data[2:])
			g = append(g, gridPoint{int64(x) * grid / 65535, int64(y) * grid / 65535})
			data = data[4:]
		}
		if len(g) < 3 || validateShape("", g) != nil {
			return
		}
		checkDrawer(t, g, size)
	})
}

// TestZonesOnBlockBorders: a fraction that falls on a block border includes the
// block, without rounding errors, also at the far end of an odd-sized picture.
func TestZonesOnBlockBorders(t *testing.T) {
	p := &Policy{
		Version:  1,
		Property: []Polygon{{{0.1, 0.2}, {1, 0.2}, {1, 1}, {0.1, 1}}},
		Mask:     []Polygon{{{0.2, 0.2}, {0.3, 0.2}, {0.3, 0.3}, {0.2, 0.3}}},
	}
	z := newZones(p, image.Pt(1920, 1085)) // 0.1*1920 = 192 = 12 blocks; 0.2*1085 = 217 is in block row 13
	for by := range z.inside.h {
		for bx := range z.inside.w {
			if want := bx >= 96 && by >= 112; z.inside.has(bx, by) != want {
				t.Fatalf("block (%d,%d): inside %v", bx, by, !want)
			}
			// 384..576 x 217..325.5
			if want := bx >= 192 && bx < 288 && by >= 104 && by < 168; z.mask.has(bx, by) != want {
				t.Fatalf("block (%d,%d): masked %v", bx, by, !want)
			}
		}
	}
}

func TestStands(t *testing.T) {
	size := image.Pt(200, 100)
	// A triangle with the corners (20,90), (180,90), (100,10).
	z := newZones(&Policy{Version: 1, Property: []Polygon{{{0.1, 0.9}, {0.9, 0.9}, {0.5, 0.1}}}}, size)
	for _, c := range []struct {
		x, y float32
		want bool
	}{
		{100, 50, true},
		{100, 10, true},
		{100, 9.9, false},
		{20, 90, true},
		{100, 90, true},
		{100, 90.1, false},
		{60, 50, true},
		{59.9, 50, false},
		{140, 50, true},
		{140.1, 50, false},
		{0, 90, false},
		{200, 90, false},
	} {
		b := detect.Box{X0: c.x - 5, X1: c.x + 5, Y0: c.y - 30, Y1: c.y}
		if got := z.stands(b); got != c.want {
			t.Errorf("foot point (%v,%v): %v", c.x, c.y, got)
		}
	}
	// Feet below the picture's edge are taken to be on it.
	z = newZones(&Policy{Version: 1, Property: []Polygon{{{0, 0.5}, {1, 0.5}, {1, 1}, {0, 1}}}}, size)
	if !z.stands(detect.Box{X0: 50, X1: 80, Y0: 20, Y1: 130}) {
		t.Error("feet below the picture are not on the property that reaches its edge")
	}
}
