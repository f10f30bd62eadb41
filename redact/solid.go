package redact

import "image"

// The colour of Solid: a neutral grey, inside the limited range.
const (
	solidLuma   = 112
	solidChroma = 128
)

// solid is the fill of one colour.
type solid struct {
	luma, chroma []byte // a row of each, as wide as the plane
}

func newSolid(size image.Point) *solid {
	return &solid{grey(size.X, solidLuma), grey((size.X+1)/2, solidChroma)}
}

func (s *solid) sample(*view) {}

func (s *solid) forget() {}

func (s *solid) paint(v *view) {
	fillSolid(v.ps[0], &v.by[Solid], s.luma)
	fillSolid(v.ps[1], &v.by[Solid], s.chroma)
	fillSolid(v.ps[2], &v.by[Solid], s.chroma)
}

// fillSolid sets the blocks of m to the samples of row, which is as wide as the
// plane and of one value. Copying a row is the fastest way to set memory to a
// value in Go.
func fillSolid(p plane, m *blockMask, row []byte) {
	for by := m.lo; by < m.hi; {
		bits, end := m.band(by), m.end(by)
		for x0, x1 := nextSpan(bits, 0); x0 < x1; x0, x1 = nextSpan(bits, x1) {
			l, r := x0*p.block, min(x1*p.block, p.w)
			for y := by * p.block; y < min(end*p.block, p.h); y++ {
				copy(p.pix[y*p.stride+l:y*p.stride+r], row)
			}
		}
		by = end
	}
}

// grey returns a row of n samples of value v.
func grey(n int, v byte) []byte {
	row := make([]byte, n)
	for i := range row {
		row[i] = v
	}
	return row
}
