package redact

import (
	"image"
	"math/bits"
)

// background is the fill that shows what is behind: the pixels of the background
// plate where it is known, corrected for light, and a smooth continuation of what
// is shown around where it is not.
//
// The picture is divided into cells, which are the blocks of the plate. Cells of
// which nothing is hidden are the sources, and nothing else of the picture is
// read. The difference of their mean from that of the plate is continued into all
// cells: the light on the plate is that of the surroundings. Where the plate is
// not known, the colour is continued in the same way from the cells that are shown
// and from those that the plate fills, so that both join.
type background struct {
	cell       int // side of a cell in luma samples
	cols, rows int
	shown      blockMask // the sources: cells of which nothing is hidden
	light      field     // by how much the picture differs from the plate
	colour     field     // the surroundings' colour

	plate  *BackgroundPlate // of the present picture, or nil
	layers [2]fillLayer     // what to paint where the plate is not known, and where it is

	all         []uint8  // scratch: every cell is to be summed up
	sums, count []uint32 // scratch
	line        []int16  // scratch of the kernel
	none        blockMask
}

// fillLayer is what a cell gets: the samples of a picture, or 0, and a smooth
// field on top.
type fillLayer struct {
	base   [3]plane // no pixels: 0
	values [3][]int16
}

// paintBits is the number of fractional bits of a layer's values, such that one of
// 9 bits fits into 16 with the weights of a cell of 16 samples.
const paintBits = 3

func newBackground(size image.Point) *background {
	b := &background{cell: blockSide(size), shown: newBlockMask(size), none: newBlockMask(size)}
	b.cols, b.rows = b.shown.w, b.shown.h
	n := b.cols * b.rows
	b.light, b.colour = newField(b.cols, b.rows), newField(b.cols, b.rows)
	for l := range b.layers {
		for i := range 3 {
			b.layers[l].values[i] = make([]int16, n)
		}
	}
	b.all, b.sums, b.count = make([]uint8, n), make([]uint32, n), make([]uint32, n)
	for i := range b.all {
		b.all[i] = 1
	}
	b.line = make([]int16, 2*size.X)
	return b
}

func (b *background) forget() { b.plate = nil; b.light.clear(); b.colour.clear() }

// blind reports whether there is nothing to paint from: nothing of the picture is
// shown, and nothing of the plate is known.
func (b *background) blind() bool {
	return b.colour.known == 0 && (b.plate == nil || b.plate.known.empty())
}

// sample measures the light and the colour of what is shown.
func (b *background) sample(v *view) {
	b.plate = v.plate
	b.shown.fill()
	b.shown.remove(v.hidden)
	b.light.clear()
	b.colour.clear()
	for i, p := range v.ps {
		clear(b.sums)
		clear(b.count)
		sumCells(p, &b.shown, b.all, b.cols, 1, b.sums, b.count)
		for c, n := range b.count {
			if n > 0 {
				b.colour.levels[0].cells[c][i] = int32(b.sums[c] << fieldBits / n)
			}
		}
	}
	for c, n := range b.count {
		if n == 0 {
			continue
		}
		mean := b.colour.at(c)
		b.colour.set(c, mean)
		if b.knows(c) {
			b.light.set(c, mean.minus(b.plate.mean[c]))
		}
	}
	b.light.spread()
	if b.plate != nil {
		b.plate.known.each(func(c int) {
			if b.count[c] == 0 {
				b.colour.set(c, b.plate.mean[c].plus(b.light.at(c)))
			}
		})
	}
	b.colour.spread()
	for i := range 3 {
		b.layers[0].load(i, &b.colour)
		b.layers[1].load(i, &b.light)
	}
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

// load takes a plane's values from a field.
func (l *fillLayer) load(i int, f *field) {
	for c := range f.levels[0].cells {
		v := f.levels[0].cells[c][i] >> (fieldBits - paintBits)
		l.values[i][c] = int16(min(max(v, -255<<paintBits), 255<<paintBits))
	}
}

// paint covers the blocks of m.
func (b *background) paint(ps *[3]plane, m *blockMask) {
	known := &b.none
	if b.plate != nil {
		known = &b.plate.known
		b.layers[1].base = planes(b.plate.pic)
	}
	for i, p := range ps {
		fillField(p, m, known, [2]layerPlane{b.layers[0].plane(i), b.layers[1].plane(i)}, b.cell/b.none.side*p.block, b.line)
	}
}

// layerPlane is one plane of a fillLayer.
type layerPlane struct {
	base   plane
	values []int16
}

func (l *fillLayer) plane(i int) layerPlane { return layerPlane{l.base[i], l.values[i]} }

// fillField paints the blocks of m: in the cells of known with the layer 1, in the
// others with the layer 0. A sample is that of the layer's base, or 0, plus its
// values interpolated between the centres of the cells; beyond the outermost it is
// constant. A cell has cell samples, a power of two up to 16. line is scratch of two
// rows.
func fillField(p plane, m, known *blockMask, layers [2]layerPlane, cell int, line []int16) {
	shift := bits.TrailingZeros(uint(cell))
	perCell := cell / p.block // blocks
	for by := range m.h {
		row := m.row(by)
		cellRow := by / perCell
		top, bottom := by*p.block, min((by+1)*p.block, p.h)
		for a, b := nextSpan(row, 0); a < b; a, b = nextSpan(row, b) {
			for x := a; x < b; {
				// A run of cells of one layer.
				is := known.has(x/perCell, cellRow)
				end := x
				for end < b && known.has(end/perCell, cellRow) == is {
					end = min((end/perCell+1)*perCell, b)
				}
				l := &layers[0]
				if is {
					l = &layers[1]
				}
				l.paintRun(p, image.Rect(x*p.block, top, min(end*p.block, p.w), bottom), known.w, known.h, shift, line)
				x = end
			}
		}
	}
}

// paintRun paints the samples of r, which lies in one row of cells.
func (l *layerPlane) paintRun(p plane, r image.Rectangle, cols, rows, shift int, line []int16) {
	cell := 1 << shift
	upper, lower := line[:r.Dx()], line[len(line)/2:][:r.Dx()]
	between := -2
	for y := r.Min.Y; y < r.Max.Y; y++ {
		// The row of cells from whose centres this row of samples goes down.
		c := (y+cell/2)>>shift - 1
		if c != between {
			between = c
			l.interpolate(upper, max(c, 0), cols, r.Min.X, shift)
			l.interpolate(lower, min(c+1, rows-1), cols, r.Min.X, shift)
		}
		k := int16(y - c<<shift - cell/2)
		out := p.pix[y*p.stride+r.Min.X : y*p.stride+r.Max.X]
		round := int16(1) << (paintBits + shift - 1)
		var base []byte
		if l.base.pix != nil {
			base = l.base.pix[y*l.base.stride+r.Min.X:][:len(out)]
		}
		for x := range out {
			v := (upper[x]*(int16(cell)-k) + lower[x]*k + round) >> (paintBits + shift)
			if base != nil {
				v += int16(base[x])
			}
			out[x] = uint8(min(max(v, 0), 255))
		}
	}
}

// interpolate sets out to the values of one row of cells between their centres, for
// the samples from x0 on.
func (l *layerPlane) interpolate(out []int16, row, cols, x0, shift int) {
	cell := 1 << shift
	values := l.values[row*cols:][:cols]
	for x := range out {
		c := (x+x0+cell/2)>>shift - 1
		k := int16(x + x0 - c<<shift - cell/2)
		out[x] = (values[max(c, 0)]*(int16(cell)-k) + values[min(c+1, cols-1)]*k) >> shift
	}
}
