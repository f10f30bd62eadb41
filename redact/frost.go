package redact

import (
	"image"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// cellsAcross is the most cells that the short side of an object of a class may
// span before the cells there are made larger. People have at most 6, of which
// the head takes 2; so a face has 2.
var cellsAcross = [detect.NumClasses]float32{detect.Face: 2, detect.Person: 6, detect.Plate: 2, detect.Vehicle: 6}

// frost is the fill made of averages of coarse cells.
//
// Cells of level 0 are squares of frost.cell samples of luma; a cell of level k
// joins 2^k x 2^k of them. Values are taken and held per level; what is painted
// is a grid of level 0 in which every cell has the value of the cell of its
// level that it belongs to.
type frost struct {
	hold   time.Duration
	cell   int // side of a level-0 cell in luma samples, a multiple of 16
	levels []cellLevel

	used  blockMask   // level 0, a bit a cell: it has hidden blocks in this picture
	level []uint8     // level 0: its level in this picture
	need  []uint8     // level 0: must be summed up
	sums  [3][]uint32 // level 0: sum of the samples of hidden blocks
	count [3][]uint32 // level 0: and their number
	shown [3][]uint8  // level 0: values to paint
	// packed has, for cells in use, their three values and 1 in four fields of
	// 16 bits, so that neighbours are added up in one go.
	packed []uint64

	union  []uint64  // scratch: blocks of a row of cells
	around blockMask // scratch: cells beside those in use
	tmp    blockMask
	line   []uint16 // scratch of the kernel: two rows of samples
}

// cellLevel holds the values of one level.
type cellLevel struct {
	cols  int
	cells []cellValue
	inUse []bool // scratch: is painted in this picture
	stale []bool // scratch: in use, and has no value to hold
}

// cellValue is the value of a cell: 5 bits of each of Y, Cb and Cr.
type cellValue struct {
	q   [3]uint8
	set bool
	at  time.Duration
}

// frostCell returns the side of a cell for a picture of the given height: a
// sixteenth of it, rounded to whole blocks.
func frostCell(height int) int {
	return max((height+blockSize*blockSize/2)/(blockSize*blockSize), 1) * blockSize
}

func newFrost(size image.Point, hold time.Duration) *frost {
	f := &frost{hold: hold, cell: frostCell(size.Y)}
	cells := image.Pt((size.X+f.cell-1)/f.cell, (size.Y+f.cell-1)/f.cell)
	f.used, f.around, f.tmp = newMask(cells.X, cells.Y), newMask(cells.X, cells.Y), newMask(cells.X, cells.Y)
	for cols, rows := cells.X, cells.Y; ; cols, rows = (cols+1)/2, (rows+1)/2 {
		f.levels = append(f.levels, cellLevel{
			cols:  cols,
			cells: make([]cellValue, cols*rows),
			inUse: make([]bool, cols*rows),
			stale: make([]bool, cols*rows),
		})
		if cols == 1 && rows == 1 {
			break
		}
	}
	n := cells.X * cells.Y
	f.packed = make([]uint64, n)
	f.level, f.need = make([]uint8, n), make([]uint8, n)
	for i := range 3 {
		f.sums[i], f.count[i], f.shown[i] = make([]uint32, n), make([]uint32, n), make([]uint8, n)
	}
	f.union = make([]uint64, newMask(blocks(size.X), 1).words)
	f.line = make([]uint16, 2*(size.X+1))
	return f
}

// forget drops all held values.
func (f *frost) forget() {
	for i := range f.levels {
		clear(f.levels[i].cells)
	}
}

// paint covers the blocks of m with frost. Pixels of other blocks are neither
// read nor written; those of m are read only for cells without a held value.
func (f *frost) paint(ps *[3]plane, m *blockMask, objects []judged, at time.Duration) {
	if !f.use(m) {
		return
	}
	f.coarsen(objects)
	if f.findStale(at) {
		f.sample(ps, m, at)
	}
	f.spread()
	for i, p := range ps {
		fillFrost(p, m, f.shown[i], f.used.w, f.used.h, f.cell/blockSize*p.block, f.line)
	}
}

// use marks the cells that have blocks of m. It reports whether there are any.
func (f *frost) use(m *blockMask) bool {
	f.used.clear()
	found := false
	n := f.cell / blockSize
	for r := range f.used.h {
		clear(f.union)
		for by := r * n; by < min((r+1)*n, m.h); by++ {
			for i, w := range m.row(by) {
				f.union[i] |= w
			}
		}
		for x0, x1 := nextSpan(f.union, 0); x0 < x1; x0, x1 = nextSpan(f.union, x1) {
			found = true
			f.used.set(blockRect{x0 / n, r, (x1-1)/n + 1, r + 1})
		}
	}
	return found
}

// coarsen sets the level of every cell: the lowest at which no object there
// spans too many cells.
func (f *frost) coarsen(objects []judged) {
	clear(f.level)
	for i := range objects {
		o := &objects[i]
		k := 0
		for size := float32(f.cell) * cellsAcross[o.class]; o.box.Short() > size && k < len(f.levels)-1; size *= 2 {
			k++
		}
		if k == 0 || o.class == detect.Vehicle {
			continue
		}
		// Whole cells of the level, so that its surroundings tell no more.
		c := o.cover.Scale(1/float32(f.cell), 1/float32(f.cell)).Intersect(
			detect.Box{X1: float32(f.used.w), Y1: float32(f.used.h)})
		if c.Empty() {
			continue
		}
		x0, y0 := int(c.X0)>>k<<k, int(c.Y0)>>k<<k
		x1, y1 := min((ceil(c.X1)-1)>>k<<k+1<<k, f.used.w), min((ceil(c.Y1)-1)>>k<<k+1<<k, f.used.h)
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				f.level[y*f.used.w+x] = max(f.level[y*f.used.w+x], uint8(k))
			}
		}
	}
}

