// Package i420 has what all who handle 4:2:0 pictures share: the check that a picture is
// one, its planes, and copies of them.
package i420

import (
	"errors"
	"fmt"
	"image"
)

// ErrPicture says that a picture is none that can be handled.
var ErrPicture = errors.New("not a 4:2:0 picture")

// Check returns nil, or an ErrPicture that says what is wrong: there is no picture, it is
// empty, its chroma is not 4:2:0, or its planes are shorter than its size says.
func Check(p *image.YCbCr) error {
	switch {
	case p == nil:
		return fmt.Errorf("%w: there is none", ErrPicture)
	case p.Rect.Empty():
		return fmt.Errorf("%w: it is empty", ErrPicture)
	case p.SubsampleRatio != image.YCbCrSubsampleRatio420:
		return fmt.Errorf("%w: its chroma is %v", ErrPicture, p.SubsampleRatio)
	}
	w, h := p.Rect.Dx(), p.Rect.Dy()
	y, c := p.YOffset(p.Rect.Min.X, p.Rect.Min.Y), p.COffset(p.Rect.Min.X, p.Rect.Min.Y)
	last := p.COffset(p.Rect.Max.X-1, p.Rect.Max.Y-1)
	if p.YStride < w || p.CStride < chroma(p).X || y < 0 || c < 0 || len(p.Y) < y+(h-1)*p.YStride+w || len(p.Cb) <= last || len(p.Cr) <= last {
		return fmt.Errorf("%w: its planes are shorter than %dx%d", ErrPicture, w, h)
	}
	return nil
}

// chroma returns the size of the chroma planes.
func chroma(p *image.YCbCr) image.Point {
	r := p.Rect
	return image.Pt((r.Max.X+1)/2-r.Min.X/2, (r.Max.Y+1)/2-r.Min.Y/2)
}

// Plane is one plane of a picture: Size.Y rows of Size.X samples, Stride apart.
type Plane struct {
	Samples []byte
	Stride  int
	Size    image.Point
}

// Planes returns Y, Cb and Cr of a picture that passed Check. They share its memory.
func Planes(p *image.YCbCr) [3]Plane {
	y, c := p.YOffset(p.Rect.Min.X, p.Rect.Min.Y), p.COffset(p.Rect.Min.X, p.Rect.Min.Y)
	size := chroma(p)
	return [3]Plane{{p.Y[y:], p.YStride, p.Rect.Size()}, {p.Cb[c:], p.CStride, size}, {p.Cr[c:], p.CStride, size}}
}

// Tight reports whether no row has samples behind it that are not of the picture.
func (p Plane) Tight() bool { return p.Stride == p.Size.X }

// Rows calls f with each row, or with all rows at once where they are tight, and returns
// the first error.
func (p Plane) Rows(f func([]byte) error) error {
	if p.Tight() {
		return f(p.Samples[:p.Size.X*p.Size.Y])
	}
	for y := range p.Size.Y {
		if err := f(p.Samples[y*p.Stride:][:p.Size.X]); err != nil {
			return err
		}
	}
	return nil
}

// IsEven reports whether a picture that passed Check has even sides and tight planes that
// begin with its first sample: what encoders take as it is.
func IsEven(p *image.YCbCr) bool {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	return w%2 == 0 && h%2 == 0 && p.Rect.Min.X%2 == 0 && p.Rect.Min.Y%2 == 0 && p.YStride == w && p.CStride == w/2
}

// Even copies a picture that passed Check into dst, with tight planes and even sides: where
// a side is odd, its last column or row is there twice. It uses dst's memory if dst has that
// size already.
func Even(dst, src *image.YCbCr) {
	size := src.Rect.Size()
	w, h := (size.X+1)&^1, (size.Y+1)&^1
	if dst.Rect != image.Rect(0, 0, w, h) || dst.SubsampleRatio != image.YCbCrSubsampleRatio420 || dst.YStride != w {
		*dst = *image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	}
	from := Planes(src)
	extend(dst.Y, w, h, from[0])
	extend(dst.Cb, w/2, h/2, from[1])
	extend(dst.Cr, w/2, h/2, from[2])
}

// extend copies a plane into a tight one of w x h, and fills what is left with the last
// column and row. What is beyond w or h is left out.
func extend(dst []byte, w, h int, src Plane) {
	sw := min(src.Size.X, w)
	if src.Stride == w && src.Size.X == w && src.Size.Y == h {
		copy(dst, src.Samples[:w*h])
		return
	}
	for y := range h {
		row, from := dst[y*w:][:w], min(y, src.Size.Y-1)*src.Stride
		copy(row, src.Samples[from:from+sw])
		for x := sw; x < w; x++ {
			row[x] = row[sw-1]
		}
	}
}
