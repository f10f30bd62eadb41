package main

import (
	"image"
	"slices"
)

const (
	// judgeSide is the side of a block, in luma samples, whose detail is compared.
	judgeSide = 8
	// smooth is the side of the mean that is taken off the luma to get its detail.
	smooth = 5
	// telling is the energy of a block's detail from which it says anything: that of
	// noise with a standard deviation of 2 levels.
	telling = judgeSide * judgeSide * 2 * 2
	// alike and energetic are the correlation and the share of the energy above which
	// the detail of one picture is still there in another.
	alike, energetic = 0.5, 0.15
)

// fullRange takes luma of limited range (16..235) to 0..255 the way swscale makes
// a grey picture, so that thresholds mean the same for any input.
var fullRange = func() (t [256]float32) {
	for y := range t {
		v := (min(y<<7, 30189)*19077 - 39057361) >> 14
		t[y] = float32(min(max((v+64)>>7, 0), 255))
	}
	return t
}()

// luma is a picture's luma in full range, without padding.
type luma struct {
	w, h int
	pix  []float32
}

// set takes the luma of a picture of limited range.
func (l *luma) set(pic *image.YCbCr) {
	l.resize(pic.Rect.Dx(), pic.Rect.Dy())
	for y := range l.h {
		row := pic.Y[pic.YOffset(pic.Rect.Min.X, pic.Rect.Min.Y+y):][:l.w]
		out := l.pix[y*l.w:][:l.w]
		for x, v := range row {
			out[x] = fullRange[v]
		}
	}
}

func (l *luma) resize(w, h int) {
	l.w, l.h = w, h
	l.pix = slices.Grow(l.pix[:0], w*h)[:w*h]
}

// detail fills l with the detail of src: each sample less the mean of the 5x5
// samples around it. At the edges the picture goes on as its mirror image.
// columns is scratch.
func (l *luma) detail(src *luma, columns []float64) []float64 {
	const r = smooth / 2
	l.resize(src.w, src.h)
	columns = slices.Grow(columns[:0], src.w+2*r)[:src.w+2*r]
	inner := columns[r:][:src.w]
	for y := range src.h {
		clear(inner)
		for dy := -r; dy <= r; dy++ {
			for x, v := range src.pix[mirror(y+dy, src.h)*src.w:][:src.w] {
				inner[x] += float64(v)
			}
		}
		for i := range r {
			columns[i], columns[r+src.w+i] = inner[mirror(i-r, src.w)], inner[mirror(src.w+i, src.w)]
		}
		for x := range src.w {
			sum := columns[x] + columns[x+1] + columns[x+2] + columns[x+3] + columns[x+4]
			l.pix[y*src.w+x] = src.pix[y*src.w+x] - float32(sum/(smooth*smooth))
		}
	}
	return columns
}

// mirror returns the sample that stands for one up to two outside of n samples.
func mirror(i, n int) int {
	if i < 0 {
		i = -i - 1
	}
	if i >= n {
		i = 2*n - 1 - i
	}
	return min(max(i, 0), n-1)
}

// energies fills dst with the sums over each whole block of the products of two
// pictures' details, row by row.
func energies(dst []float64, a, b *luma) []float64 {
	bw, bh := a.w/judgeSide, a.h/judgeSide
	dst = slices.Grow(dst[:0], bw*bh)[:bw*bh]
	clear(dst)
	for y := range bh * judgeSide {
		p, q := a.pix[y*a.w:][:bw*judgeSide], b.pix[y*b.w:][:bw*judgeSide]
		out := dst[y/judgeSide*bw:][:bw]
		for i, v := range p {
			out[i/judgeSide] += float64(v) * float64(q[i])
		}
	}
	return dst
}