// parent returns the cell of level k that level-0 cell (x,y) belongs to.
func (f *frost) parent(k uint8, x, y int) int { return y>>k*f.levels[k].cols + x>>k }

// findStale marks the cells in use, of whatever level, that have no value to
// hold. It reports whether there are any.
func (f *frost) findStale(at time.Duration) bool {
	found := false
	for k := range f.levels {
		clear(f.levels[k].inUse)
		clear(f.levels[k].stale)
	}
	for y := range f.used.h {
		row := f.used.row(y)
		for x, end := nextSpan(row, 0); x < end; x, end = nextSpan(row, end) {
			for ; x < end; x++ {
				k := f.level[y*f.used.w+x]
				p := f.parent(k, x, y)
				f.levels[k].inUse[p] = true
				v := &f.levels[k].cells[p]
				if !v.set || at < v.at || at-v.at >= f.hold {
					f.levels[k].stale[p] = true
					found = true
				}
			}
		}
	}
	return found
}

// sample takes the values of the stale cells from the picture.
func (f *frost) sample(ps *[3]plane, m *blockMask, at time.Duration) {
	clear(f.need)
	for y := range f.used.h {
		row := f.used.row(y)
		for x, end := nextSpan(row, 0); x < end; x, end = nextSpan(row, end) {
			for ; x < end; x++ {
				for k := range f.levels {
					if f.levels[k].stale[f.parent(uint8(k), x, y)] {
						f.need[y*f.used.w+x] = 1
						break
					}
				}
			}
		}
	}
	for i, p := range ps {
		clear(f.sums[i])
		clear(f.count[i])
		sumCells(p, m, f.need, f.used.w, f.cell/blockSize, f.sums[i], f.count[i])
	}
	for k := range f.levels {
		l := &f.levels[k]
		for p, stale := range l.stale {
			if stale {
				f.value(k, p, at)
			}
		}
	}
}

// value sets cell p of level k from the sums.
func (f *frost) value(k, p int, at time.Duration) {
	l := &f.levels[k]
	x0, y0 := p%l.cols<<k, p/l.cols<<k
	v := &l.cells[p]
	for i := range 3 {
		var sum, n uint64
		for y := y0; y < min(y0+1<<k, f.used.h); y++ {
			for x := x0; x < min(x0+1<<k, f.used.w); x++ {
				sum += uint64(f.sums[i][y*f.used.w+x])
				n += uint64(f.count[i][y*f.used.w+x])
			}
		}
		mean := int((sum + n/2) / n)
		// An average that wavers about the border of two steps, as noise makes
		// it, stays in the one it is in.
		if d := mean - paintedValue(v.q[i]); v.set && d >= -6 && d <= 6 {
			continue
		}
		v.q[i] = quantise(mean)
	}
	v.set, v.at = true, at
}

