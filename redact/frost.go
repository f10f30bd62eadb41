package redact

import (
	"image"
	"time"
)

// Every frostWindow samples a value moves by one step of frostStep, towards
// where the mean lay in at least frostVotes of them. Less than half of the
// samples, whatever they are, cannot change what the others decide.
const (
	frostWindow = 20
	frostVotes  = frostWindow/2 + 1
	frostStep   = 8
	// frostSlack is how far the mean must lie from the value to count: more than
	// half a step, so that one that wavers between two steps moves nothing.
	frostSlack = 6
)

// frost is the fill that shows the place and not who passes it. The picture is
// divided into square cells, and each has one value per plane, which is painted
// wherever the cell is hidden. Values move slowly (see frostWindow) towards the
// mean of what the policy hides of the cell.
type frost struct {
	hold       time.Duration
	cell       int // side of a cell in luma samples, a multiple of 16
	side       int // of a block
	cols, rows int
	all        blockMask

	lit   bool          // there are values
	last  time.Duration // when the last sample was taken
	taken int           // samples of the present window
	shown [3][]uint8    // the values to paint: multiples of 8, 8..248
	up    [3][]uint8    // in how many samples of the window the mean was higher
	down  [3][]uint8    // and in how many lower

	need        []uint8  // scratch: the cell is to be summed up
	sums, count []uint32 // scratch: sum of samples, and their number
	line        []uint16 // scratch of the kernel: two rows of samples
}

// frostCell returns the side of a cell for a picture of the given height: a
// sixteenth of it, rounded to a multiple of 16.
func frostCell(height int) int { return max((height+128)/256, 1) * 16 }

func newFrost(size image.Point, hold time.Duration) *frost {
	f := &frost{hold: hold, cell: frostCell(size.Y), side: blockSide, all: newBlockMask(size)}
	f.cols, f.rows = (size.X+f.cell-1)/f.cell, (size.Y+f.cell-1)/f.cell
	f.all.fill()
	n := f.cols * f.rows
	for i := range 3 {
		f.shown[i], f.up[i], f.down[i] = make([]uint8, n), make([]uint8, n), make([]uint8, n)
	}
	f.need, f.sums, f.count = make([]uint8, n), make([]uint32, n), make([]uint32, n)
	f.line = make([]uint16, lineWords(size.X))
	return f
}

// forget drops all values.
func (f *frost) forget() { f.lit = false }

// sample looks at the blocks that are hidden because of where they are, if that is
// due. Cells that one of the found things touches are left out.
func (f *frost) sample(v *view) {
	ps, place, found, at := v.ps, v.place, v.found, v.at
	switch {
	case !f.lit:
		f.start(ps, found)
		f.begin(at)
	case at < f.last:
		// Samples of two times make no window.
		f.begin(at)
	case at-f.last >= f.hold:
		f.last = at
		f.leaveOut(found)
		for i, p := range ps {
			f.vote(i, p, place)
		}
		if f.taken++; f.taken == frostWindow {
			f.step()
			f.begin(at)
		}
	}
}

// begin starts a window.
func (f *frost) begin(at time.Duration) {
	f.last, f.taken = at, 0
	for i := range 3 {
		clear(f.up[i])
		clear(f.down[i])
	}
}

// leaveOut marks the cells to be summed up: those that nothing found touches.
func (f *frost) leaveOut(found []blockRect) {
	for i := range f.need {
		f.need[i] = 1
	}
	n := f.cell / f.side
	for _, b := range found {
		for y := b.y0 / n; y*n < b.y1; y++ {
			clear(f.need[y*f.cols+b.x0/n : y*f.cols+(b.x1-1)/n+1])
		}
	}
}

// sum adds up a plane's blocks of m.
func (f *frost) sum(p plane, m *blockMask) {
	clear(f.sums)
	clear(f.count)
	sumCells(p, m, f.need, f.cols, f.cell/f.side, f.sums, f.count)
}

// vote counts, for every cell that has blocks in place, whether the mean lies
// above or below the value.
func (f *frost) vote(i int, p plane, place *blockMask) {
	f.sum(p, place)
	for c, n := range f.count {
		switch d, slack := int(f.sums[c])-int(f.shown[i][c])*int(n), frostSlack*int(n); {
		case d > slack:
			f.up[i][c]++
		case d < -slack:
			f.down[i][c]++
		}
	}
}

// step moves the values as the window's samples say.
func (f *frost) step() {
	for i := range 3 {
		for c, v := range f.shown[i] {
			switch {
			case f.up[i][c] >= frostVotes:
				f.shown[i][c] = quantise(int(v) + frostStep)
			case f.down[i][c] >= frostVotes:
				f.shown[i][c] = quantise(int(v) - frostStep)
			}
		}
	}
}

// start gives all cells the colour of the picture: in each plane the median of
// the cells' means, on which a single object weighs next to nothing. Where
// everything is found objects, it is that of Solid.
func (f *frost) start(ps *[3]plane, found []blockRect) {
	f.leaveOut(found)
	for i, p := range ps {
		f.sum(p, &f.all)
		var means [256]int
		cells := 0
		for c, n := range f.count {
			if n > 0 {
				means[f.sums[c]/n]++
				cells++
			}
		}
		v := [3]int{solidLuma, solidChroma, solidChroma}[i]
		for below, m := 0, 0; cells > 0; m++ {
			if below += means[m]; 2*below >= cells {
				v = m
				break
			}
		}
		for c := range f.shown[i] {
			f.shown[i][c] = quantise(v)
		}
	}
	f.lit = true
}

// quantise rounds a sample value to 5 bits: a multiple of 8, 8..248. Neutral
// chroma stays neutral.
func quantise(v int) uint8 { return uint8(min(max((v+4)>>3, 1), 31) << 3) }

// paint paints over its blocks. It reads no pixel.
func (f *frost) paint(v *view) {
	for i, p := range v.ps {
		fillFrost(p, &v.by[Frost], f.shown[i], f.cols, f.rows, f.cell/f.side*p.block, f.line)
	}
}
