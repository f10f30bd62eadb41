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

// draw sets fine.within and fine.touched for the polygon.
func (e *edges) draw(g []gridPoint) {
	e.fine.draw(g)
	e.coarse.draw(g)
	e.refine(&e.coarse.within)
	e.fine.within.keep(&e.wide)
	e.refine(&e.coarse.touched)
	e.fine.touched.add(&e.wide)
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
		e.move(a, b)
	}
}

// refine sets wide to the blocks of a coarse mask.
func (e *edges) refine(m *blockMask) {
	e.wide.clear()
	n := m.side / blockSide
	for y := m.lo; y < m.hi; y++ {
		row := m.row(y)
		for a, b := nextSpan(row, 0); a < b; a, b = nextSpan(row, b) {
			e.wide.set(blockRect{a * n, y * n, min(b*n, e.wide.w), min((y+1)*n, e.wide.h)})
		}
	}
}

// line is an edge in pixels: a point, its direction, its normal to the inside, and
// its length.
type line struct{ x, y, dx, dy, nx, ny, length float64 }

func (l *line) inwards(x, y float64) float64 { return (x-l.x)*l.nx + (y-l.y)*l.ny }
func (l *line) along(x, y float64) float64   { return (x-l.x)*l.dx + (y-l.y)*l.dy }

// corners calls f with the corners of a rectangle.
func corners(r image.Rectangle, f func(x, y float64)) {
	x0, y0, x1, y1 := float64(r.Min.X), float64(r.Min.Y), float64(r.Max.X), float64(r.Max.Y)
	f(x0, y0)
	f(x1, y0)
	f(x0, y1)
	f(x1, y1)
}

// move takes from within, and adds to touched, what lies beside the edge a-b as far
// away as the furthest corner of a coarse block that it runs through.
func (e *edges) move(a, b gridPoint) {
	size := e.fine.size
	a, b = scale(a, size), scale(b, size)
	l := line{x: float64(a.x) / grid, y: float64(a.y) / grid, dx: float64(b.x-a.x) / grid, dy: float64(b.y-a.y) / grid}
	l.length = math.Hypot(l.dx, l.dy)
	l.dx, l.dy = l.dx/l.length, l.dy/l.length
	l.nx, l.ny = -l.dy, l.dx
	d := e.coarse
	d.crossed.clear()
	d.cross(a, b)
	in, out := 0.0, 0.0
	d.crossed.each(func(i int) {
		corners(d.rect(i), func(x, y float64) {
			in, out = max(in, l.inwards(x, y)), max(out, -l.inwards(x, y))
		})
	})
	const hair = 1e-6 // of a pixel, for rounding
	e.band(&l, in-hair, func(r blockRect) { e.fine.within.unset(r) })
	l.nx, l.ny = -l.nx, -l.ny
	e.band(&l, out-hair, func(r blockRect) { e.fine.touched.set(r) })
}

// band calls f with each block of fine that has points beside l, on its inner side,
// less than depth away from it.
func (e *edges) band(l *line, depth float64, f func(blockRect)) {
	if depth <= 0 {
		return
	}
	ex, ey := l.x+l.dx*l.length, l.y+l.dy*l.length
	lo := func(p, q, n float64) float64 { return min(p, q, p+n*depth, q+n*depth) }
	hi := func(p, q, n float64) float64 { return max(p, q, p+n*depth, q+n*depth) }
	m := &e.fine.within
	for y := max(int(lo(l.y, ey, l.ny))/blockSide-1, 0); y <= min(int(hi(l.y, ey, l.ny))/blockSide, m.h-1); y++ {
		for x := max(int(lo(l.x, ex, l.nx))/blockSide-1, 0); x <= min(int(hi(l.x, ex, l.nx))/blockSide, m.w-1); x++ {
			near, far := math.Inf(1), math.Inf(-1)
			first, last := math.Inf(1), math.Inf(-1)
			corners(e.fine.rect(y*m.w+x), func(px, py float64) {
				near, far = min(near, l.inwards(px, py)), max(far, l.inwards(px, py))
				first, last = min(first, l.along(px, py)), max(last, l.along(px, py))
			})
			if near < depth && far > 0 && first < l.length && last > 0 {
				f(blockRect{x, y, x + 1, y + 1})
			}
		}
	}
}

// rect returns the pixels of a block.
func (d *drawer) rect(i int) image.Rectangle {
	at := image.Pt(i%d.within.w, i/d.within.w).Mul(d.side)
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(d.side, d.side))}.Intersect(image.Rectangle{Max: d.size})
}
