package redact

import (
	"image"
	"time"
)

// The colour of Solid: a neutral grey, inside the limited range.
const (
	solidLuma   = 112
	solidChroma = 128
)

// plane is one plane of a picture, as the kernels see it.
type plane struct {
	pix    []byte
	stride int
	w, h   int // in samples
	block  int // side of a block in samples
}

// planes returns the luma and the two chroma planes of a 4:2:0 picture.
func planes(pic *image.YCbCr) [3]plane {
	w, h := pic.Rect.Dx(), pic.Rect.Dy()
	cw, ch := (w+1)/2, (h+1)/2
	side := blockSide(pic.Rect.Size())
	return [3]plane{
		{pic.Y, pic.YStride, w, h, side},
		{pic.Cb, pic.CStride, cw, ch, side / 2},
		{pic.Cr, pic.CStride, cw, ch, side / 2},
	}
}

// apply changes the pixels of pic as st says.
func (r *Redactor) apply(pic *image.YCbCr, st *frameState, at time.Duration) {
	ps := planes(pic)
	if first := r.rules[0]; !first.solid {
		r.frosted.copyFrom(&st.hidden)
		r.frosted.remove(&st.solid)
		r.frost.look(&ps, &first.place, first.found, at)
		r.frost.paint(&ps, &r.frosted)
	}
	if st.solid.count() == 0 {
		return
	}
	fillSolid(ps[0], &st.solid, r.grey[0])
	fillSolid(ps[1], &st.solid, r.grey[1])
	fillSolid(ps[2], &st.solid, r.grey[1])
}

// fillSolid sets the blocks of m to the samples of row, which is as wide as the
// plane and of one value. Copying a row is the fastest way to set memory to a
// value in Go.
func fillSolid(p plane, m *blockMask, row []byte) {
	for by := range m.h {
		bits := m.row(by)
		for x0, x1 := nextSpan(bits, 0); x0 < x1; x0, x1 = nextSpan(bits, x1) {
			l, r := x0*p.block, min(x1*p.block, p.w)
			for y := by * p.block; y < min((by+1)*p.block, p.h); y++ {
				copy(p.pix[y*p.stride+l:y*p.stride+r], row)
			}
		}
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
