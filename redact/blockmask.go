package redact

import (
	"image"
	"math/bits"
	"slices"
)

// blockSide is the side of a block of the mask, in luma samples: that of a chroma
// sample.
const blockSide = 2

// coarseSide returns the side of the blocks of plates and zones, in luma samples, of
// a picture of the given size in pixels: 16, and 8 in one of less than 1280x720, of
// which fewer pixels make a person.
func coarseSide(size image.Point) int {
	if size.X*size.Y < 1280*720 {
		return 8
	}
	return 16
}

// blockRect is a rectangle of blocks; X1 and Y1 are exclusive.
type blockRect struct{ x0, y0, x1, y1 int }

func (r blockRect) empty() bool { return r.x0 >= r.x1 || r.y0 >= r.y1 }

// blockMask is a set of blocks, one bit each, every row on words of its own. Rows that
// are as the one above are not kept: the mask is bands of equal rows, of which the
// padded boxes of a picture have few, so that all that is done to a mask is done to each
// band once. Bits beyond the width are always 0.
type blockMask struct {
	side   int      // of a block in luma samples
	w, h   int      // in blocks
	words  int      // per row
	lo, hi int      // rows outside of lo..hi-1 have no block
	starts []uint64 // a bit for each row with which a band begins: for lo, for none outside of lo..hi-1
	bits   []uint64 // valid in the first row of each band
}

// newBlockMask returns an empty mask for a picture of the given size in pixels.
func newBlockMask(size image.Point) blockMask { return newMaskOf(size, blockSide) }

// newMaskOf returns an empty mask of blocks of a side.
func newMaskOf(size image.Point, side int) blockMask {
	return newMask(side, blocks(size.X, side), blocks(size.Y, side))
}

func newMask(side, w, h int) blockMask {
	words := (w + 63) / 64
	return blockMask{side: side, w: w, h: h, words: words, starts: make([]uint64, (h+63)/64), bits: make([]uint64, words*h)}
}

// blocks returns the number of blocks of the given side that n luma samples touch.
func blocks(n, side int) int { return (n + side - 1) / side }

// band returns the row with which a band begins.
func (m *blockMask) band(y int) []uint64 { return m.bits[y*m.words : (y+1)*m.words] }

// begin returns the start of the band that has row y, which is one of lo..hi-1.
func (m *blockMask) begin(y int) int {
	i := y / 64
	w := m.starts[i] & (^uint64(0) >> (63 - y%64))
	for w == 0 {
		i--
		w = m.starts[i]
	}
	return i*64 + 63 - bits.LeadingZeros64(w)
}

// end returns the end of the band that has row y, which is one of lo..hi-1.
func (m *blockMask) end(y int) int {
	i := y / 64
	w := m.starts[i] & (^uint64(1) << (y % 64))
	for w == 0 {
		if i++; i == len(m.starts) {
			return m.hi
		}
		w = m.starts[i]
	}
	return i*64 + bits.TrailingZeros64(w)
}

// split has a band begin with row y, which is one of lo..hi-1.
func (m *blockMask) split(y int) {
	if i, bit := y/64, uint64(1)<<(y%64); m.starts[i]&bit == 0 {
		copy(m.band(y), m.band(m.begin(y)))
		m.starts[i] |= bit
	}
}

// startEmpty has a band without blocks begin with row y.
func (m *blockMask) startEmpty(y int) {
	clear(m.band(y))
	m.starts[y/64] |= 1 << (y % 64)
}

func (m *blockMask) has(x, y int) bool {
	return y >= m.lo && y < m.hi && m.bits[m.begin(y)*m.words+x/64]>>(x%64)&1 != 0
}

func (m *blockMask) clear() {
	clear(m.starts)
	m.lo, m.hi = 0, 0
}

// widen makes rows lo to hi-1 part of the mask.
func (m *blockMask) widen(lo, hi int) {
	switch {
	case lo >= hi:
	case m.lo == m.hi:
		m.lo, m.hi = lo, hi
		m.startEmpty(lo)
	default:
		if lo < m.lo {
			m.startEmpty(lo)
			m.lo = lo
		}
		if hi > m.hi {
			m.startEmpty(m.hi)
			m.hi = hi
		}
	}
}

