package redact

import (
	"image"
	"time"
)

// background is the fill that shows what is behind: the pixels of the background
// plate where it is known, corrected for light, and a smooth continuation of what
// is shown around where it is not.
//
// The picture is divided into cells, which are the blocks of the plate. Cells of
// which nothing is hidden are the sources, and nothing else of the picture is
// read: those near what is hidden in every picture, all others in turn. The
// difference of their mean from that of the plate is continued into all cells: the
// light on the plate is that of the surroundings. Where the plate is not known, the
// colour is continued in the same way from the cells that are shown and from those
// that the plate fills, so that both join.
type background struct {
	cell       int // side of a cell in luma samples
	cols, rows int
	reach      int       // how far around what is hidden, in cells, values are painted
	hidden     blockMask // cells of which something is hidden
	look       blockMask // cells that are measured in this picture
	border     blockMask // scratch
	light      field     // by how much the picture differs from the plate
	colour     field     // the surroundings' colour

	turn   int              // counts the pictures
	last   time.Duration    // time of the last one
	plate  *BackgroundPlate // of the present picture, or nil
	drawn  int              // the plate's generation
	blank  bool             // cells that are shown have no values yet
	layers [3]fieldLayers   // what to paint, for each plane

	all         []uint8     // scratch: every cell is to be summed up
	sums, count [3][]uint32 // scratch
	none        blockMask
}

// paintBits is the number of fractional bits of a layer's values, such that one of
// 9 bits fits into 16 with the weights of a cell of 16 samples.
const paintBits = 3

const (
	// nearCells is how far around what is hidden, in cells, every picture is measured;
	// of the others one row in farRows.
	nearCells, farRows = 1, 32
	// staleAfter is the time without a picture after which all cells are measured.
	staleAfter = time.Second
)

// newBackground returns the fill for pictures of a size with soft edges of so many
// pixels.
func newBackground(size image.Point, soft int) *background {
	b := &background{cell: coarseSide(size)}
	b.reach = 1 + blocks(soft+softSteps*blockSide, b.cell)
	for _, m := range []*blockMask{&b.hidden, &b.look, &b.border, &b.none} {
		*m = newMaskOf(size, b.cell)
	}
	b.cols, b.rows = b.none.w, b.none.h
	n := b.cols * b.rows
	b.light, b.colour = newField(b.cols, b.rows), newField(b.cols, b.rows)
	for i := range b.layers {
		cell := b.cell
		if i > 0 {
			cell /= 2
		}
		b.layers[i] = fieldLayers{cols: b.cols, rows: b.rows, cell: cell,
			values: [2][]int16{make([]int16, n), make([]int16, n)}, line: make([]int16, 4*(size.X+linePad))}
		b.sums[i], b.count[i] = make([]uint32, n), make([]uint32, n)
	}
	b.all = make([]uint8, n)
	for i := range b.all {
		b.all[i] = 1
	}
	b.blank = true
	return b
}

func (b *background) forget() { b.plate, b.blank = nil, true }

// blind reports whether there is nothing to paint from: nothing of the picture is
// shown, and nothing of the plate is known.
func (b *background) blind() bool {
	return b.colour.known == 0 && (b.plate == nil || b.plate.known.empty())
}

// sample measures the light and the colour of what is shown.
func (b *background) sample(v *view) {
	if v.by[Background].empty() {
		b.blank = true // what is known would grow old
		return
	}
	b.renew(v)
	coarsen(&b.hidden, v.hidden)
	b.choose()
	if b.measure(v.ps) && !b.look.empty() {
		// The light has changed at once: the cells that are measured in turn are of
		// the light before.
		b.blank = true
		b.choose()
		b.measure(v.ps)
	}
	b.hidden.each(func(c int) {
		b.light.unset(c)
		b.colour.unset(c)
	})
	b.light.spread()
	if b.light.known == 0 && b.plate != nil {
		// Nothing is shown that says how light it is.
		b.light.level(b.plate.light.cell())
	}
	if b.gaps() {
		b.colour.spread()
	}
	b.border.copyFrom(&b.hidden)
	b.border.grow(b.reach, &b.look)
	b.value()
}

