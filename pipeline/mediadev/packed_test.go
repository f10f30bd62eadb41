package mediadev

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
	"testing/quick"
)

// packedPicture returns a picture of random samples with padding behind its rows.
func packedPicture(t *testing.T, f PackedFormat, size image.Point, padding int, seed uint64) *Packed {
	t.Helper()
	rows, width := size.Y, 2*size.X
	if f >= NV12 {
		rows, width = size.Y+(size.Y+1)/2, size.X
	}
	data := make([]byte, rows*(width+padding))
	rnd := rand.New(rand.NewPCG(seed, 3))
	for i := range data {
		data[i] = uint8(rnd.Uint32())
	}
	p, err := NewPacked(f, data, size)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// unpacked returns the same picture with its planes apart, by At.
func unpacked(p *Packed) *image.YCbCr {
	ratio := image.YCbCrSubsampleRatio422
	if p.Format >= NV12 {
		ratio = image.YCbCrSubsampleRatio420
	}
	pic := image.NewYCbCr(p.Bounds(), ratio)
	for y := range p.Size.Y {
		for x := range p.Size.X {
			c := p.At(x, y).(color.YCbCr)
			pic.Y[pic.YOffset(x, y)], pic.Cb[pic.COffset(x, y)], pic.Cr[pic.COffset(x, y)] = c.Y, c.Cb, c.Cr
		}
	}
	return pic
}

// guarded returns a picture whose rows are wider than it, with a value in between that is to
// stay.
func guarded(size image.Point) (*image.YCbCr, func() bool) {
	const guard, wide = 0xa5, 24
	large := image.NewYCbCr(image.Rectangle{Max: size.Add(image.Pt(wide, 4))}, image.YCbCrSubsampleRatio420)
	planes := [][]byte{large.Y, large.Cb, large.Cr}
	for _, p := range planes {
		for i := range p {
			p[i] = guard
		}
	}
	dst := large.SubImage(image.Rectangle{Max: size}).(*image.YCbCr)
	return dst, func() bool {
		for i, p := range planes {
			stride, w, h := large.YStride, size.X, size.Y
			if i > 0 {
				stride, w, h = large.CStride, (size.X+1)/2, (size.Y+1)/2
			}
			for at, v := range p {
				if (at%stride >= w || at/stride >= h) && v != guard {
					return false
				}
			}
		}
		return true
	}
}

// TestPacked: one pass gives what taking the planes apart and then halving the rows gives, in
// C and in Go, for any size and padding, and writes nothing beside the picture.
func TestPacked(t *testing.T) {
	for f := YUYV; f <= NV21; f++ {
		same := func(w, h, padding uint8, seed uint64, full bool) bool {
			size := image.Pt(2*(1+int(w)%40), 1+int(h)%40)
			p := packedPicture(t, f, size, int(padding)%maxPadding, seed)
			if p.check() != nil {
				return false
			}
			want := image.NewYCbCr(p.Bounds(), image.YCbCrSubsampleRatio420)
			to420(want, unpacked(p), full)
			dst := image.NewYCbCr(p.Bounds(), image.YCbCrSubsampleRatio420)
			p.to420(dst, full)
			if !bytes.Equal(dst.Y, want.Y) || !bytes.Equal(dst.Cb, want.Cb) || !bytes.Equal(dst.Cr, want.Cr) {
				return false
			}
			c, whole := guarded(size)
			g, wholeGo := guarded(size)
			if f >= NV12 {
				src := p.Data[size.Y*p.Stride:]
				split(c.Cb, c.Cr, c.CStride, src, p.Stride, size.X/2, (size.Y+1)/2)
				splitGo(g.Cb, g.Cr, g.CStride, src, p.Stride, size.X/2, (size.Y+1)/2)
			} else {
				unpack422(c, p.Data, p.Stride, size.X, size.Y, f == UYVY)
				unpack422Go(g, p.Data, p.Stride, size.X, size.Y, f == UYVY)
			}
			return whole() && wholeGo() && bytes.Equal(c.Y, g.Y) && bytes.Equal(c.Cb, g.Cb) && bytes.Equal(c.Cr, g.Cr)
		}
		if err := quick.Check(same, nil); err != nil {
			t.Errorf("format %d: %v", f, err)
		}
	}
}

// TestPackedFormat: a driver that delivers another size than was asked for is found out.
func TestPackedFormat(t *testing.T) {
	var format *FormatError
	for _, tt := range []struct {
		f    PackedFormat
		n    int
		size image.Point
		ok   bool
	}{
		{YUYV, 640 * 480 * 2, image.Pt(640, 480), true},
		{YUYV, 704 * 480 * 2, image.Pt(640, 480), true}, // padding
		{NV12, 640 * 480 * 3 / 2, image.Pt(640, 480), true},
		{NV12, 768 * 480 * 3 / 2, image.Pt(640, 480), true},
		{YUYV, 640 * 480, image.Pt(640, 480), false},
		{YUYV, 1280 * 720 * 2, image.Pt(640, 480), false},
		{NV12, 320 * 240 * 3 / 2, image.Pt(640, 480), false},
		{YUYV, 0, image.Pt(640, 480), false},
		{YUYV, 641 * 480 * 2, image.Pt(641, 480), false},
		{NV21, 100, image.Pt(0, 0), false},
	} {
		if _, err := NewPacked(tt.f, make([]byte, tt.n), tt.size); (err == nil) != tt.ok || err != nil && !errors.As(err, &format) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	p := &Packed{Format: YUYV, Data: make([]byte, 64*64*2), Stride: 1000, Size: image.Pt(64, 64)}
	if p.check() == nil {
		t.Error("rows that lie beyond the data are taken")
	}
	if _, err := checkImage((*Packed)(nil)); err == nil {
		t.Error("no picture is taken")
	}
}
