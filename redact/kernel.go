package redact

// The kernels in plain Go. With cgo the same are used in C (kernel.c), which
// give the same results bit for bit.

// sumCellsGo adds to sums and counts, for every cell whose need is not 0, the
// samples of its blocks in m and their number. A cell is n x n blocks; there
// are cols of them in a row.
func sumCellsGo(p plane, m *blockMask, need []uint8, cols, n int, sums, counts []uint32) {
	for by := range m.h {
		row := m.row(by)
		y0, y1 := by*p.block, min((by+1)*p.block, p.h)
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
				for y := y0; y < y1; y++ {
					for _, v := range p.pix[y*p.stride+l : y*p.stride+r] {
						sum += uint32(v)
					}
				}
				sums[cell] += sum
				counts[cell] += uint32((y1 - y0) * (r - l))
			}
		}
	}
}

// fillFrostGo paints the blocks of m with the bilinear interpolation of values
// between the centres of the cells, of which there are cols x rows; beyond the
// outermost centres it is constant. ramp are the weights of newRamp; its length
// is the side of a cell. line is scratch for two rows of samples.
//
// The arithmetic is that of 16-bit lanes: values have 6 fractional bits, and a
// difference, doubled, is multiplied by a weight of 15 bits and the upper half
// of the product kept.
func fillFrostGo(p plane, m *blockMask, values []uint8, cols, rows int, ramp, line []int16) {
	cell := len(ramp)
	top, step := line[:p.w], line[p.w:2*p.w]
	for r := -1; r < rows; r++ {
		y0, y1 := max(r*cell+cell/2, 0), min(r*cell+cell/2+cell, p.h)
		if y0 >= y1 {
			continue
		}
		upper := values[max(r, 0)*cols:][:cols]
		lower := values[min(r+1, rows-1)*cols:][:cols]
		for by := y0 / p.block; by <= (y1-1)/p.block; by++ {
			row := m.row(by)
			for a, b := nextSpan(row, 0); a < b; a, b = nextSpan(row, b) {
				l, x1 := a*p.block, min(b*p.block, p.w)
				interpolateGo(top, upper, ramp, l, x1)
				interpolateGo(step, lower, ramp, l, x1)
				for x := l; x < x1; x++ {
					step[x] = 2 * (step[x] - top[x])
				}
				for y := max(by*p.block, y0); y < min((by+1)*p.block, y1); y++ {
					w := int32(ramp[y-r*cell-cell/2])
					out := p.pix[y*p.stride:]
					for x := l; x < x1; x++ {
						out[x] = uint8((top[x] + int16(int32(step[x])*w>>16) + 32) >> 6)
					}
				}
			}
		}
	}
}

// interpolateGo sets out[x0:x1] to values interpolated between the centres of
// the cells of one row, with 6 fractional bits.
func interpolateGo(out []int16, values []uint8, ramp []int16, x0, x1 int) {
	cell := len(ramp)
	for x := x0; x < x1; {
		c := (x+cell/2)/cell - 1
		origin := c*cell + cell/2
		end := min(origin+cell, x1)
		a := int16(values[max(c, 0)]) << 6
		b := int16(values[min(c+1, len(values)-1)]) << 6
		for ; x < end; x++ {
			out[x] = a + int16(int32(2*(b-a))*int32(ramp[x-origin])>>16)
		}
	}
}