// quantise returns the value of 5 bits, 1..31, for the sample value mean.
func quantise(mean int) uint8 { return uint8(min(max((mean+4)>>3, 1), 31)) }

// paintedValue returns the sample value painted for a value of 5 bits. That of
// neutral chroma is neutral.
func paintedValue(q uint8) int { return int(q) << 3 }

// spread fills in the values to paint: those of the cells in use, and for their
// neighbours, towards which they are interpolated, the mean of the cells in use
// around them.
func (f *frost) spread() {
	clear(f.packed)
	for y := range f.used.h {
		row := f.used.row(y)
		for x, end := nextSpan(row, 0); x < end; x, end = nextSpan(row, end) {
			for ; x < end; x++ {
				i := y*f.used.w + x
				packed := uint64(1) << 48
				for j, v := range f.levelValue(f.level[i], x, y) {
					f.shown[j][i] = v
					packed |= uint64(v) << (16 * j)
				}
				f.packed[i] = packed
			}
		}
	}
	f.around.copyFrom(&f.used)
	f.around.grow(1, &f.tmp)
	f.around.remove(&f.used)
	for y := range f.around.h {
		row := f.around.row(y)
		for x, end := nextSpan(row, 0); x < end; x, end = nextSpan(row, end) {
			for ; x < end; x++ {
				f.borrow(x, y)
			}
		}
	}
}

// levelValue returns what is painted in cell (x,y) of level 0 for its cell of
// level k: the interpolation of that and of its neighbours in use, at the centre
// of the cell of level 0.
func (f *frost) levelValue(k uint8, x, y int) (out [3]uint8) {
	l := &f.levels[k]
	px, py := x>>k, y>>k
	own := &l.cells[py*l.cols+px].q
	if k == 0 {
		return [3]uint8{uint8(paintedValue(own[0])), uint8(paintedValue(own[1])), uint8(paintedValue(own[2]))}
	}
	// The nearest neighbours, and their weights in units of 1/2^(k+1).
	unit := 1 << (k + 1)
	nx, wx := nearest(x, k)
	ny, wy := nearest(y, k)
	var sum [3]int
	for _, n := range [4]struct{ x, y, w int }{
		{px, py, (unit - wx) * (unit - wy)}, {nx, py, wx * (unit - wy)},
		{px, ny, (unit - wx) * wy}, {nx, ny, wx * wy},
	} {
		q := own
		if n.x >= 0 && n.x < l.cols && n.y >= 0 && n.y*l.cols < len(l.cells) && l.inUse[n.y*l.cols+n.x] {
			q = &l.cells[n.y*l.cols+n.x].q
		}
		for j := range sum {
			sum[j] += n.w * paintedValue(q[j])
		}
	}
	for j := range out {
		out[j] = uint8(sum[j] >> (2 * (k + 1)))
	}
	return out
}

// nearest returns, along one axis, the cell of level k whose centre is the
// second nearest to the centre of cell x of level 0, and its weight in units of
// 1/2^(k+1).
func nearest(x int, k uint8) (cell, weight int) {
	// From the centre of its own cell of level k, in halves of a level-0 cell.
	d := 2*(x&(1<<k-1)) + 1 - 1<<k
	if d < 0 {
		return x>>k - 1, -d
	}
	return x>>k + 1, d
}

// borrow sets the values of a cell that is not in use, but beside one that is.
func (f *frost) borrow(x, y int) {
	var sum uint64
	for v := max(y-1, 0); v < min(y+2, f.used.h); v++ {
		for _, c := range f.packed[v*f.used.w+max(x-1, 0) : v*f.used.w+min(x+2, f.used.w)] {
			sum += c
		}
	}
	i := y*f.used.w + x
	n := sum >> 48
	f.shown[0][i] = uint8(sum & 0xffff / n)
	f.shown[1][i] = uint8(sum >> 16 & 0xffff / n)
	f.shown[2][i] = uint8(sum >> 32 & 0xffff / n)
}
