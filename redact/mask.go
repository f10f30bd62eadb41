package redact

import (
	"image"
	"math"
	"math/bits"
	"slices"

	"github.com/hedgecam/hedge/detect"
)

// blockSide is the side of a block of the cover, in luma samples: that of a chroma
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

// blockMask is a set of blocks, one bit each, every row on a word of its own.
// Bits beyond the width are always 0, and so are all in rows outside of lo..hi-1:
// what is worked on mostly has few rows.
type blockMask struct {
	side   int // of a block in luma samples
	w, h   int // in blocks
	words  int // per row
	lo, hi int
	bits   []uint64
}

// newBlockMask returns an empty mask for a picture of the given size in pixels.
func newBlockMask(size image.Point) blockMask { return newMaskOf(size, blockSide) }

// newMaskOf returns an empty mask of blocks of a side.
func newMaskOf(size image.Point, side int) blockMask {
	return newMask(side, blocks(size.X, side), blocks(size.Y, side))
}

func newMask(side, w, h int) blockMask {
	words := (w + 63) / 64
	return blockMask{side: side, w: w, h: h, words: words, bits: make([]uint64, words*h)}
}

// blocks returns the number of blocks of the given side that n luma samples touch.
func blocks(n, side int) int { return (n + side - 1) / side }

func (m *blockMask) row(y int) []uint64 { return m.bits[y*m.words : (y+1)*m.words] }

func (m *blockMask) has(x, y int) bool { return m.bits[y*m.words+x/64]>>(x%64)&1 != 0 }

func (m *blockMask) clear() {
	clear(m.part(m.lo, m.hi))
	m.lo, m.hi = 0, 0
}

// part returns the words of rows lo to hi-1.
func (m *blockMask) part(lo, hi int) []uint64 { return m.bits[lo*m.words : hi*m.words] }

// widen notes that rows lo to hi-1 may have blocks.
func (m *blockMask) widen(lo, hi int) {
	switch {
	case lo >= hi:
	case m.lo == m.hi:
		m.lo, m.hi = lo, hi
	default:
		m.lo, m.hi = min(m.lo, lo), max(m.hi, hi)
	}
}

