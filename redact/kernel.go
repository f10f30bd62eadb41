package redact

import (
	"image"
	"math/bits"
)

// The kernels in plain Go. With cgo the same are used in C (kernel.c), which
// give the same results bit for bit.

// sumCellsGo adds to sums and counts, for every cell whose need is not 0, the
// samples of its blocks in m and their number, taking every fourth row of the
// plane: the mean of those is as good, and there is less to read. A cell is n x n
// blocks; there are cols of them in a row.
func sumCellsGo(p plane, m *blockMask, need []uint8, cols, n int, sums, counts []uint32) {
	for by := m.lo; by < m.hi; by++ {
		row := m.band(m.begin(by))
		y0, y1 := (by*p.block+3)&^3, min((by+1)*p.block, p.h)
		if y0 >= y1 {
			continue
		}
		for a, b := nextSpan(row, 0); a < b; a, b = nextSpan(row, b) {
			for x := a; x < b; {
				end := min((x/n+1)*n, b)
				cell := by/n*cols + x/n
				l, r := x*p.block, min(end*p.block, p.w)
				x = end
				if need[cell] == 0 {
					continue
				}
				sum := uint32(0)
				for y := y0; y < y1; y += 4 {
					for _, v := range p.pix[y*p.stride+l : y*p.stride+r] {
						sum += uint32(v)
					}
				}
				sums[cell] += sum
				counts[cell] += uint32((y1 - y0 + 3) / 4 * (r - l))
			}
		}
	}
}

// fillFrostGo paints the blocks of m with the bilinear interpolation of values
// between the centres of the cells, of which there are cols x rows, with sides
// of cell samples; beyond the outermost centres it is constant. line is scratch
// of lineWords(w) words. A cell has 8 samples or more.
//
// A sample is the upper byte of a word of 16 bits that grows by a constant step
// from row to row. Steps are rounded, towards 0 along the row and down along the
// column, which makes an error of less than cell/128. It brings no sample above
// the values around it, and none more than cell/256 below them, so that values
// from 8 on do not underflow for cells of up to 1024.
func fillFrostGo(p plane, m *blockMask, values []uint8, cols, rows, cell int, line []uint16) {
	start, step := line[:p.w], line[p.w:2*p.w]
	reciprocal := int32(1<<17) / int32(cell)
	for by := m.lo; by < m.hi; {
		row := m.band(by)
		top := by * p.block
		by = m.end(by)
		bottom := min(by*p.block, p.h)
		for top < bottom {
			// The row of cells from whose centres these rows of samples go down.
			r := (top+cell/2)/cell - 1
			origin := r*cell + cell/2
			end := min(origin+cell, bottom)
			upper := values[max(r, 0)*cols:][:cols]
			lower := values[min(r+1, rows-1)*cols:][:cols]
			for a, b := nextSpan(row, 0); a < b; a, b = nextSpan(row, b) {
				l, x1 := a*p.block, min(b*p.block, p.w)
				interpolateGo(start, upper, cell, l, x1)
				interpolateGo(step, lower, cell, l, x1)
				for x := l; x < x1; x++ {
					s := (int32(step[x]>>1) - int32(start[x]>>1)) * reciprocal >> 16
					step[x] = uint16(s)
					start[x] += uint16(s>>1) + 128
				}
				for y := top; y < end; y++ {
					k := uint16(y - origin)
					out := p.pix[y*p.stride:][:x1]
					for x := l; x < x1; x++ {
						out[x] = uint8((start[x] + k*step[x]) >> 8)
					}
				}
			}
			top = end
		}
	}
}

// lineWords returns the words of scratch that fillFrost needs for rows of w
// samples: two for each, and room to write beyond the end of four arrays.
func lineWords(w int) int { return 4 * ((w+1)/2 + 16) }

// interpolateGo sets out[x0:x1] to values interpolated between the centres of
// the cells of one row, with 8 fractional bits.
func interpolateGo(out []uint16, values []uint8, cell, x0, x1 int) {
	for x := x0; x < x1; {
		c := (x+cell/2)/cell - 1
		origin := c*cell + cell/2
		end := min(origin+cell, x1)
		a := int(values[max(c, 0)])
		slope := (int(values[min(c+1, len(values)-1)]) - a) * 256 / cell
		for ; x < end; x++ {
			out[x] = uint16(a*256 + slope/2 + (x-origin)*slope)
		}
	}
}

// fieldLayers is what fillField paints of one plane: where a block of the plate is
// not known, and where it is, the samples of a base, or 0, plus smooth values.
type fieldLayers struct {
	known      *blockMask // of the plate
	cols, rows int        // cells
	cell       int        // their side in samples, a power of two up to 16
	base       plane      // of the second layer
	values     [2][]int16 // with paintBits fractional bits
	line       []int16    // scratch of four rows
}

