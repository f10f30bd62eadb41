// Package pixel prepares pictures for networks: it scales planar YCbCr down (or
// up) and turns the small picture into float planes. The kernels are C where
// cgo is on and plain Go where it is off, with identical results: all
// arithmetic is in integers.
package pixel

import (
	"errors"
	"image"
)

// ErrLayout says that a picture is empty, is not 4:2:0, 4:2:2 or 4:4:4, or that
// its planes are shorter than its size and strides ask for.
var ErrLayout = errors.New("pixel: picture is empty, not 4:2:0, 4:2:2 or 4:4:4, or its planes are too short")

// sub returns how many luma columns and rows share one chroma sample.
func sub(r image.YCbCrSubsampleRatio) (x, y int, ok bool) {
	switch r {
	case image.YCbCrSubsampleRatio420:
		return 2, 2, true
	case image.YCbCrSubsampleRatio422:
		return 2, 1, true
	case image.YCbCrSubsampleRatio444:
		return 1, 1, true
	}
	return 0, 0, false
}

// Check returns nil if every sample of p can be read: ErrLayout otherwise.
func Check(p *image.YCbCr) error {
	if p == nil || p.Rect.Empty() {
		return ErrLayout
	}
	sx, sy, ok := sub(p.SubsampleRatio)
	if !ok {
		return ErrLayout
	}
	w, h := p.Rect.Dx(), p.Rect.Dy()
	cw := (p.Rect.Min.X&(sx-1) + w + sx - 1) / sx
	ch := (p.Rect.Min.Y&(sy-1) + h + sy - 1) / sy
	if p.YStride < w || p.CStride < cw ||
		len(p.Y) < (h-1)*p.YStride+w ||
		len(p.Cb) < (ch-1)*p.CStride+cw || len(p.Cr) < (ch-1)*p.CStride+cw {
		return ErrLayout
	}
	return nil
}

// A Scaler scales pictures and keeps the tables and the row buffer that this
// takes. The zero value is ready. One goroutine at a time may use it.
type Scaler struct {
	luma, chroma geometry
	row          []uint32
}

// Scale fills dst, which is 4:2:0 and belongs to the caller, with src scaled to
// dst's size. src is 4:2:0, 4:2:2 or 4:4:4, of any size, stride and origin; an
// origin inside of a chroma sample (a crop) shifts the chroma by its half.
//
// Each sample is the average over the area that it covers in src, rounded to
// nearest: exactly where the ratio is a whole number up to 8 or so, otherwise with
// weights of 16 bits and within one level. Along an axis on which dst is larger
// it is interpolated linearly between the centres of the samples.
//
// Scale allocates only when a geometry is new. It returns ErrLayout if either
// picture is unusable or dst is not 4:2:0.
func (s *Scaler) Scale(dst, src *image.YCbCr) error {
	if err := Check(src); err != nil {
		return err
	}
	if err := Check(dst); err != nil {
		return err
	}
	if dst.SubsampleRatio != image.YCbCrSubsampleRatio420 || dst.Rect.Min.X&1 != 0 || dst.Rect.Min.Y&1 != 0 {
		return ErrLayout
	}
	sx, sy, _ := sub(src.SubsampleRatio)
	sw, sh := src.Rect.Dx(), src.Rect.Dy()
	dw, dh := dst.Rect.Dx(), dst.Rect.Dy()
	s.luma.set(axis{0, sw, dw, 1, 1}, axis{0, sh, dh, 1, 1})
	s.chroma.set(
		axis{src.Rect.Min.X & (sx - 1), sw, dw, sx, 2},
		axis{src.Rect.Min.Y & (sy - 1), sh, dh, sy, 2})
	if n := max(s.luma.cols(), s.chroma.cols()); n > len(s.row) {
		s.row = make([]uint32, n)
	}
	s.luma.scale(dst.Y, dst.YStride, src.Y, src.YStride, s.row)
	s.chroma.scale(dst.Cb, dst.CStride, src.Cb, src.CStride, s.row)
	s.chroma.scale(dst.Cr, dst.CStride, src.Cr, src.CStride, s.row)
	return nil
}