// value hands the layers the values of the cells of border: of the colour only if the
// plate does not know them all.
func (b *background) value() {
	b.look.copyFrom(&b.border)
	if b.plate != nil {
		b.look.remove(&b.plate.known)
	}
	gaps := !b.look.empty()
	b.border.each(func(c int) {
		light := b.light.at(c)
		for i := range b.layers {
			b.layers[i].values[1][c] = painted(light[i])
		}
		if !gaps {
			return
		}
		colour := b.colour.at(c)
		for i := range b.layers {
			b.layers[i].values[0][c] = painted(colour[i])
		}
	})
}

// renew forgets what was measured if it is of another plate or of long ago.
func (b *background) renew(v *view) {
	drawn := 0
	if v.plate != nil {
		drawn = v.plate.drawn
	}
	if v.plate != b.plate || drawn != b.drawn || v.at < b.last || v.at-b.last > staleAfter {
		b.blank = true
	}
	b.plate, b.drawn, b.last = v.plate, drawn, v.at
	b.turn++
}

// choose sets look to the cells to be measured.
func (b *background) choose() {
	if b.blank {
		b.blank = false
		b.light.clear()
		b.colour.clear()
		b.look.fill()
	} else {
		b.look.copyFrom(&b.hidden)
		b.look.grow(nearCells, &b.border)
		for y := b.turn % farRows; y < b.rows; y += farRows {
			b.look.set(blockRect{0, y, b.cols, y + 1})
		}
	}
	b.look.remove(&b.hidden)
}

// lightJump is by how much the mean of the cells measured again must have changed on
// average, in steps of luma, for the light to have changed at once.
const lightJump = 3

// measure takes the means of the cells of look, and reports whether the light has
// changed at once.
func (b *background) measure(ps *[3]plane) (jump bool) {
	change, again := int32(0), int32(0)
	for i, p := range ps {
		sums, count := b.sums[i], b.count[i]
		b.look.each(func(c int) { sums[c], count[c] = 0, 0 })
		p.block *= b.cell / blockSide
		sumCells(p, &b.look, b.all, b.cols, 1, sums, count)
	}
	b.look.each(func(c int) {
		var mean fieldCell
		for i := range b.sums {
			mean[i] = int32(b.sums[i][c] << fieldBits / max(b.count[i][c], 1))
		}
		if was := b.colour.at(c); was[isKnown] != 0 {
			change, again = change+max(mean[0]-was[0], was[0]-mean[0]), again+1
		}
		b.colour.set(c, mean)
		if b.knows(c) {
			b.light.set(c, mean.minus(b.plate.mean[c]))
		} else {
			b.light.unset(c)
		}
	})
	return change > again*lightJump<<fieldBits
}

// gaps gives the hidden cells that the plate fills their colour, and reports whether
// there are others.
func (b *background) gaps() bool {
	if b.plate == nil {
		return true
	}
	b.border.copyFrom(&b.hidden)
	b.border.remove(&b.plate.known)
	if b.border.empty() {
		return false
	}
	b.border.copyFrom(&b.hidden)
	b.border.keep(&b.plate.known)
	b.border.each(func(c int) { b.colour.set(c, b.plate.mean[c].plus(b.light.at(c))) })
	return true
}

// knows reports whether the plate is known in a cell.
func (b *background) knows(c int) bool {
	return b.plate != nil && b.plate.known.has(c%b.cols, c/b.cols)
}

func (c fieldCell) minus(o fieldCell) fieldCell {
	for i := range isKnown {
		c[i] -= o[i]
	}
	return c
}

func (c fieldCell) plus(o fieldCell) fieldCell {
	for i := range isKnown {
		c[i] += o[i]
	}
	return c
}

// painted returns a value of a field as a layer has it.
func painted(v int32) int16 {
	return int16(min(max(v>>(fieldBits-paintBits), -255<<paintBits), 255<<paintBits))
}

// layersOf returns what a plane is painted with.
func (b *background) layersOf(i int) *fieldLayers {
	l := &b.layers[i]
	l.known, l.base = &b.none, plane{}
	if b.plate != nil {
		l.known, l.base = &b.plate.known, planes(b.plate.pic)[i]
	}
	return l
}

// paint paints over its blocks, and mixes those of the soft edge with a share of the fill.
func (b *background) paint(v *view) {
	c := shareMasks{&v.by[Background], &v.soft[0], &v.soft[1], &v.soft[2]}
	for i, p := range v.ps {
		fillField(p, c, b.layersOf(i))
	}
}
