package redact

import (
	"image"
	"math/bits"

	"github.com/hedgecam/hedge/detect"
)

// blockSide returns the side of a block, in luma samples, of a picture of the given
// size in pixels: 16, and 8 in one of less than 1280x720, of which fewer pixels make
// a person.
func blockSide(size image.Point) int {
	if size.X*size.Y < 1280*720 {
		return 8
	}
	return 16
}

// blockRect is a rectangle of blocks; X1 and Y1 are exclusive.
type blockRect struct{ x0, y0, x1, y1 int }

func (r blockRect) empty() bool { return r.x0 >= r.x1 || r.y0 >= r.y1 }

// blockMask is a set of blocks, one bit each, every row on a word of its own.
// Bits beyond the width are always 0.
type blockMask struct {
	side  int // of a block in luma samples
	w, h  int // in blocks
	words int // per row
	bits  []uint64
}

// newBlockMask returns an empty mask for a picture of the given size in pixels.
func newBlockMask(size image.Point) blockMask {
	side := blockSide(size)
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

func (m *blockMask) clear() { clear(m.bits) }

func (m *blockMask) copyFrom(o *blockMask) { copy(m.bits, o.bits) }

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
	for i, w := range o.bits {
		m.bits[i] |= w
	}
}

// remove takes the blocks of o away.
func (m *blockMask) remove(o *blockMask) {
	for i, w := range o.bits {
		m.bits[i] &^= w
	}
}

// keep takes away all blocks that are not in o.
func (m *blockMask) keep(o *blockMask) {
	for i, w := range o.bits {
		m.bits[i] &= w
	}
}

// invert turns the mask into the set of all other blocks.
func (m *blockMask) invert() {
	for i := range m.words {
		w := wordMask(i, 0, m.w)
		for y := range m.h {
			m.bits[y*m.words+i] ^= w
		}
	}
}

// empty reports whether there is no block.
func (m *blockMask) empty() bool {
	for _, w := range m.bits {
		if w != 0 {
			return false
		}
	}
	return true
}

// each calls f with the index (row by row, without gaps) of every block.
func (m *blockMask) each(f func(i int)) {
	for y := range m.h {
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
	for _, w := range m.bits {
		n += bits.OnesCount64(w)
	}
	return n
}

// grow adds the eight neighbours of every block, n times over. tmp is scratch
// of the same shape.
func (m *blockMask) grow(n int, tmp *blockMask) {
	for range n {
		for y := range m.h {
			src, dst := m.row(y), tmp.row(y)
			for i, w := range src {
				g := w | w<<1 | w>>1
				if i > 0 {
					g |= src[i-1] >> 63
				}
				if i+1 < len(src) {
					g |= src[i+1] << 63
				}
				dst[i] = g & wordMask(i, 0, m.w)
			}
		}
		m.copyFrom(tmp)
		for y := range m.h {
			dst := m.row(y)
			if y > 0 {
				for i, w := range tmp.row(y - 1) {
					dst[i] |= w
				}
			}
			if y+1 < m.h {
				for i, w := range tmp.row(y + 1) {
					dst[i] |= w
				}
			}
		}
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

// touched returns the blocks that b touches in a picture of the given size in
// pixels; b is in pixels from the picture's corner. NaN touches nothing.
func touched(b detect.Box, size image.Point) blockRect {
	b = clip(b, size)
	if b.Empty() {
		return blockRect{}
	}
	side := blockSide(size)
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
	side := blockSide(size)
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
