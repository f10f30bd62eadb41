package stream

import (
	"fmt"
	"image"

	"github.com/hedgecam/hedge/redact"
)

// planar is a redacted picture in memory of the hub's own, as the encoder wants
// it: tight strides and even sides. Where a side of the frame is odd, its last
// column or row is there twice.
type planar struct {
	pic image.YCbCr
	// size is that of the frame.
	size image.Point
}

// store copies the frame's pixels.
func (p *planar) store(f redact.Frame) error {
	src := f.Picture()
	if src == nil || src.SubsampleRatio != image.YCbCrSubsampleRatio420 || src.Rect.Empty() {
		return fmt.Errorf("stream: %w: it is empty or was released", ErrFrame)
	}
	p.size = src.Rect.Size()
	w, h := (p.size.X+1)&^1, (p.size.Y+1)&^1
	if p.pic.Rect.Dx() != w || p.pic.Rect.Dy() != h {
		p.pic = *image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	}
	o := src.Rect.Min
	copyPlane(p.pic.Y, w, h, src.Y[src.YOffset(o.X, o.Y):], src.YStride, p.size.X, p.size.Y)
	c := src.COffset(o.X, o.Y)
	cw, ch := w/2, h/2
	copyPlane(p.pic.Cb, cw, ch, src.Cb[c:], src.CStride, cw, ch)
	copyPlane(p.pic.Cr, cw, ch, src.Cr[c:], src.CStride, cw, ch)
	return nil
}

// copyPlane copies a plane of sw x sh samples into a tight one of w x h, at most
// one larger on each side, and fills what is left with the last column and row.
func copyPlane(dst []byte, w, h int, src []byte, stride, sw, sh int) {
	if stride == w && sw == w && sh == h {
		copy(dst, src[:w*h])
		return
	}
	for y := range h {
		row := dst[y*w : y*w+w]
		from := min(y, sh-1) * stride
		copy(row, src[from:from+sw])
		if sw < w {
			row[w-1] = row[sw-1]
		}
	}
}

// jpegRange turns limited range (luma 16..235, chroma 16..240) into the full
// range of a JPEG file, in place.
func jpegRange(p *image.YCbCr) {
	for i, v := range p.Y {
		p.Y[i] = fullLuma[v]
	}
	for _, plane := range [...][]byte{p.Cb, p.Cr} {
		for i, v := range plane {
			plane[i] = fullChroma[v]
		}
	}
}

// The conversion of ITU-T T.871 (JFIF) from the ranges of ITU-R BT.601.
var fullLuma, fullChroma = func() (luma, chroma [256]byte) {
	for v := range 256 {
		luma[v] = byte(min(max((2*255*(v-16)+219)/(2*219), 0), 255))
		chroma[v] = byte(min(max((2*255*(v-128)+2*224*128+224)/(2*224), 0), 255))
	}
	return luma, chroma
}()
