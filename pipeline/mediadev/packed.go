package mediadev

import (
	"fmt"
	"image"
	"image/color"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// PackedFormat is a way in which samples lie one behind the other.
type PackedFormat int

// The formats, under the names of V4L2.
const (
	// YUYV is 4:2:2: Y0 Cb Y1 Cr.
	YUYV PackedFormat = iota
	// UYVY is 4:2:2: Cb Y0 Cr Y1.
	UYVY
	// NV12 is 4:2:0: luma, and then Cb and Cr in turns.
	NV12
	// NV21 is as NV12, with Cr before Cb.
	NV21
)

// Packed is a picture as a camera delivers it. It is an image.Image, so that a reader can
// hand it to a Source, which brings it to 4:2:0 in one pass and without memory in between.
type Packed struct {
	Format PackedFormat
	// Data are the rows, of NV12 and NV21 first those of luma.
	Data []byte
	// Stride is the distance from row to row in bytes.
	Stride int
	// Size is in pixels. Its width is even.
	Size image.Point
}

// NewPacked returns a picture of a size whose rows fill data. The distance of rows is what
// data's length says: drivers may put padding behind each. The error is a *FormatError for data that is too
// short or long for the size: then the driver has changed the format.
func NewPacked(f PackedFormat, data []byte, size image.Point) (*Packed, error) {
	p := &Packed{Format: f, Data: data, Size: size}
	rows, width := size.Y, 2*size.X
	if f == NV12 || f == NV21 {
		rows, width = size.Y+(size.Y+1)/2, size.X
	}
	if rows > 0 {
		p.Stride = len(data) / rows
	}
	if size.X <= 0 || size.Y <= 0 || size.X%2 != 0 || size.X > redact.MaxSize || size.Y > redact.MaxSize ||
		p.Stride < width || p.Stride >= width+maxPadding {
		return nil, &FormatError{Format: fmt.Sprintf("of %d bytes, and not the %dx%d that were asked for", len(data), size.X, size.Y)}
	}
	return p, nil
}

// maxPadding is more than drivers put behind a row.
const maxPadding = 512

// ColorModel implements image.Image.
func (p *Packed) ColorModel() color.Model { return color.YCbCrModel }

// Bounds implements image.Image.
func (p *Packed) Bounds() image.Rectangle { return image.Rectangle{Max: p.Size} }

// At implements image.Image. It is slow.
func (p *Packed) At(x, y int) color.Color {
	if !image.Pt(x, y).In(p.Bounds()) {
		return color.YCbCr{}
	}
	switch p.Format {
	case NV12, NV21:
		c := p.Data[(p.Size.Y+y/2)*p.Stride+x&^1:]
		u, v := c[0], c[1]
		if p.Format == NV21 {
			u, v = v, u
		}
		return color.YCbCr{Y: p.Data[y*p.Stride+x], Cb: u, Cr: v}
	case UYVY:
		q := p.Data[y*p.Stride+x/2*4:]
		return color.YCbCr{Y: q[1+x%2*2], Cb: q[0], Cr: q[2]}
	}
	q := p.Data[y*p.Stride+x/2*4:]
	return color.YCbCr{Y: q[x%2*2], Cb: q[1], Cr: q[3]}
}

// check refuses a picture whose rows are not all there.
func (p *Packed) check() error {
	q, err := NewPacked(p.Format, p.Data, p.Size)
	if err != nil {
		return err
	}
	if p.Format < YUYV || p.Format > NV21 || p.Stride > q.Stride || p.Stride < p.Size.X*map[bool]int{true: 1, false: 2}[p.Format >= NV12] {
		return fmt.Errorf("%w: rows of %d bytes", pipeline.ErrPicture, p.Stride)
	}
	return nil
}

// to420 writes the picture, which passed check, to dst, which is 4:2:0 with origin (0,0) and
// of the same size.
func (p *Packed) to420(dst *image.YCbCr, fullRange bool) {
	w, h := p.Size.X, p.Size.Y
	switch p.Format {
	case YUYV, UYVY:
		unpack422(dst, p.Data, p.Stride, w, h, p.Format == UYVY)
	default:
		copyPlane(dst.Y, dst.YStride, p.Data, p.Stride, w, h)
		first, second := dst.Cb, dst.Cr
		if p.Format == NV21 {
			first, second = second, first
		}
		split(first, second, dst.CStride, p.Data[h*p.Stride:], p.Stride, w/2, (h+1)/2)
	}
	if fullRange {
		limitPicture(dst, h)
	}
}
