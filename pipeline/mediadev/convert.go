package mediadev

import (
	"fmt"
	"image"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// checkPicture returns img as a picture whose planes hold all its samples. The
// error is a *FormatError, or pipeline.ErrPicture for a damaged picture.
func checkPicture(img image.Image) (*image.YCbCr, error) {
	p, ok := img.(*image.YCbCr)
	if !ok {
		if img == nil {
			return nil, fmt.Errorf("%w: there is none", pipeline.ErrPicture)
		}
		return nil, &FormatError{Format: fmt.Sprintf("%T", img)}
	}
	if p == nil || p.Rect.Empty() {
		return nil, fmt.Errorf("%w: it is empty", pipeline.ErrPicture)
	}
	if p.Rect.Dx() > redact.MaxSize || p.Rect.Dy() > redact.MaxSize {
		return nil, &FormatError{Format: fmt.Sprintf("%dx%d, with more than %d pixels on a side", p.Rect.Dx(), p.Rect.Dy(), redact.MaxSize)}
	}
	switch p.SubsampleRatio {
	case image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410:
	default:
		return nil, &FormatError{Format: fmt.Sprintf("subsampled in an unknown way (%d)", p.SubsampleRatio)}
	}
	last := p.Rect.Max.Sub(image.Pt(1, 1))
	y, c := p.YOffset(last.X, last.Y), p.COffset(last.X, last.Y)
	first := p.COffset(p.Rect.Min.X, p.Rect.Min.Y)
	switch {
	case p.YStride < p.Rect.Dx() || p.CStride < p.COffset(last.X, p.Rect.Min.Y)-first+1,
		y >= len(p.Y), first < 0, c >= len(p.Cb), c >= len(p.Cr):
		return nil, fmt.Errorf("%w: planes of %d, %d and %d samples are too short for %v %v with strides %d and %d",
			pipeline.ErrPicture, len(p.Y), len(p.Cb), len(p.Cr), p.Rect, p.SubsampleRatio, p.YStride, p.CStride)
	}
	return p, nil
}

// to420 writes src, a checked picture, to dst, which is 4:2:0 with origin (0,0)
// and of the same size.
func to420(dst, src *image.YCbCr, fullRange bool) {
	r := src.Rect
	w, h := r.Dx(), r.Dy()
	copyPlane(dst.Y, dst.YStride, src.Y[src.YOffset(r.Min.X, r.Min.Y):], src.YStride, w, h)
	cw, ch := (w+1)/2, (h+1)/2
	c0 := src.COffset(r.Min.X, r.Min.Y)
	evenX, evenY := r.Min.X%2 == 0, r.Min.Y%2 == 0
	for _, p := range [...]struct{ dst, src []byte }{{dst.Cb, src.Cb}, {dst.Cr, src.Cr}} {
		switch {
		case src.SubsampleRatio == image.YCbCrSubsampleRatio420 && evenX && evenY:
			copyPlane(p.dst, dst.CStride, p.src[c0:], src.CStride, cw, ch)
		case src.SubsampleRatio == image.YCbCrSubsampleRatio422 && evenX:
			halveRows(p.dst, dst.CStride, p.src[c0:], src.CStride, cw, h)
		case src.SubsampleRatio == image.YCbCrSubsampleRatio444:
			halveBoth(p.dst, dst.CStride, p.src[c0:], src.CStride, w, h)
		default:
			anyChroma(p.dst, dst.CStride, p.src, src)
		}
	}
	if fullRange {
		limitPicture(dst, h)
	}
}

// limitPicture brings a 4:2:0 picture of h rows from full to limited range.
func limitPicture(p *image.YCbCr, h int) {
	ch := (h + 1) / 2
	limit(p.Y[:p.YStride*h], 219, 16*255)
	limit(p.Cb[:p.CStride*ch], 224, 128*255-128*224)
	limit(p.Cr[:p.CStride*ch], 224, 128*255-128*224)
}

func copyPlane(dst []byte, dstStride int, src []byte, srcStride, w, h int) {
	if dstStride == w && srcStride == w {
		copy(dst[:w*h], src)
		return
	}
	for y := range h {
		copy(dst[y*dstStride:][:w], src[y*srcStride:])
	}
}

// anyChroma writes one chroma plane of a picture of any subsampling: each
// sample is the mean of those of its up to four pixels, halves rounded up.
func anyChroma(dst []byte, stride int, plane []byte, src *image.YCbCr) {
	r := src.Rect
	for y := r.Min.Y; y < r.Max.Y; y += 2 {
		row := dst[(y-r.Min.Y)/2*stride:]
		y1 := min(y+1, r.Max.Y-1)
		for x := r.Min.X; x < r.Max.X; x += 2 {
			x1 := min(x+1, r.Max.X-1)
			sum := int(plane[src.COffset(x, y)]) + int(plane[src.COffset(x1, y)]) +
				int(plane[src.COffset(x, y1)]) + int(plane[src.COffset(x1, y1)])
			row[(x-r.Min.X)/2] = uint8((sum + 2) / 4)
		}
	}
}
