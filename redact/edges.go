package redact

import (
	"image"
	"math"
)

// edges draws polygons so that all that a staircase of coarse blocks (16 pixels, or
// 8) would hide at their edges is hidden, and the line is straight: each edge is
// moved, inwards for what is shown and outwards for what is hidden, past the coarse
// blocks that it runs through. A zone is drawn by hand, and what stands just at its
// line is doubtful.
type edges struct {
	fine, coarse *drawer
	wide         blockMask // scratch: blocks of coarse in those of fine
}

func newEdges(size image.Point) *edges {
	return &edges{fine: newDrawer(size, blockSide), coarse: newDrawer(size, coarseSide(size)), wide: newBlockMask(size)}
}

// edgeSide is on which side of a polygon's edges what they run through falls.
type edgeSide uint8

const (
	inside  edgeSide = iota // what is shown: fine.within is wanted
	outside                 // what is hidden: fine.touched is
)

// draw sets fine.within or, for outside, fine.touched for the polygon.
func (e *edges) draw(g []gridPoint, s edgeSide) {
	e.fine.draw(g)
	e.coarse.draw(g)
	if s == inside {
		e.refine(&e.coarse.within)
		e.fine.within.keep(&e.wide)
	} else {
		e.refine(&e.coarse.touched)
		e.fine.touched.add(&e.wide)
	}
	area := int64(0)
	for i := range g {
		a, b := g[i], g[(i+1)%len(g)]
		area += a.x*b.y - b.x*a.y
	}
	for i := range g {
		a, b := g[i], g[(i+1)%len(g)]
		if area < 0 {
			a, b = b, a // the inside is to the right, in the picture, on the way from a to b
		}
		e.move(a, b, s)
	}
}

// refine sets wide to the blocks of a coarse mask.
func (e *edges) refine(m *blockMask) {
	e.wide.clear()
	n := m.side / blockSide
	for y := m.lo; y < m.hi; {
		row, end := m.band(y), m.end(y)
		for a, b := nextSpan(row, 0); a < b; a, b = nextSpan(row, b) {
			e.wide.set(blockRect{a * n, y * n, min(b*n, e.wide.w), min(end*n, e.wide.h)})
		}
		y = end
	}
}

// line is an edge in pixels: a point, its direction, its normal to the inside, and
// its length.
type line struct{ x, y, dx, dy, nx, ny, length float64 }

func (l *line) inwards(x, y float64) float64 { return (x-l.x)*l.nx + (y-l.y)*l.ny }

// corners calls f with the corners of a rectangle.
func corners(r image.Rectangle, f func(x, y float64)) {
	x0, y0, x1, y1 := float64(r.Min.X), float64(r.Min.Y), float64(r.Max.X), float64(r.Max.Y)
	f(x0, y0)
	f(x1, y0)
	f(x0, y1)
	f(x1, y1)
}

// move takes from within, or adds to touched, what lies beside the edge a-b as far
// away as the furthest corner of a coarse block that it runs through.
func (e *edges) move(a, b gridPoint, s edgeSide) {
	size := e.fine.size
	a, b = scale(a, size), scale(b, size)
	l := line{x: float64(a.x) / grid, y: float64(a.y) / grid, dx: float64(b.x-a.x) / grid, dy: float64(b.y-a.y) / grid}
	l.length = math.Hypot(l.dx, l.dy)
	l.dx, l.dy = l.dx/l.length, l.dy/l.length
	l.nx, l.ny = -l.dy, l.dx
	if s == outside {
		l.nx, l.ny = -l.nx, -l.ny
	}
	d := e.coarse
	d.crossed.clear()
	d.cross(a, b)
	depth := 0.0
	d.crossed.each(func(i int) {
		corners(d.rect(i), func(x, y float64) { depth = max(depth, l.inwards(x, y)) })
	})
	const hair = 1e-6 // of a pixel, for rounding
	if s == inside {
		e.band(&l, depth-hair, e.fine.within.unset)
	} else {
		e.band(&l, depth-hair, e.fine.touched.set)
	}
}

// band calls f with the blocks of fine, a row at a time, that have points beside l,
// on the side that its normal points to, less than depth away from it: that is a
// rectangle, and the separating axes of it and a block are those of both. Each
// condition is linear along a row, so that the blocks for which all hold lie side by
// side.
func (e *edges) band(l *line, depth float64, f func(blockRect)) {
	if depth <= 0 {
		return
	}
	size, m := e.fine.size, &e.fine.within
	ex, ey, nx, ny := l.x+l.dx*l.length, l.y+l.dy*l.length, l.nx*depth, l.ny*depth
	left, right := min(l.x, ex, l.x+nx, ex+nx), max(l.x, ex, l.x+nx, ex+nx)
	first := int(max(min(l.y, ey, l.y+ny, ey+ny), 0)) / blockSide
	last := min(int(math.Ceil(max(l.y, ey, l.y+ny, ey+ny)/blockSide)), m.h) - 1
	for y := first; y <= last; y++ {
		top, bottom := float64(y*blockSide)-l.y, float64(min((y+1)*blockSide, size.Y))-l.y
		r := reachOf{lo: left, hi: right}
		r.between(l.x, l.nx, top*l.ny, bottom*l.ny, depth)
		r.between(l.x, l.dx, top*l.dy, bottom*l.dy, l.length)
		// Blocks whose left border is before hi and whose right one is after lo.
		x0 := int(min(max(r.lo, 0), float64(size.X))) / blockSide
		x1 := int(math.Ceil(min(max(r.hi, 0), float64(size.X)) / blockSide))
		if x0 < x1 && r.lo < float64(size.X) {
			f(blockRect{x0, y, x1, y + 1})
		}
	}
}

// reachOf is where the blocks of a row may lie: their right borders are beyond lo,
// their left ones before hi.
type reachOf struct{ lo, hi float64 }

// between keeps blocks with a point p for which 0 < (p.x-x)*n + q < limit, where q
// is from the one to the other of the values that the row's two borders have.
func (r *reachOf) between(x, n, q0, q1, limit float64) {
	q0, q1 = min(q0, q1), max(q0, q1)
	switch {
	case n > 0:
		r.hi, r.lo = min(r.hi, x+(limit-q0)/n), max(r.lo, x-q1/n)
	case n < 0:
		r.lo, r.hi = max(r.lo, x+(limit-q0)/n), min(r.hi, x-q1/n)
	case q0 >= limit || q1 <= 0:
		r.hi = math.Inf(-1)
	}
}

// rect returns the pixels of a block.
func (d *drawer) rect(i int) image.Rectangle {
	at := image.Pt(i%d.within.w, i/d.within.w).Mul(d.side)
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(d.side, d.side))}.Intersect(image.Rectangle{Max: d.size})
}
