package mediadev

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"github.com/hedgecam/hedge/pipeline"
)

var ratios = []image.YCbCrSubsampleRatio{
	image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
	image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
}

// noise returns a picture of random samples cut out of a larger one, so that its
// strides are wide and its bytes are neighboured by others.
func noise(r image.Rectangle, ratio image.YCbCrSubsampleRatio, seed uint64) *image.YCbCr {
	p := image.NewYCbCr(r.Inset(-8), ratio)
	rnd := rand.New(rand.NewPCG(seed, 7))
	for _, plane := range [][]byte{p.Y, p.Cb, p.Cr} {
		for i := range plane {
			plane[i] = uint8(rnd.Uint32())
		}
	}
	return p.SubImage(r).(*image.YCbCr)
}

// TestTo420 holds every subsampling, origin and odd size against the definition:
// luma as it is, chroma the mean of what its pixels have.
func TestTo420(t *testing.T) {
	for _, ratio := range ratios {
		for _, size := range []image.Point{{1, 1}, {2, 2}, {3, 5}, {16, 16}, {17, 31}, {64, 3}, {37, 22}} {
			for _, origin := range []image.Point{{0, 0}, {16, 16}, {17, 16}, {16, 17}, {19, 21}} {
				for _, full := range []bool{false, true} {
					src := noise(image.Rectangle{origin, origin.Add(size)}, ratio, 1)
					dst := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
					to420(dst, src, full)
					if err := is420Of(dst, src, full); err != nil {
						t.Fatalf("%v, %v at %v, full range %t: %v", ratio, size, origin, full, err)
					}
				}
			}
		}
	}
}

// FuzzTo420: any size, origin, subsampling and content, against the definition.
func FuzzTo420(f *testing.F) {
	for i := range ratios {
		f.Add(uint8(i), uint8(17), uint8(31), uint8(3), uint8(i), uint64(1), i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, ratio, w, h, x, y uint8, seed uint64, full bool) {
		size, origin := image.Pt(1+int(w), 1+int(h)), image.Pt(16+int(x)%32, 16+int(y)%32)
		src := noise(image.Rectangle{origin, origin.Add(size)}, ratios[int(ratio)%len(ratios)], seed)
		dst := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		to420(dst, src, full)
		if err := is420Of(dst, src, full); err != nil {
			t.Fatalf("%v, %v at %v, full range %t: %v", src.SubsampleRatio, size, origin, full, err)
		}
	})
}

// is420Of compares with a plain pixel-by-pixel conversion.
func is420Of(dst, src *image.YCbCr, full bool) error {
	luma := func(v int) int { return v }
	chroma := luma
	if full {
		luma = func(v int) int { return (2*219*v + 2*16*255 + 255) / 510 }
		chroma = func(v int) int { return (2*224*(v-128) + 2*128*255 + 255) / 510 }
	}
	r := src.Rect
	at := func(x, y int) color.YCbCr {
		return src.YCbCrAt(min(x, r.Max.X-1), min(y, r.Max.Y-1))
	}
	for y := range r.Dy() {
		for x := range r.Dx() {
			got := dst.YCbCrAt(x, y)
			if want := luma(int(at(r.Min.X+x, r.Min.Y+y).Y)); int(got.Y) != want {
				return fmt.Errorf("luma at %d,%d is %d, want %d", x, y, got.Y, want)
			}
			var cb, cr int
			for i := range 4 {
				c := at(r.Min.X+x/2*2+i%2, r.Min.Y+y/2*2+i/2)
				cb, cr = cb+int(c.Cb), cr+int(c.Cr)
			}
			if cb, cr = chroma((cb+2)/4), chroma((cr+2)/4); int(got.Cb) != cb || int(got.Cr) != cr {
				return fmt.Errorf("chroma at %d,%d is %d %d, want %d %d", x, y, got.Cb, got.Cr, cb, cr)
			}
		}
	}
	return nil
}

// TestLimit tries every sample in the eightfold and the single path.
func TestLimit(t *testing.T) {
	all := make([]byte, 256+7)
	for i := range all {
		all[i] = uint8(i)
	}
	for _, tt := range []struct {
		gain, offset int
		want         func(v float64) float64
	}{
		{219, 16 * 255, func(v float64) float64 { return 16 + 219*v/255 }},
		{224, 128*255 - 128*224, func(v float64) float64 { return 128 + 224*(v-128)/255 }},
	} {
		for from := range 7 {
			got, twin := bytes.Clone(all[from:]), bytes.Clone(all[from:])
			limit(got, tt.gain, tt.offset)
			limitGo(twin, tt.gain, tt.offset)
			if !bytes.Equal(got, twin) {
				t.Errorf("gain %d, from %d: C and Go differ", tt.gain, from)
			}
			for i, v := range got {
				want := tt.want(float64(uint8(i + from)))
				if d := float64(v) - want; d > 0.5 || d < -0.5 {
					t.Errorf("gain %d: %d becomes %d, want %.2f", tt.gain, uint8(i+from), v, want)
				}
			}
		}
	}
}