func (m *blockMask) copyFrom(o *blockMask) {
	m.clear()
	copy(m.part(o.lo, o.hi), o.part(o.lo, o.hi))
	m.lo, m.hi = o.lo, o.hi
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
func (m *blockMask) fill() { m.set(blockRect{0, 0, m.w, m.h}) }

// set adds the blocks of r, which lies within the mask.
func (m *blockMask) set(r blockRect) {
	if r.empty() {
		return
	}
	m.widen(r.y0, r.y1)
	for i := r.x0 / 64; i <= (r.x1-1)/64; i++ {
		w := wordMask(i, r.x0, r.x1)
		for y := r.y0; y < r.y1; y++ {
			m.bits[y*m.words+i] |= w
		}
	}
}

// unset takes the blocks of r away.
func (m *blockMask) unset(r blockRect) {
	if r.empty() {
		return
	}
	for i := r.x0 / 64; i <= (r.x1-1)/64; i++ {
		w := wordMask(i, r.x0, r.x1)
		for y := r.y0; y < r.y1; y++ {
			m.bits[y*m.words+i] &^= w
		}
	}
}

// holds reports whether all blocks of r are in the mask. An empty r is held by
// none.
func (m *blockMask) holds(r blockRect) bool {
	if r.empty() {
		return false
	}
	for i := r.x0 / 64; i <= (r.x1-1)/64; i++ {
		w := wordMask(i, r.x0, r.x1)
		for y := r.y0; y < r.y1; y++ {
			if w&^m.bits[y*m.words+i] != 0 {
				return false
			}
		}
	}
	return true
}

// add adds the blocks of o.
func (m *blockMask) add(o *blockMask) {
	m.widen(o.lo, o.hi)
	to := m.part(o.lo, o.hi)
	for i, w := range o.part(o.lo, o.hi) {
		to[i] |= w
	}
}

// remove takes the blocks of o away.
func (m *blockMask) remove(o *blockMask) {
	lo, hi := max(m.lo, o.lo), min(m.hi, o.hi)
	if lo >= hi {
		return
	}
	to := m.part(lo, hi)
	for i, w := range o.part(lo, hi) {
		to[i] &^= w
	}
}

// keep takes away all blocks that are not in o.
func (m *blockMask) keep(o *blockMask) {
	lo, hi := max(m.lo, o.lo), min(m.hi, o.hi)
	if lo >= hi {
		m.clear()
		return
	}
	clear(m.part(m.lo, lo))
	clear(m.part(hi, m.hi))
	m.lo, m.hi = lo, hi
	to := m.part(lo, hi)
	for i, w := range o.part(lo, hi) {
		to[i] &= w
	}
}

// invert turns the mask into the set of all other blocks.
func (m *blockMask) invert() {
	m.lo, m.hi = 0, m.h
	for i := range m.words {
		w := wordMask(i, 0, m.w)
		for y := range m.h {
			m.bits[y*m.words+i] ^= w
		}
	}
}

// empty reports whether there is no block.
func (m *blockMask) empty() bool {
	for _, w := range m.part(m.lo, m.hi) {
		if w != 0 {
			return false
		}
	}
	return true
}

// each calls f with the index (row by row, without gaps) of every block.
func (m *blockMask) each(f func(i int)) {
	for y := m.lo; y < m.hi; y++ {
		row := m.row(y)
		for a, b := nextSpan(row, 0); a < b; a, b = nextSpan(row, b) {
			for x := a; x < b; x++ {
				f(y*m.w + x)
			}
		}
	}
}

// count returns the number of blocks.
func (m *blockMask) count() int {
	n := 0
	for _, w := range m.part(m.lo, m.hi) {
		n += bits.OnesCount64(w)
	}
	return n
}

// coarsen sets dst to its blocks in which m has one.
func coarsen(dst, m *blockMask) {
	dst.clear()
	n := dst.side / m.side
	for y := m.lo; y < m.hi; y++ {
		row := m.row(y)
		for a, b := nextSpan(row, 0); a < b; a, b = nextSpan(row, b) {
			dst.set(blockRect{a / n, y / n, (b-1)/n + 1, y/n + 1})
		}
		y = m.sameUntil(y, min((y/n+1)*n, m.hi)) - 1
	}
}

// sameUntil returns the end of the rows, up to end, that have the blocks of row y.
func (m *blockMask) sameUntil(y, end int) int {
	row := m.row(y)
	y++
	for y < end && slices.Equal(m.row(y), row) {
		y++
	}
	return y
}

// grow adds the eight neighbours of every block, n times over. tmp is scratch
// of the same shape.
func (m *blockMask) grow(n int, tmp *blockMask) {
	if m.lo == m.hi {
		return
	}
	for range n {
		tmp.clear()
		grow(m, tmp)
		tmp.widen(m.lo, m.hi)
		m.widen(max(m.lo-1, 0), min(m.hi+1, m.h))
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

// setShape adds the blocks that hide an object: those that its box or its cover b
// touches, but of the cover of a face or person not the corners, which are rounded by
// a quarter of its shorter side.
func (m *blockMask) setShape(box, b detect.Box, class detect.Class, size image.Point) {
	r := touched(b, size)
	if class != detect.Face && class != detect.Person {
		m.set(r)
		return
	}
	m.set(touched(box, size))
	radius := b.Short() / 4
	for y := r.y0; y < r.y1; y++ {
		// How far the row, at its point nearest to the middle, is into a corner.
		top, bottom := float32(y*blockSide), float32((y+1)*blockSide)
		into := max(b.Y0+radius-bottom, top-(b.Y1-radius), 0)
		cut := radius - float32(math.Sqrt(float64(max(radius*radius-into*into, 0))))
		row := b
		row.X0, row.X1, row.Y0, row.Y1 = b.X0+cut, b.X1-cut, top, bottom
		if row = clip(row, size); !row.Empty() {
			m.set(touchedOf(row, blockSide))
		}
	}
}

// touched returns the blocks that b touches in a picture of the given size in
// pixels; b is in pixels from the picture's corner. NaN touches nothing.
func touched(b detect.Box, size image.Point) blockRect {
	b = clip(b, size)
	if b.Empty() {
		return blockRect{}
	}
	return touchedOf(b, blockSide)
}

// touchedOf is touched for blocks of a side; b lies in the picture.
func touchedOf(b detect.Box, side int) blockRect {
	return blockRect{
		int(b.X0) / side, int(b.Y0) / side,
		blocks(ceil(b.X1), side), blocks(ceil(b.Y1), side),
	}
}

// within returns the blocks whose pixels all lie in b.
func within(b detect.Box, size image.Point) blockRect {
	b = clip(b, size)
	if b.Empty() {
		return blockRect{}
	}
	return withinOf(b, size, blockSide)
}

// withinOf is within for blocks of a side; b lies in the picture.
func withinOf(b detect.Box, size image.Point, side int) blockRect {
	r := blockRect{
		blocks(ceil(b.X0), side), blocks(ceil(b.Y0), side),
		int(b.X1) / side, int(b.Y1) / side,
	}
	// The last block of a row or column may be cut off by the picture's edge.
	if int(b.X1) == size.X {
		r.x1 = blocks(size.X, side)
	}
	if int(b.Y1) == size.Y {
		r.y1 = blocks(size.Y, side)
	}
	return r
}

// clip returns the part of b inside the picture.
func clip(b detect.Box, size image.Point) detect.Box {
	return b.Intersect(detect.Box{X1: float32(size.X), Y1: float32(size.Y)})
}

func ceil(v float32) int {
	n := int(v)
	if float32(n) < v {
		n++
	}
	return n
}
