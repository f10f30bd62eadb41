package redact

import (
	"image"
	"math"
	"math/bits"

	"github.com/hedgecam/hedge/detect"
)

// zones is a policy's polygons drawn into the block grid of one picture size.
type zones struct {
	size     image.Point
	property [][]gridPoint
	inside   blockMask // inside one polygon of property, and not at its edge
	strip    blockMask // inside one polygon of strip, and not at its edge
	mask     blockMask // touched by a polygon of mask, or at its edge
}

func newZones(p *Policy, size image.Point) *zones {
	z := &zones{
		size:   size,
		inside: newBlockMask(size), strip: newBlockMask(size), mask: newBlockMask(size),
	}
	d := newEdges(size)
	for _, poly := range p.Property {
		g := poly.onGrid()
		z.property = append(z.property, g)
		d.draw(g)
		z.inside.add(&d.fine.within)
	}
	for _, poly := range p.Strip {
		d.draw(poly.onGrid())
		z.strip.add(&d.fine.within)
	}
	for _, poly := range p.Mask {
		d.draw(poly.onGrid())
		z.mask.add(&d.fine.touched)
	}
	return z
}

// stands reports whether the bottom centre of b, in pixels, moved into the
// picture if it lies outside of it, is inside the property or on its border.
// Only the first is rounded, to a millionth of a pixel.
func (z *zones) stands(b detect.Box) bool {
	x, _ := b.Center()
	px := int64(math.Round(clamp(float64(x), float64(z.size.X)) * grid))
	py := int64(math.Round(clamp(float64(b.Y1), float64(z.size.Y)) * grid))
	for _, g := range z.property {
		if contains(g, z.size, px, py) {
			return true
		}
	}
	return false
}

func clamp(v, hi float64) float64 { return min(max(v, 0), hi) }

// contains reports whether (px,py), in millionths of a pixel, is inside or on
// the border of polygon g in a picture of the given size.
func contains(g []gridPoint, size image.Point, px, py int64) bool {
	in := false
	for i := range g {
		a, b := scale(g[i], size), scale(g[(i+1)%len(g)], size)
		if (a.y <= py) == (b.y <= py) {
			if onHorizontal(a, b, px, py) {
				return true
			}
			continue
		}
		switch side := lineSide(a, b, px, py); {
		case side == 0:
			return true
		case (side > 0) == (b.y > a.y):
			in = !in
		}
	}
	return in
}

// onHorizontal reports whether (px,py) is an end of the edge a-b or, where that
// is horizontal, on it.
func onHorizontal(a, b gridPoint, px, py int64) bool {
	if a.y == py && b.y == py {
		return min(a.x, b.x) <= px && px <= max(a.x, b.x)
	}
	return a.y == py && a.x == px || b.y == py && b.x == px
}

// scale returns p in millionths of a pixel.
func scale(p gridPoint, size image.Point) gridPoint {
	return gridPoint{p.x * int64(size.X), p.y * int64(size.Y)}
}

// lineSide returns the sign of the cross product (b-a) x (p-a), exactly:
// coordinates are below 2^35 (MaxSize in millionths), products below 2^70.
func lineSide(a, b gridPoint, px, py int64) int {
	return compareProducts(b.x-a.x, py-a.y, b.y-a.y, px-a.x)
}

// compareProducts returns the sign of a*b - c*d without overflow.
func compareProducts(a, b, c, d int64) int {
	s1, hi1, lo1 := product(a, b)
	s2, hi2, lo2 := product(c, d)
	if s1 != s2 {
		if s1 > s2 {
			return 1
		}
		return -1
	}
	switch {
	case hi1 == hi2 && lo1 == lo2:
		return 0
	case hi1 > hi2 || hi1 == hi2 && lo1 > lo2:
		return s1
	}
	return -s1
}

// product returns the sign and the 128-bit magnitude of a*b.
func product(a, b int64) (sign int, hi, lo uint64) {
	sign = 1
	if a < 0 {
		a, sign = -a, -sign
	}
	if b < 0 {
		b, sign = -b, -sign
	}
	hi, lo = bits.Mul64(uint64(a), uint64(b))
	if hi == 0 && lo == 0 {
		sign = 0
	}
	return sign, hi, lo
}

// drawer finds the blocks of one polygon at a time.
type drawer struct {
	size    image.Point
	side    int       // of a block in pixels
	crossed blockMask // an edge runs through the open block
	within  blockMask // the block lies in the closed polygon
	touched blockMask // block and polygon have an area in common
	toggle  []int     // column borders at which a row enters or leaves
}