// geometry is how one plane is scaled: whole ratios by box, the rest by resample.
type geometry struct {
	x, y   axis
	kx, ky int // 0 where the ratio is not a whole number
	nx, ny int // samples of the destination
	xspan  []int32
	xw     []uint32
	yspan  []int32
	yw     []uint32
}

// maxBox is the largest number of samples in a box, and maxBoxCols of columns,
// that the kernels take. Up to 128, a product with a reciprocal of 22 bits is the
// exactly rounded quotient; up to 16, with one of 16 bits too.
const maxBox, maxBoxCols = 128, 16

func (g *geometry) set(x, y axis) {
	if g.x == x && g.y == y {
		return
	}
	g.x, g.y = x, y
	g.nx, g.ny = x.count(), y.count()
	g.kx, g.ky = x.whole(), y.whole()
	if g.kx*g.ky == 0 || g.kx*g.ky > maxBox || g.kx > maxBoxCols {
		g.kx, g.ky = 0, 0
		g.xspan, g.xw = x.table(g.xspan[:0], g.xw[:0])
		g.yspan, g.yw = y.table(g.yspan[:0], g.yw[:0])
	}
}

// cols returns how many source columns resample keeps in its row buffer.
func (g *geometry) cols() int {
	if g.kx > 0 {
		return 0
	}
	return int(g.xspan[len(g.xspan)-1] - g.xspan[0])
}

func (g *geometry) scale(dst []byte, dstride int, src []byte, sstride int, row []uint32) {
	if g.kx > 0 {
		box(dst, dstride, src, sstride, g.nx, g.ny, g.kx, g.ky)
		return
	}
	resample(dst, dstride, src, sstride, g, row)
}

// axis describes one axis of one plane: len luma samples of the source, of
// which a plane sample covers sub, beginning off luma samples inside of the
// first one, become dlen luma samples of the destination, dsub to a sample.
type axis struct {
	off, len, dlen, sub, dsub int
}

// count returns the number of samples of the destination.
func (a axis) count() int { return (a.dlen + a.dsub - 1) / a.dsub }

// whole returns the number of source samples to each sample of the destination
// where that is the same whole number for all of them, else 0.
func (a axis) whole() int {
	if a.off != 0 || a.len%a.dlen != 0 || a.dlen%a.dsub != 0 || a.len/a.dlen*a.dsub%a.sub != 0 {
		return 0
	}
	return a.len / a.dlen * a.dsub / a.sub
}

// table appends for each sample of the destination the first and the last but
// one source sample that it is made of, and the weights of those, which add up
// to 65536.
func (a axis) table(span []int32, w []uint32) ([]int32, []uint32) {
	// In units of 1/(2*dlen) of a luma sample everything is a whole number.
	unit := int64(2 * a.dlen * a.sub) // one source sample
	last := int64((a.off + a.len - 1) / a.sub)
	for j := range a.count() {
		lo := int64(2 * (a.off*a.dlen + j*a.dsub*a.len))
		hi := int64(2 * (a.off*a.dlen + min((j+1)*a.dsub, a.dlen)*a.len))
		if hi-lo < unit {
			// Enlarging: between the centres of the two nearest samples.
			c := (lo+hi)/2 - unit/2
			i := int64(0)
			if c >= 0 {
				i = c / unit
			}
			f := uint32(0)
			if c > 0 && i < last {
				f = uint32(((c-i*unit)*65536 + unit/2) / unit)
			}
			i = min(i, last)
			if f == 0 {
				span, w = append(span, int32(i), int32(i+1)), append(w, 65536)
			} else {
				span, w = append(span, int32(i), int32(i+2)), append(w, 65536-f, f)
			}
			continue
		}
		first, end := lo/unit, (hi+unit-1)/unit
		span = append(span, int32(first), int32(end))
		// The rounded running sum keeps the total exact.
		prev := int64(0)
		for i := first; i < end; i++ {
			cum := (min((i+1)*unit, hi) - lo) * 65536
			cum = (cum + (hi-lo)/2) / (hi - lo)
			w = append(w, uint32(cum-prev))
			prev = cum
		}
	}
	return span, w
}
