package redact

import (
	"context"
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

// newZones draws the zones of a policy.
func newZones(p *Policy, size image.Point) *zones {
	z, _ := drawZones(context.Background(), p, size) // that ends never
	return z
}

// drawZones draws the zones of a policy until ctx ends, whose error it returns.
func drawZones(ctx context.Context, p *Policy, size image.Point) (*zones, error) {
	z := &zones{
		size:   size,
		inside: newBlockMask(size), strip: newBlockMask(size), mask: newBlockMask(size),
	}
	d := newEdges(size)
	for _, poly := range p.Property {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		g := poly.onGrid()
		z.property = append(z.property, g)
		d.draw(g, inside)
		z.inside.add(&d.fine.within)
	}
	for _, poly := range p.Strip {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		d.draw(poly.onGrid(), inside)
		z.strip.add(&d.fine.within)
	}
	for _, poly := range p.Mask {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		d.draw(poly.onGrid(), outside)
		z.mask.add(&d.fine.touched)
	}
	for _, m := range []*blockMask{&z.inside, &z.strip, &z.mask} {
		m.compact()
	}
	return z, nil
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
	side    int         // of a block in pixels
	crossed blockMask   // an edge runs through the open block
	within  blockMask   // the block lies in the closed polygon
	touched blockMask   // block and polygon have an area in common
	exact   int         // decisions for which floating point was not enough
	scaled  []gridPoint // the polygon in millionths of a pixel
	toggle  []int       // column borders at which a row enters or leaves
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
	d.scaled = d.scaled[:0]
	for _, p := range g {
		d.scaled = append(d.scaled, scale(p, d.size))
	}
	d.crossed.clear()
	d.exact = 0
	for i, a := range d.scaled {
		d.cross(a, d.scaled[(i+1)%len(g)])
	}
	d.within.clear()
	for by := range d.within.h {
		d.centres(d.scaled, by)
	}
	d.touched.copyFrom(&d.within)
	d.touched.add(&d.crossed)
	d.within.remove(&d.crossed)
}

// nearBorder is how near, in millionths of a pixel, floating point must come to a
// border before a decision is made exactly. A position along an edge is below 2^35
// and errs by less than a ten-thousandth.
const nearBorder = 1.0

// cross adds to crossed the blocks whose open area the edge a-b has a point in. In
// a row of blocks these lie side by side: only the outermost can be in doubt.
func (d *drawer) cross(a, b gridPoint) {
	m := &d.crossed
	y0, y1 := min(a.y, b.y), max(a.y, b.y)
	side := int64(d.side) * grid
	for by := int(y0 / side); by < m.h && by <= int(y1/side); by++ {
		top, bottom := d.span(by, d.size.Y)
		if y1 <= top || y0 >= bottom {
			continue
		}
		lo, hi := reach(a, b, top, bottom)
		first, last := max(int((lo-nearBorder)/float64(side)), 0), min(int((hi+nearBorder)/float64(side)), m.w-1)
		for bx := first; bx <= last; bx++ {
			left, right := d.span(bx, d.size.X)
			sure := float64(left) < hi-nearBorder && float64(right) > lo+nearBorder
			if !sure {
				d.exact++
			}
			if sure || meets(a, b, left, right, top, bottom) {
				m.set(blockRect{bx, by, bx + 1, by + 1})
			}
		}
	}
}

// reach returns the x range of the part of the edge a-b between the rows top and
// bottom.
func reach(a, b gridPoint, top, bottom int64) (lo, hi float64) {
	lo, hi = float64(min(a.x, b.x)), float64(max(a.x, b.x))
	if a.y != b.y {
		t, u := at(a, b, top), at(a, b, bottom)
		lo, hi = max(lo, min(t, u)), min(hi, max(t, u))
	}
	return lo, hi
}

// at returns the x at which the line through a and b, which is not horizontal, is at
// height y.
func at(a, b gridPoint, y int64) float64 {
	return float64(a.x) + float64(b.x-a.x)*(float64(y-a.y)/float64(b.y-a.y))
}

// meets reports exactly whether the edge a-b, which reaches into the row between
// top and bottom, has a point in the open rectangle.
func meets(a, b gridPoint, left, right, top, bottom int64) bool {
	if max(a.x, b.x) <= left || min(a.x, b.x) >= right {
		return false
	}
	// Separating axes of a segment and a rectangle: x, y (by the caller) and the
	// segment's normal, on which the open rectangle must reach to both sides of the
	// line.
	s1, s2 := lineSide(a, b, left, top), lineSide(a, b, right, top)
	s3, s4 := lineSide(a, b, left, bottom), lineSide(a, b, right, bottom)
	return min(s1, s2, s3, s4) < 0 && max(s1, s2, s3, s4) > 0
}

// centres sets within for the blocks of row by whose centre is inside, by the
// even-odd rule. For a centre that lies on an edge the answer is arbitrary; its
// block is crossed.
func (d *drawer) centres(g []gridPoint, by int) {
	clear(d.toggle)
	top, bottom := d.span(by, d.size.Y)
	cy := (top + bottom) / 2
	for i, a := range g {
		b := g[(i+1)%len(g)]
		if (a.y <= cy) == (b.y <= cy) {
			continue
		}
		if a.y > b.y {
			a, b = b, a
		}
		d.toggle[d.column(a, b, cy)] ^= 1
	}
	in, from := 0, 0
	for bx := range d.within.w + 1 {
		was := in
		if in ^= d.toggle[bx]; in > was {
			from = bx
		}
		if was == 1 && (in == 0 || bx == d.within.w) {
			d.within.set(blockRect{from, by, bx, by + 1})
		}
	}
}

// column returns the first column of blocks whose centre at height cy is to the
// right of the downward edge a-b.
func (d *drawer) column(a, b gridPoint, cy int64) int {
	side := float64(d.side) * grid
	x := at(a, b, cy)
	bx := min(max(int(x/side+0.5), 0), d.within.w)
	// Every column but the last is as wide as another.
	if off := x - (float64(bx)-0.5)*side; bx < d.within.w-1 && off > nearBorder && off < side-nearBorder {
		return bx
	}
	for bx > 0 && d.rightOf(a, b, bx-1, cy) {
		bx--
	}
	for bx < d.within.w && !d.rightOf(a, b, bx, cy) {
		bx++
	}
	return bx
}

// rightOf reports whether the centre of block column bx at height cy is to the
// right of the downward edge a-b.
func (d *drawer) rightOf(a, b gridPoint, bx int, cy int64) bool {
	left, right := d.span(bx, d.size.X)
	return lineSide(a, b, (left+right)/2, cy) < 0
}