func newDrawer(size image.Point, side int) *drawer {
	d := &drawer{
		size: size, side: side,
		crossed: newMaskOf(size, side), within: newMaskOf(size, side), touched: newMaskOf(size, side),
	}
	d.toggle = make([]int, d.within.w+1)
	return d
}

// span returns the borders of block i in millionths of a pixel, along an axis
// of n pixels.
func (d *drawer) span(i, n int) (lo, hi int64) {
	return int64(i*d.side) * grid, int64(min((i+1)*d.side, n)) * grid
}

// draw sets within and touched for the polygon. A block through whose open area
// no edge runs lies either wholly inside or wholly outside, as does its centre;
// one with an edge in it is only touched. All decisions are exact.
func (d *drawer) draw(g []gridPoint) {
	d.crossed.clear()
	for i := range g {
		d.cross(scale(g[i], d.size), scale(g[(i+1)%len(g)], d.size))
	}
	d.within.clear()
	for by := range d.within.h {
		d.centres(g, by)
	}
	d.touched.copyFrom(&d.within)
	d.touched.add(&d.crossed)
	d.within.remove(&d.crossed)
}

// cross adds to crossed the blocks whose open area the edge a-b has a point in.
func (d *drawer) cross(a, b gridPoint) {
	m := &d.crossed
	y0, y1 := min(a.y, b.y), max(a.y, b.y)
	x0, x1 := min(a.x, b.x), max(a.x, b.x)
	side := int64(d.side) * grid
	for by := int(y0 / side); by < m.h && by <= int(y1/side); by++ {
		top, bottom := d.span(by, d.size.Y)
		if y1 <= top || y0 >= bottom {
			continue
		}
		first, last := d.columns(a, b, x0, x1, top, bottom)
		for bx := first; bx <= last; bx++ {
			left, right := d.span(bx, d.size.X)
			if x1 <= left || x0 >= right {
				continue
			}
			// Separating axes of a segment and a rectangle: x, y (above) and
			// the segment's normal, on which the open rectangle must reach to
			// both sides of the line.
			s1, s2 := lineSide(a, b, left, top), lineSide(a, b, right, top)
			s3, s4 := lineSide(a, b, left, bottom), lineSide(a, b, right, bottom)
			if min(s1, s2, s3, s4) < 0 && max(s1, s2, s3, s4) > 0 {
				m.set(blockRect{bx, by, bx + 1, by + 1})
			}
		}
	}
}

// columns returns a range of block columns that holds all those which the edge
// a-b (its x range is x0..x1) may run through between the rows top and bottom.
// It saves work and decides nothing: it is one block wider than floating point
// could err.
func (d *drawer) columns(a, b gridPoint, x0, x1, top, bottom int64) (first, last int) {
	lo, hi := float64(x0), float64(x1)
	if a.y != b.y {
		at := func(y int64) float64 {
			return float64(a.x) + float64(b.x-a.x)*(float64(y-a.y)/float64(b.y-a.y))
		}
		t, u := at(top), at(bottom)
		lo, hi = max(lo, min(t, u)), min(hi, max(t, u))
	}
	side := float64(d.side) * grid
	return max(int(lo/side)-1, 0), min(int(hi/side)+1, d.crossed.w-1)
}

// centres sets within for the blocks of row by whose centre is inside, by the
// even-odd rule. For a centre that lies on an edge the answer is arbitrary; its
// block is crossed.
func (d *drawer) centres(g []gridPoint, by int) {
	clear(d.toggle)
	top, bottom := d.span(by, d.size.Y)
	cy := (top + bottom) / 2
	for i := range g {
		a, b := scale(g[i], d.size), scale(g[(i+1)%len(g)], d.size)
		if (a.y <= cy) == (b.y <= cy) {
			continue
		}
		if a.y > b.y {
			a, b = b, a
		}
		// A downward edge: centres to its right (in the picture) have a
		// negative cross product.
		x := float64(a.x) + float64(b.x-a.x)*(float64(cy-a.y)/float64(b.y-a.y))
		bx := min(max(int(x/(float64(d.side)*grid)), 0), d.within.w)
		for bx > 0 && d.rightOf(a, b, bx-1, cy) {
			bx--
		}
		for bx < d.within.w && !d.rightOf(a, b, bx, cy) {
			bx++
		}
		d.toggle[bx] ^= 1
	}
	in := 0
	for bx := range d.within.w {
		if in ^= d.toggle[bx]; in == 1 {
			d.within.set(blockRect{bx, by, bx + 1, by + 1})
		}
	}
}

// rightOf reports whether the centre of block column bx at height cy is to the
// right of the downward edge a-b.
func (d *drawer) rightOf(a, b gridPoint, bx int, cy int64) bool {
	left, right := d.span(bx, d.size.X)
	return lineSide(a, b, (left+right)/2, cy) < 0
}