// linePad is how many words a line of a fieldLayers has more than samples.
const linePad = 64

// fullShare is the share, in quarters, of a fill that hides.
const fullShare = 4

// shareMasks is what fillField paints: each mask holds the one before it, and the
// fill has as many quarters of a block, and what is there the rest, as there are masks
// that have it.
type shareMasks [fullShare]*blockMask

// share returns how many quarters of a block are the fill's.
func (c *shareMasks) share(x, y int) (n int) {
	for _, m := range c {
		if m.has(x, y) {
			n++
		}
	}
	return n
}

// fillFieldGo paints the blocks of a mask with the layers. Values are interpolated
// between the centres of the cells; beyond the outermost they are constant.
func fillFieldGo(p plane, c shareMasks, f *fieldLayers) {
	shift := bits.TrailingZeros(uint(f.cell))
	perCell := f.cell / p.block
	m := c[fullShare-1]
	for by := m.lo; by < m.hi; by++ {
		row := m.band(m.begin(by))
		top, bottom := by*p.block, min((by+1)*p.block, p.h)
		// The row of cells from whose centres these rows go down.
		from := (top+f.cell/2)>>shift - 1
		for a, b := nextSpan(row, 0); a < b; a, b = nextSpan(row, b) {
			for x := a; x < b; {
				// A run of blocks of one share and of cells of one layer.
				share, is := c.share(x, by), f.known.has(x/perCell, by/perCell)
				stop := x + 1
				for stop < b && c.share(stop, by) == share && f.known.has(stop/perCell, by/perCell) == is {
					stop++
				}
				layer := 0
				if is {
					layer = 1
				}
				f.paint(p, layer, image.Rect(x*p.block, top, min(stop*p.block, p.w), bottom), from, shift, share)
				x = stop
			}
		}
	}
}

// paint paints r, whose rows go down from the centres of the row of cells c, with one
// layer.
func (f *fieldLayers) paint(p plane, layer int, r image.Rectangle, c, shift, share int) {
	upper, lower := f.line[:r.Dx()], f.line[len(f.line)/2:][:r.Dx()]
	f.interpolate(upper, layer, max(c, 0), r.Min.X, shift)
	f.interpolate(lower, layer, min(c+1, f.rows-1), r.Min.X, shift)
	round := int16(1) << (paintBits + shift - 1)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		k := int16(y - c<<shift - f.cell/2)
		out := p.pix[y*p.stride+r.Min.X:][:r.Dx()]
		for x := range out {
			v := (upper[x]*(int16(f.cell)-k) + lower[x]*k + round) >> (paintBits + shift)
			if layer == 1 {
				v += int16(f.base.pix[y*f.base.stride+r.Min.X+x])
			}
			v = min(max(v, 0), 255)
			if share < fullShare {
				is := int16(out[x])
				v = is + ((v-is)*int16(share)+2)>>2
			}
			out[x] = uint8(v)
		}
	}
}

// interpolate sets out to the values of one row of cells between their centres, for
// the samples from x0 on.
func (f *fieldLayers) interpolate(out []int16, layer, row, x0, shift int) {
	values := f.values[layer][row*f.cols:][:f.cols]
	for x := range out {
		c := (x+x0+f.cell/2)>>shift - 1
		k := int16(x + x0 - c<<shift - f.cell/2)
		out[x] = (values[max(c, 0)]*(int16(f.cell)-k) + values[min(c+1, f.cols-1)]*k) >> shift
	}
}

// growGo is the part of grow that touches rows. tmp has the bands of m, and gets what
// lies in these rows of m and beside it; the bands of m are those of the result, each
// of which is what three rows of tmp have.
func growGo(m, tmp *blockMask) {
	for y := tmp.lo; y < tmp.hi; y = tmp.end(y) {
		src, dst := m.band(y), tmp.band(y)
		before := uint64(0)
		for i, w := range src {
			after := uint64(0)
			if i+1 < len(src) {
				after = src[i+1]
			}
			dst[i] = w | w<<1 | w>>1 | before>>63 | after<<63
			before = w
		}
		dst[len(dst)-1] &= wordMask(len(dst)-1, 0, m.w)
	}
	for y := m.lo; y < m.hi; y = m.end(y) {
		dst := m.band(y)
		clear(dst)
		for v := max(y-1, tmp.lo); v < min(y+2, tmp.hi); v++ {
			for i, w := range tmp.band(tmp.begin(v)) {
				dst[i] |= w
			}
		}
	}
}