// narrow takes all blocks outside of rows lo to hi-1 away, which are rows of the mask.
func (m *blockMask) narrow(lo, hi int) {
	m.split(lo)
	for i := range m.starts {
		m.starts[i] &= wordMask(i, lo, hi)
	}
	m.lo, m.hi = lo, hi
}

func (m *blockMask) copyFrom(o *blockMask) {
	copy(m.starts, o.starts)
	m.lo, m.hi = o.lo, o.hi
	for y := o.lo; y < o.hi; y = o.end(y) {
		copy(m.band(y), o.band(y))
	}
}

// compact joins bands that are equal.
func (m *blockMask) compact() {
	last := m.lo
	for y := m.lo; y < m.hi; y = m.end(y) {
		if y > last && slices.Equal(m.band(y), m.band(last)) {
			m.starts[y/64] &^= 1 << (y % 64)
		} else {
			last = y
		}
	}
}

// wordMask returns the bits of word i that lie in the columns x0..x1-1.
func wordMask(i, x0, x1 int) uint64 {
	lo, hi := max(x0-i*64, 0), min(x1-i*64, 64)
	if lo >= hi {
		return 0
	}
	return ^uint64(0) << lo & (^uint64(0) >> (64 - hi))
}

// fill sets all blocks.
func (m *blockMask) fill() {
	m.clear()
	m.set(blockRect{0, 0, m.w, m.h})
}

// set adds the blocks of r, which lies within the mask.
func (m *blockMask) set(r blockRect) {
	if r.empty() {
		return
	}
	m.widen(r.y0, r.y1)
	m.cut(r.y0, r.y1)
	first, last := r.x0/64, (r.x1-1)/64
	for y := r.y0; y < r.y1; y = m.end(y) {
		row := m.band(y)
		for i := first; i <= last; i++ {
			row[i] |= wordMask(i, r.x0, r.x1)
		}
	}
}

// cut has bands begin with row lo and with row hi, where the mask has these.
func (m *blockMask) cut(lo, hi int) {
	m.split(lo)
	if hi < m.hi {
		m.split(hi)
	}
}

// unset takes the blocks of r away.
func (m *blockMask) unset(r blockRect) {
	lo, hi := max(r.y0, m.lo), min(r.y1, m.hi)
	if r.empty() || lo >= hi {
		return
	}
	m.cut(lo, hi)
	for y := lo; y < hi; y = m.end(y) {
		row := m.band(y)
		for i := r.x0 / 64; i <= (r.x1-1)/64; i++ {
			row[i] &^= wordMask(i, r.x0, r.x1)
		}
	}
}

// holds reports whether all blocks of r are in the mask. An empty r is held by
// none.
func (m *blockMask) holds(r blockRect) bool {
	if r.empty() || r.y0 < m.lo || r.y1 > m.hi {
		return false
	}
	for y := m.begin(r.y0); y < r.y1; y = m.end(y) {
		row := m.band(y)
		for i := r.x0 / 64; i <= (r.x1-1)/64; i++ {
			if wordMask(i, r.x0, r.x1)&^row[i] != 0 {
				return false
			}
		}
	}
	return true
}

// pair calls f with all bands of rows lo to hi-1, which are rows of both masks, and
// those of o.
func (m *blockMask) pair(o *blockMask, lo, hi int, f func(to, of []uint64)) {
	m.cut(lo, hi)
	for y := lo; y < hi; {
		row, end := o.band(o.begin(y)), min(o.end(y), hi)
		if end < hi {
			m.split(end)
		}
		for ; y < end; y = m.end(y) {
			f(m.band(y), row)
		}
	}
}

// add adds the blocks of o.
func (m *blockMask) add(o *blockMask) {
	if o.lo == o.hi {
		return
	}
	if m.lo == m.hi {
		m.copyFrom(o)
		return
	}
	m.widen(o.lo, o.hi)
	m.pair(o, o.lo, o.hi, func(to, of []uint64) {
		for i, w := range of {
			to[i] |= w
		}
	})
}

