package i420

import (
	"bytes"
	"errors"
	"image"
	"testing"
)

// picture returns one whose rows are wider than it is, inside of a larger one, with
// samples that all differ from their neighbours.
func picture(at, size image.Point) *image.YCbCr {
	large := image.NewYCbCr(image.Rectangle{Max: at.Add(size).Add(image.Pt(6, 4))}, image.YCbCrSubsampleRatio420)
	for i, plane := range [][]byte{large.Y, large.Cb, large.Cr} {
		for j := range plane {
			plane[j] = byte(j*7 + i*50)
		}
	}
	return large.SubImage(image.Rectangle{at, at.Add(size)}).(*image.YCbCr)
}

// TestEven: every sample is where it was, and an odd side's last column and row are there
// twice.
func TestEven(t *testing.T) {
	for _, size := range []image.Point{{16, 8}, {15, 8}, {16, 7}, {1, 1}, {33, 17}} {
		src := picture(image.Pt(2, 4), size)
		if err := Check(src); err != nil {
			t.Fatal(err)
		}
		var dst image.YCbCr
		Even(&dst, src)
		if !IsEven(&dst) || Check(&dst) != nil || IsEven(src) {
			t.Errorf("%v: %v with strides %d, %d", size, dst.Rect, dst.YStride, dst.CStride)
		}
		for y := range dst.Rect.Dy() {
			for x := range dst.Rect.Dx() {
				sx, sy := min(x, size.X-1)+2, min(y, size.Y-1)+4
				if dst.Y[dst.YOffset(x, y)] != src.Y[src.YOffset(sx, sy)] || dst.Cb[dst.COffset(x, y)] != src.Cb[src.COffset(sx, sy)] ||
					dst.Cr[dst.COffset(x, y)] != src.Cr[src.COffset(sx, sy)] {
					t.Fatalf("%v: sample %d,%d is another one", size, x, y)
				}
			}
		}
		before := &dst.Y[0]
		if Even(&dst, src); &dst.Y[0] != before {
			t.Errorf("%v: new memory for the same size", size)
		}
	}
}

// TestRows: all samples of all planes, once and in order, whatever the strides.
func TestRows(t *testing.T) {
	src := picture(image.Pt(2, 4), image.Pt(15, 9))
	var tight image.YCbCr
	Even(&tight, src)
	for _, pic := range []*image.YCbCr{src, &tight} {
		for i, p := range Planes(pic) {
			var got, want []byte
			if err := p.Rows(func(row []byte) error { got = append(got, row...); return nil }); err != nil {
				t.Fatal(err)
			}
			for y := range p.Size.Y {
				want = append(want, p.Samples[y*p.Stride:][:p.Size.X]...)
			}
			if !bytes.Equal(got, want) || len(got) != p.Size.X*p.Size.Y {
				t.Errorf("plane %d: %d samples of %d", i, len(got), len(want))
			}
		}
	}
	fails := errors.New("full")
	if err := Planes(src)[0].Rows(func([]byte) error { return fails }); !errors.Is(err, fails) {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	short := func(change func(*image.YCbCr)) *image.YCbCr {
		p := image.NewYCbCr(image.Rect(0, 0, 16, 8), image.YCbCrSubsampleRatio420)
		change(p)
		return p
	}
	for name, p := range map[string]*image.YCbCr{
		"none": nil, "empty": {}, "4:2:2": image.NewYCbCr(image.Rect(0, 0, 4, 4), image.YCbCrSubsampleRatio422),
		"luma":   short(func(p *image.YCbCr) { p.Y = p.Y[:100] }),
		"chroma": short(func(p *image.YCbCr) { p.Cr = p.Cr[:31] }),
		"stride": short(func(p *image.YCbCr) { p.YStride = 8 }),
		"place":  short(func(p *image.YCbCr) { p.Rect = image.Rect(0, 0, 16, 9) }),
	} {
		if err := Check(p); !errors.Is(err, ErrPicture) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Check(short(func(*image.YCbCr) {})); err != nil {
		t.Error(err)
	}
}