// TestKernels: C and Go agree, and neither writes beside the plane.
func TestKernels(t *testing.T) {
	type kernel = func(dst []byte, dstStride int, src []byte, srcStride, w, h int)
	for name, k := range map[string]struct{ c, g kernel }{
		"halveRows": {halveRows, halveRowsGo},
		"halveBoth": {halveBoth, halveBothGo},
	} {
		for w := 1; w < 70; w += 3 {
			for h := 1; h < 6; h++ {
				src := noise(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio444, uint64(w))
				out := [2][]byte{bytes.Repeat([]byte{0xa5}, 80*5), bytes.Repeat([]byte{0xa5}, 80*5)}
				k.c(out[0][80:], 80, src.Y, src.YStride, w, h)
				k.g(out[1][80:], 80, src.Y, src.YStride, w, h)
				if !bytes.Equal(out[0], out[1]) {
					t.Fatalf("%s %dx%d: C and Go differ", name, w, h)
				}
				width := w
				if name == "halveBoth" {
					width = (w + 1) / 2
				}
				for i, v := range out[0] {
					if x, y := i%80, i/80-1; v != 0xa5 && (x >= width || y < 0 || y >= (h+1)/2) {
						t.Fatalf("%s %dx%d: wrote at %d,%d", name, w, h, x, y)
					}
				}
			}
		}
	}
}

func TestCheckPicture(t *testing.T) {
	whole := func() *image.YCbCr { return image.NewYCbCr(image.Rect(0, 0, 5, 3), image.YCbCrSubsampleRatio420) }
	damaged := func(change func(*image.YCbCr)) *image.YCbCr {
		p := whole()
		change(p)
		return p
	}
	for name, tt := range map[string]struct {
		img    image.Image
		format bool // *FormatError, otherwise pipeline.ErrPicture
	}{
		"none":             {nil, false},
		"nil picture":      {(*image.YCbCr)(nil), false},
		"zero":             {&image.YCbCr{}, false},
		"short luma":       {damaged(func(p *image.YCbCr) { p.Y = p.Y[:14] }), false},
		"short Cb":         {damaged(func(p *image.YCbCr) { p.Cb = p.Cb[:5] }), false},
		"short Cr":         {damaged(func(p *image.YCbCr) { p.Cr = nil }), false},
		"narrow stride":    {damaged(func(p *image.YCbCr) { p.YStride = 4 }), false},
		"narrow chroma":    {damaged(func(p *image.YCbCr) { p.CStride = 2 }), false},
		"negative stride":  {damaged(func(p *image.YCbCr) { p.CStride = -3 }), false},
		"RGBA":             {image.NewRGBA(image.Rect(0, 0, 4, 4)), true},
		"Gray16":           {image.NewGray16(image.Rect(0, 0, 4, 4)), true},
		"unknown sampling": {damaged(func(p *image.YCbCr) { p.SubsampleRatio = 77 }), true},
		"huge":             {damaged(func(p *image.YCbCr) { p.Rect.Max.X = 1 << 20 }), true},
	} {
		_, err := checkPicture(tt.img)
		var format *FormatError
		if errors.As(err, &format) != tt.format || errors.Is(err, pipeline.ErrPicture) == tt.format {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, ratio := range ratios {
		for _, size := range []image.Point{{1, 1}, {5, 3}, {16, 16}, {33, 7}} {
			tight := image.NewYCbCr(image.Rectangle{Max: size}, ratio)
			if _, err := checkPicture(tight); err != nil {
				t.Errorf("%v %v: %v", ratio, size, err)
			}
		}
	}
}

// BenchmarkTo420 is what taking a 1080p picture costs, beside a plain copy.
func BenchmarkTo420(b *testing.B) {
	r := image.Rect(0, 0, 1920, 1080)
	dst := image.NewYCbCr(r, image.YCbCrSubsampleRatio420)
	b.Run("memcpy", func(b *testing.B) {
		src := make([]byte, 1920*1080*3/2)
		to := make([]byte, len(src))
		b.SetBytes(int64(len(src)))
		for range b.N {
			copy(to, src)
		}
	})
	for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio444} {
		for _, full := range []bool{false, true} {
			b.Run(fmt.Sprintf("%v/full=%t", ratio, full), func(b *testing.B) {
				src := image.NewYCbCr(r, ratio)
				b.ReportAllocs()
				b.SetBytes(1920 * 1080 * 3 / 2)
				for range b.N {
					to420(dst, src, full)
				}
			})
		}
	}
}
