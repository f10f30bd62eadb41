package motion

import (
	"time"

	"github.com/hedgecam/hedge/detect"
)

// grid holds what is known of each cell. The arrays have a border of one cell
// that stays zero, so that neighbours need no bounds; at(x, y) is the index.
type grid struct {
	cw, ch, stride int

	cand     []uint8 // changed structure: 1 believed, 2 not (yet)
	lasting  []uint8 // the same samples as in the picture before
	soft     []uint8 // samples that changed at all
	energy   []uint8 // mean absolute change, in 8 units
	fg       []uint8 // part of a patch: 1 held from before, 2 seen now
	seen     []time.Duration
	learn    []uint8
	out, tmp []uint8 // scratch for what is given out

	light, slow, wobble []int32 // mean change of a cell, its short mean and deviation, 8 fraction bits
	busyCell            []uint8 // changes now, and is not harmless
	changed             []time.Duration
	busy, waiting       int
	wait                []uint8
	lastBusy            time.Duration
	weather             int // share of cells that change for one picture, 16 fraction bits, a mean

	known      []uint8 // 1 once a look has passed the background of the cell
	looks      []uint8
	firstLook  []time.Duration
	lastLook   []time.Duration
	harmless   []time.Duration // until when
	calm       []uint8         // harmless, and now like what was judged
	level      []uint8         // energy found harmless
	explained  []time.Duration // when an object was found here
	absorb     []uint8
	label, cnt []int32
	fresh      []int32 // cells of a patch that are not harmless
	covered    []uint8
}

func (g *grid) at(x, y int) int { return (y+1)*g.stride + x + 1 }
func (g *grid) cells() int      { return g.stride * (g.ch + 2) }

// never is a time before all times.
const never = time.Duration(-1 << 62)

func (g *grid) setSize(cw, ch int) {
	if cw != g.cw || ch != g.ch {
		*g = grid{cw: cw, ch: ch, stride: cw + 2}
		n := g.cells()
		for _, p := range []*[]uint8{&g.cand, &g.lasting, &g.soft, &g.energy, &g.fg, &g.learn, &g.out, &g.tmp,
			&g.busyCell, &g.wait, &g.known, &g.looks, &g.level, &g.calm, &g.absorb, &g.covered} {
			*p = make([]uint8, n)
		}
		for _, p := range []*[]time.Duration{&g.seen, &g.changed, &g.firstLook, &g.lastLook, &g.harmless, &g.explained} {
			*p = make([]time.Duration, n)
		}
		for _, p := range []*[]int32{&g.light, &g.slow, &g.wobble, &g.label, &g.cnt, &g.fresh} {
			*p = make([]int32, n)
		}
	}
	for _, s := range [][]uint8{g.cand, g.lasting, g.fg, g.busyCell, g.wait, g.known, g.looks, g.level, g.calm, g.absorb} {
		clear(s)
	}
	for i := range g.seen {
		g.seen[i], g.changed[i], g.harmless[i], g.explained[i], g.lastLook[i] = never, never, never, never, never
	}
	for i := range g.known {
		x, y := i%g.stride, i/g.stride
		if x == 0 || y == 0 || x > g.cw || y > g.ch {
			g.known[i] = 1 // the border is no part of the picture
		}
	}
	for i := range g.wobble {
		g.light[i], g.slow[i], g.wobble[i] = 0, 0, firstNoise<<8
	}
	g.busy, g.waiting, g.lastBusy = 0, 0, never
	g.weather = 0
}

// growOut grows the set cells of out by n cells on each side.
func (g *grid) growOut(n int) {
	for range n {
		s := g.stride
		for y := range g.ch {
			for x, i := 0, g.at(0, y); x < g.cw; x, i = x+1, i+1 {
				g.tmp[i] = g.out[i-1] | g.out[i] | g.out[i+1]
			}
		}
		for y := range g.ch {
			for x, i := 0, g.at(0, y); x < g.cw; x, i = x+1, i+1 {
				g.out[i] = g.tmp[i-s] | g.tmp[i] | g.tmp[i+s]
			}
		}
	}
}

// boxes appends the set cells of out to dst as boxes that do not overlap: runs
// of a row, continued downwards while the run is the same.
func (m *Model) boxes(dst []detect.Box) []detect.Box {
	g := &m.grid
	cw, ch := m.cellSize()
	first := len(dst)
	open := first // boxes from here on reach the row above
	for y := range g.ch {
		rowStart := len(dst)
		o := open
		for x := 0; x < g.cw; {
			if g.out[g.at(x, y)] == 0 {
				x++
				continue
			}
			x0 := x
			for x < g.cw && g.out[g.at(x, y)] != 0 {
				x++
			}
			b := detect.Box{X0: float32(x0) * cw, Y0: float32(y) * ch,
				X1: min(float32(x)*cw, float32(m.full.X)), Y1: min(float32(y+1)*ch, float32(m.full.Y))}
			// Runs of a row are in order, and so are the boxes of the row above.
			for o < rowStart && dst[o].X0 < b.X0 {
				o++
			}
			if o < rowStart && dst[o].X0 == b.X0 && dst[o].X1 == b.X1 && dst[o].Y1 == b.Y0 {
				b.Y0 = dst[o].Y0
				dst[o].X1 = dst[o].X0 // emptied: continued below
			}
			dst = append(dst, b)
		}
		open = rowStart
	}
	kept := first
	for _, b := range dst[first:] {
		if !b.Empty() {
			dst[kept] = b
			kept++
		}
	}
	return dst[:kept]
}

// cellSize returns the size of a cell in pixels of the frame.
func (m *Model) cellSize() (w, h float32) {
	n := float32(m.step * cellSize)
	return n * float32(m.full.X) / float32(m.in.X), n * float32(m.full.Y) / float32(m.in.Y)
}

// inner returns the range of cells that lie wholly within b, as far as they are
// part of the picture; it may be empty.
func (m *Model) inner(b detect.Box) (x0, y0, x1, y1 int) {
	if b.Empty() || !b.Finite() {
		return 0, 0, 0, 0
	}
	cw, ch := m.cellSize()
	x0, x1 = innerSpan(b.X0, b.X1, cw, float32(m.full.X), m.grid.cw)
	y0, y1 = innerSpan(b.Y0, b.Y1, ch, float32(m.full.Y), m.grid.ch)
	return x0, y0, x1, y1
}

func innerSpan(a, b, cell, end float32, n int) (i, j int) {
	// A hundredth of a cell forgives rounding of coordinates that were scaled.
	const slack = 0.01
	a, b = max(a, 0), min(b, end)
	if !(b > a) {
		return 0, 0
	}
	i = int(a/cell + 1 - slack)
	j = int(b/cell + slack)
	if b >= end-slack*cell {
		j = n
	}
	return min(i, n), min(max(j, i), n)
}

// outer returns the range of cells that b touches, grown by one cell.
func (m *Model) outer(b detect.Box) (x0, y0, x1, y1 int) {
	b = b.Intersect(detect.Box{X1: float32(m.full.X), Y1: float32(m.full.Y)})
	if b.Empty() || !b.Finite() {
		return 0, 0, 0, 0
	}
	cw, ch := m.cellSize()
	g := &m.grid
	return max(int(b.X0/cw)-1, 0), max(int(b.Y0/ch)-1, 0), min(int(b.X1/cw)+2, g.cw), min(int(b.Y1/ch)+2, g.ch)
}