// remove takes the blocks of o away.
func (m *blockMask) remove(o *blockMask) {
	if lo, hi := max(m.lo, o.lo), min(m.hi, o.hi); lo < hi {
		m.pair(o, lo, hi, func(to, of []uint64) {
			for i, w := range of {
				to[i] &^= w
			}
		})
	}
}

// keep takes away all blocks that are not in o.
func (m *blockMask) keep(o *blockMask) {
	lo, hi := max(m.lo, o.lo), min(m.hi, o.hi)
	if lo >= hi {
		m.clear()
		return
	}
	m.narrow(lo, hi)
	m.pair(o, lo, hi, func(to, of []uint64) {
		for i, w := range of {
			to[i] &= w
		}
	})
}

// invert turns the mask into the set of all other blocks.
func (m *blockMask) invert() {
	m.widen(0, m.h)
	for y := 0; y < m.h; y = m.end(y) {
		for i, w := range m.band(y) {
			m.bits[y*m.words+i] = w ^ wordMask(i, 0, m.w)
		}
	}
}

// empty reports whether there is no block.
func (m *blockMask) empty() bool {
	for y := m.lo; y < m.hi; y = m.end(y) {
		for _, w := range m.band(y) {
			if w != 0 {
				return false
			}
		}
	}
	return true
}

// each calls f with the index (row by row, without gaps) of every block.
func (m *blockMask) each(f func(i int)) {
	for y := m.lo; y < m.hi; {
		row := m.band(y)
		for end := m.end(y); y < end; y++ {
			for i, w := range row {
				for ; w != 0; w &= w - 1 {
					f(y*m.w + i*64 + bits.TrailingZeros64(w))
				}
			}
		}
	}
}

// count returns the number of blocks.
func (m *blockMask) count() int {
	n := 0
	for y := m.lo; y < m.hi; {
		row, end := 0, m.end(y)
		for _, w := range m.band(y) {
			row += bits.OnesCount64(w)
		}
		n += row * (end - y)
		y = end
	}
	return n
}

// coarsen sets dst to its blocks in which m has one.
func coarsen(dst, m *blockMask) {
	dst.clear()
	n := dst.side / m.side
	for y := m.lo; y < m.hi; {
		row, end := m.band(y), m.end(y)
		for a, b := nextSpan(row, 0); a < b; a, b = nextSpan(row, b) {
			dst.set(blockRect{a / n, y / n, (b-1)/n + 1, (end-1)/n + 1})
		}
		y = end
	}
}

// grow adds the eight neighbours of every block, n times over. tmp is scratch
// of the same shape.
func (m *blockMask) grow(n int, tmp *blockMask) {
	if m.lo == m.hi {
		return
	}
	for range n {
		m.widenBands(tmp)
		grow(m, tmp)
	}
}

// widenBands gives tmp the bands of m, and m those that it has once it is grown.
func (m *blockMask) widenBands(tmp *blockMask) {
	copy(tmp.starts, m.starts)
	tmp.lo, tmp.hi = m.lo, m.hi
	m.lo, m.hi = max(m.lo-1, 0), min(m.hi+1, m.h)
	// A row that grows from three is another than the one above where one of them is.
	for i, w := range tmp.starts {
		w |= w<<1 | w>>1
		if i > 0 {
			w |= tmp.starts[i-1] >> 63
		}
		if i+1 < len(tmp.starts) {
			w |= tmp.starts[i+1] << 63
		}
		m.starts[i] = w & wordMask(i, m.lo, m.hi)
	}
}

// nextSpan returns the first run of set bits in row that starts at column x or
// later; x0 == x1 when there is none.
func nextSpan(row []uint64, x int) (x0, x1 int) {
	i := x / 64
	if i >= len(row) {
		return 0, 0
	}
	w := row[i] & (^uint64(0) << (x % 64))
	for w == 0 {
		if i++; i == len(row) {
			return 0, 0
		}
		w = row[i]
	}
	x0 = i*64 + bits.TrailingZeros64(w)
	w = ^row[i] & (^uint64(0) << (x0 % 64))
	for w == 0 {
		if i++; i == len(row) {
			return x0, i * 64
		}
		w = ^row[i]
	}
	return x0, i*64 + bits.TrailingZeros64(w)
}
