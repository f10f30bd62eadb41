package motion

// The kernels below exist twice: here in Go, and in kernel.h in C for builds
// with cgo. All arithmetic is on integers, so both give the same bits; the
// tests hold them against each other. Shifts of negative numbers round down in
// both.

// shrinkGo averages blocks of k x k samples of src into dst, in units of 1/16
// of a sample. Blocks cut off by the right or lower edge average what is there.
// dst has ceil(w/k)*ceil(h/k) elements, acc w. Only every step-th row of a block
// is read. k is at most 256.
func shrinkGo(dst []uint16, src []uint8, stride, w, h, k, step int, acc []uint16) {
	acc = acc[:w]
	tw := (w + k - 1) / k
	for y0, o := 0, 0; y0 < h; y0, o = y0+k, o+tw {
		y1, rows := min(y0+k, h), 0
		clear(acc)
		for y := y0; y < y1; y += step {
			row := src[y*stride:][:w]
			for x, v := range row {
				acc[x] += uint16(v)
			}
			rows++
		}
		whole := (uint64(16) << 32) / uint64(rows*k)
		for tx := range tw {
			x0 := tx * k
			x1, r := x0+k, whole
			if x1 > w {
				x1 = w
				r = (uint64(16) << 32) / uint64(rows*(w-x0))
			}
			var sum uint32
			for _, v := range acc[x0:x1] {
				sum += uint32(v)
			}
			// Half a unit rounds; the truncated reciprocal stays below it.
			dst[o+tx] = uint16((uint64(sum)*r + 1<<31) >> 32)
		}
	}
}

// diffGo sets d to the table's value for t less the background, which has 8
// fraction bits.
func diffGo(d []int16, t []uint16, table *[lumaSteps]int16, bg []int32) {
	t, bg = t[:len(d)], bg[:len(d)]
	for i := range d {
		d[i] = table[t[i]] - int16(bg[i]>>8)
	}
}

// boxMeanGo sets m to the mean of d over the square of meanRadius round each
// element, the edge elements repeated outwards. col and row are scratch of w
// elements, row with 2*meanRadius more.
func boxMeanGo(m, d []int16, w, h int, col, row []int32) {
	const r, n = meanRadius, 2*meanRadius + 1
	// A reciprocal with 20 fraction bits. |d| < 2^12 and n*n < 2^8, so a sum less
	// its last 3 bits times it stays below 2^31.
	const inv = (1<<20)/(n*n) + 1
	col = col[:w]
	for x := range col {
		s := int32(d[x]) * (r + 1)
		for y := 1; y <= r; y++ {
			s += int32(d[min(y, h-1)*w+x])
		}
		col[x] = s
	}
	for y := range h {
		line := row[:w+2*r]
		for x := range r {
			line[x], line[w+r+x] = col[0], col[w-1]
		}
		copy(line[r:], col)
		var s int32
		for _, v := range line[:n-1] {
			s += v
		}
		out := m[y*w : y*w+w]
		for x := range out {
			s += line[x+n-1]
			out[x] = int16(((s>>3)*inv + 1<<16) >> 17)
			s -= line[x]
		}
		add, sub := d[min(y+r+1, h-1)*w:][:w], d[max(y-r, 0)*w:][:w]
		for x := range col {
			col[x] += int32(add[x]) - int32(sub[x])
		}
	}
}

// Bits of what classify says of a sample.
const (
	pxChange    = 1 // differs from the background
	pxStructure = 2 // differs in a way that light alone does not explain
	pxStrong    = 4 // the same by twice the threshold
)

// classifyGo sets px for each sample: d is the difference from the background,
// gain that of the whole picture, m its local mean, noise the mean absolute
// deviation with 8 fraction bits. A threshold is floor + k/16 times the noise.
func classifyGo(px []uint8, d, m []int16, noise []int32, gain, floor, k int) {
	d, m, noise = d[:len(px)], m[:len(px)], noise[:len(px)]
	for i := range px {
		e, r := int32(d[i])-int32(gain), int32(d[i])-int32(m[i])
		e, r = max(e, -e), max(r, -r)
		t := int32(floor) + noise[i]*int32(k)>>12
		var b uint8
		if e > t {
			b = pxChange
			if r > t {
				b |= pxStructure
			}
			if r > 2*t {
				b |= pxStrong
			}
		}
		px[i] = b
	}
}

// gathered holds what gather says of each cell.
type gathered struct {
	cand    []uint8 // 1 where structure changed
	lasting []uint8 // 1 where it had changed in the same samples of the last picture
	soft    []uint8 // 1 where half of the samples changed at all
	energy  []uint8 // mean absolute change, in 8 units
	light   []int32 // mean change against the surroundings, 8 fraction bits
}

// gatherGo sums the samples of each of the cells, cw to a row. The arrays of c
// have the given stride and a border of one cell, which is left as it is. At an
// odd edge the last samples count twice.
func gatherGo(c gathered, px, last []uint8, d, mean []int16, w, h, gain, cw, stride int) {
	for y0, o := 0, stride+1; y0 < h; y0, o = y0+2, o+stride {
		below := w * (min(y0+1, h-1) - y0)
		for cx := range cw {
			i := o + cx
			a := y0*w + 2*cx
			b := a + min(2*cx+1, w-1) - 2*cx
			var change, structure, strong, lasting uint8
			var sum, abs int32
			for _, j := range [4]int{a, b, a + below, b + below} {
				p := px[j]
				change += p & pxChange
				structure += p >> 1 & 1
				strong |= p >> 2
				lasting |= p & last[j]
				e := int32(d[j]) - int32(gain)
				abs += max(e, -e)
				sum += int32(d[j]) - int32(mean[j])
			}
			c.cand[i] = min(structure/2+strong, 1)
			c.lasting[i] = lasting >> 1 & 1
			c.soft[i] = min(change/2, 1)
			c.energy[i] = uint8(min(abs/32, 255))
			c.light[i] = sum << 6
		}
	}
}

// What learn does with a cell.
const (
	learnAll    = 0 // follow the picture
	learnGain   = 1 // follow only the light of the whole picture
	learnAbsorb = 2 // take the picture as the background
)

// learnGo lets the background and the noise follow the picture, in every second pair of
// rows (odd says in which). cells holds one of the codes above for each cell of 2x2
// samples, with the given stride. ab and an are the shares to follow by, with 16
// fraction bits, at most 1; clip bounds the deviation that is learnt.
func learnGo(bg, noise []int32, d, m []int16, w, h, odd int, cells []uint8, stride, gain, ab, an, clip int) {
	for y := range h {
		if y>>1&1 != odd {
			continue
		}
		o := y * w
		bgr, nr, dr, mr := bg[o:o+w], noise[o:o+w], d[o:o+w], m[o:o+w]
		cr := cells[(y/2)*stride:]
		for x := range w {
			switch cr[x/2] {
			case learnAll:
				bgr[x] += int32(dr[x]) * int32(ab) >> 8
				r := int32(dr[x]) - int32(mr[x])
				r = min(max(r, -r), int32(clip))
				nr[x] += (r<<8 - nr[x]) * int32(an>>4) >> 12
			case learnAbsorb:
				bgr[x] += int32(dr[x]) << 8
			default:
				bgr[x] += int32(gain) * int32(ab) >> 8
			}
		}
	}
}
