package motion

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// grid holds what is known of each cell. The arrays have a border of one cell
// that stays zero, so that neighbours need no bounds; at(x, y) is the index.
type cellGrid struct {
	cw, ch, stride int

	// Of the newest picture. In in.cand, 2 marks a candidate not believed.
	in             gathered
	x0, y0, x1, y1 int // the part that has candidates
	label          []int32
	cells          []int32 // by patch: cells,
	notIgnored     []int32 // those that are not ignored,
	lasting        []int32 // and those that changed before
	noiseRate      int     // share of cells that change for one picture, 16 fraction bits, a mean

	foreground []uint8 // part of a patch: 1 held from before, 2 seen now
	quiet      []uint8 // ignored, and now like what was observed
	active     []uint8 // 1 for those of foreground that are not quiet
	differedAt []time.Duration
	learn      []uint8
	absorb     []int // cells to be taken as background
	out        []uint8
	tmp        []uint8 // like out, scratch
	occupied   []uint8 // by an object of an inference

	shortMean, deviation []int32 // short mean and deviation of in.light
	rebase               bool    // the background was changed, and with it light
	changedAt            []time.Duration
	pendingCells         int           // how many wait for an inference
	lastChange           time.Duration // of a cell that is not quiet

	// What inferences said.
	unknown        []uint8 // 1 until an inference has passed the background
	inferences     []uint8 // in vain, from firstInference to lastInference
	firstInference []time.Duration
	lastInference  []time.Duration
	ignoredUntil   []time.Duration // until when
	ignoredEnergy  []uint8         // energy ignored
	foundAt        []time.Duration // when an object was found here
	absorbedAt     []time.Duration // when it became background
	ticks          ticks
}

func (g *cellGrid) at(x, y int) int { return (y+1)*g.stride + x + 1 }
func (g *cellGrid) size() int       { return g.stride * (g.ch + 2) }

// never is a time before all times.
const never = time.Duration(-1 << 62)

func (g *cellGrid) setSize(cw, ch int) {
	if cw != g.cw || ch != g.ch {
		*g = cellGrid{cw: cw, ch: ch, stride: cw + 2}
		n := g.size()
		for _, p := range []*[]uint8{&g.in.cand, &g.in.lasting, &g.in.soft, &g.in.energy, &g.foreground, &g.active, &g.learn, &g.out, &g.tmp,
			&g.unknown, &g.inferences, &g.ignoredEnergy, &g.quiet, &g.occupied} {
			*p = make([]uint8, n)
		}
		for _, p := range []*[]time.Duration{&g.differedAt, &g.changedAt, &g.firstInference, &g.lastInference, &g.ignoredUntil, &g.foundAt, &g.absorbedAt} {
			*p = make([]time.Duration, n)
		}
		for _, p := range []*[]int32{&g.in.light, &g.shortMean, &g.deviation, &g.label, &g.cells, &g.notIgnored, &g.lasting} {
			*p = make([]int32, n)
		}
		g.absorb = make([]int, 0, cw*ch)
	}
	g.ticks.setSize(g.size())
	for _, s := range [][]uint8{g.foreground, g.active, g.inferences, g.ignoredEnergy, g.quiet} {
		clear(s)
	}
	for i := range g.differedAt {
		g.differedAt[i], g.changedAt[i], g.ignoredUntil[i], g.foundAt[i], g.lastInference[i], g.absorbedAt[i] = never, never, never, never, never, never
	}
	for y := range ch {
		for i := g.at(0, y); i < g.at(cw, y); i++ {
			g.unknown[i] = 1
		}
	}
	for i := range g.deviation {
		g.shortMean[i], g.deviation[i] = 0, firstNoise<<8
	}
	g.pendingCells, g.lastChange = 0, never
	g.noiseRate, g.absorb, g.rebase = 0, g.absorb[:0], false
}

// growOut grows the set cells of out by n cells on each side.
func (g *cellGrid) growOut(n int) {
	for range n {
		// The border is free, so that neighbours of all cells can be taken from
		// the flat array; what grew into the border is cleared again.
		orShifted(g.tmp, g.out, 1)
		orShifted(g.out, g.tmp, g.stride)
		clear(g.out[:g.stride])
		clear(g.out[len(g.out)-g.stride:])
		for y := range g.ch {
			g.out[g.at(-1, y)], g.out[g.at(g.cw, y)] = 0, 0
		}
	}
}

// orShifted sets each element of dst, but for by at both ends, to the or of the
// element of src and of those by before and after it; eight at a time.
func orShifted(dst, src []uint8, by int) {
	le := binary.LittleEndian
	i := by
	for ; i+8+by <= len(src); i += 8 {
		le.PutUint64(dst[i:], le.Uint64(src[i-by:])|le.Uint64(src[i:])|le.Uint64(src[i+by:]))
	}
	for ; i+by < len(src); i++ {
		dst[i] = src[i-by] | src[i] | src[i+by]
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
		line := g.out[g.at(0, y):g.at(g.cw, y)]
		for x := bytes.IndexByte(line, 1); x < g.cw && x >= 0; {
			x0 := x
			for x < g.cw && line[x] != 0 {
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
			next := bytes.IndexByte(line[x:], 1)
			if next < 0 {
				break
			}
			x += next
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
