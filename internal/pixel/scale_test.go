package pixel

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"testing"
)

var ratios = []image.YCbCrSubsampleRatio{
	image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio444,
}

// newPicture returns a random picture of the given bounds, cut out of a larger
// one so that its strides are wide and its planes begin inside of a buffer.
func newPicture(rng *rand.Rand, r image.Rectangle, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	whole := image.NewYCbCr(image.Rect(0, 0, r.Max.X+rng.IntN(9), r.Max.Y+rng.IntN(3)), ratio)
	for _, p := range [][]byte{whole.Y, whole.Cb, whole.Cr} {
		for i := range p {
			p[i] = byte(rng.Uint32())
		}
	}
	return whole.SubImage(r).(*image.YCbCr)
}

// guarded returns a tight 4:2:0 picture whose planes lie between guard bytes,
// and a function that says whether a guard was changed.
func guarded(w, h, pad int) (*image.YCbCr, func() bool) {
	cw, ch := (w+1)/2, (h+1)/2
	p := &image.YCbCr{
		YStride: w + pad, CStride: cw + pad,
		Rect: image.Rect(0, 0, w, h), SubsampleRatio: image.YCbCrSubsampleRatio420,
	}
	var checks []func() bool
	plane := func(w, h, stride int) []byte {
		const g = 64
		buf := bytes.Repeat([]byte{0xA5}, g+h*stride+g)
		checks = append(checks, func() bool {
			for i, v := range buf {
				x := (i - g) % stride
				inside := i >= g && i < g+h*stride && x < w
				if !inside && v != 0xA5 {
					return false
				}
			}
			return true
		})
		return buf[g : g+h*stride]
	}
	p.Y, p.Cb, p.Cr = plane(w, h, w+pad), plane(cw, ch, cw+pad), plane(cw, ch, cw+pad)
	return p, func() bool {
		for _, c := range checks {
			if !c() {
				return false
			}
		}
		return true
	}
}

// average returns the mean of one plane over a rectangle in luma pixels of the
// picture, by adding up overlaps: slow, and plainly right.
func average(p []byte, stride, sx, sy int, x0, y0, x1, y1 float64) float64 {
	var sum, area float64
	for y := int(y0) / sy; float64(y*sy) < y1; y++ {
		oy := math.Min(y1, float64((y+1)*sy)) - math.Max(y0, float64(y*sy))
		for x := int(x0) / sx; float64(x*sx) < x1; x++ {
			ox := math.Min(x1, float64((x+1)*sx)) - math.Max(x0, float64(x*sx))
			if ox > 1e-9 && oy > 1e-9 {
				sum += ox * oy * float64(p[y*stride+x])
				area += ox * oy
			}
		}
	}
	return sum / area
}

func TestScaleAreaAverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var s Scaler
	for i := range 400 {
		ratio := ratios[i%3]
		dw, dh := 1+rng.IntN(40), 1+rng.IntN(30)
		tol := 0.501 + 1.0/16 // rounded after columns at 8 bits of fraction, weights of 16 bits
		sw, sh := 2*dw+rng.IntN(5*dw), 2*dh+rng.IntN(5*dh)
		if i%4 == 0 { // whole ratios take the exact kernel
			sw, sh = (1+rng.IntN(8))*dw, (1+rng.IntN(8))*dh
		}
		org := image.Pt(rng.IntN(5), rng.IntN(5))
		src := newPicture(rng, image.Rect(0, 0, sw, sh).Add(org), ratio)
		dst, intact := guarded(dw, dh, rng.IntN(4))
		if err := s.Scale(dst, src); err != nil {
			t.Fatal(err)
		}
		if !intact() {
			t.Fatalf("%v %dx%d -> %dx%d: bytes outside of the picture changed", ratio, sw, sh, dw, dh)
		}
		fx, fy := float64(sw)/float64(dw), float64(sh)/float64(dh)
		check := func(name string, d []byte, dstride, dsub int, p []byte, stride, sx, sy int) {
			t.Helper()
			ox, oy := float64(org.X&(sx-1)), float64(org.Y&(sy-1))
			for y := 0; y*dsub < dh; y++ {
				for x := 0; x*dsub < dw; x++ {
					x0, x1 := float64(x*dsub)*fx, float64(min((x+1)*dsub, dw))*fx
					y0, y1 := float64(y*dsub)*fy, float64(min((y+1)*dsub, dh))*fy
					if x1-x0 < float64(sx) || y1-y0 < float64(sy) {
						continue // enlarged along an axis: another rule
					}
					want := average(p, stride, sx, sy, x0+ox, y0+oy, x1+ox, y1+oy)
					if got := float64(d[y*dstride+x]); math.Abs(got-want) > tol {
						t.Fatalf("%v %dx%d%v -> %dx%d: %s(%d,%d) = %v, area average %v", ratio, sw, sh, org, dw, dh, name, x, y, got, want)
					}
				}
			}
		}
		sx, sy, _ := sub(ratio)
		check("Y", dst.Y, dst.YStride, 1, src.Y, src.YStride, 1, 1)
		check("Cb", dst.Cb, dst.CStride, 2, src.Cb, src.CStride, sx, sy)
		check("Cr", dst.Cr, dst.CStride, 2, src.Cr, src.CStride, sx, sy)
	}
}

// A whole ratio gives the exactly rounded mean: every sum of every box of up
// to 16 samples and of some larger ones.
func TestBoxRoundsExactly(t *testing.T) {
	sizes := []int{18, 24, 25, 32, 36, 49, 64, 96, 121, 127, 128}
	for n := range 16 {
		sizes = append(sizes, n+1)
	}
	for _, n := range sizes {
		for kx := 1; kx <= min(n, maxBoxCols); kx++ {
			if n%kx != 0 || n > 16 && kx != 1 && kx != 6 && kx < n/kx {
				continue // the shape matters to the small boxes' code only
			}
			ky, sums := n/kx, 255*n+1
			src, want := make([]byte, n*sums), make([]byte, sums)
			for sum := range sums {
				for i := range n { // n samples that add up to sum
					src[i/kx*kx*sums+sum*kx+i%kx] = byte((sum + i) / n)
				}
				want[sum] = byte((2*sum + n) / (2 * n))
			}
			for name, f := range map[string]func([]byte, int, []byte, int, int, int, int, int){"box": box, "boxGo": boxGo} {
				got := make([]byte, sums)
				if f(got, sums, src, kx*sums, sums, 1, kx, ky); !bytes.Equal(got, want) {
					t.Fatalf("%s of %dx%d is not exact", name, kx, ky)
				}
			}
		}
	}
}

func TestScaleEnlarges(t *testing.T) {
	src := image.NewYCbCr(image.Rect(0, 0, 2, 1), image.YCbCrSubsampleRatio444)
	copy(src.Y, []byte{0, 200})
	copy(src.Cb, []byte{100, 100})
	copy(src.Cr, []byte{10, 90})
	dst := image.NewYCbCr(image.Rect(0, 0, 8, 2), image.YCbCrSubsampleRatio420)
	var s Scaler
	if err := s.Scale(dst, src); err != nil {
		t.Fatal(err)
	}
	// Centres of the eight samples at 1/8, 3/8 ... of the first source sample.
	want := []byte{0, 0, 25, 75, 125, 175, 200, 200}
	if !bytes.Equal(dst.Y[:8], want) || !bytes.Equal(dst.Y[8:16], want) {
		t.Errorf("Y = %v, want %v twice", dst.Y, want)
	}
	if want := []byte{10, 30, 70, 90}; !bytes.Equal(dst.Cr, want) {
		t.Errorf("Cr = %v, want %v", dst.Cr, want)
	}
	if want := []byte{100, 100, 100, 100}; !bytes.Equal(dst.Cb, want) {
		t.Errorf("Cb = %v, want %v", dst.Cb, want)
	}
}

// A picture of one colour keeps it at any pair of sizes, and the source is only
// read.
func TestScaleKeepsFlatColour(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var s Scaler
	for i := range 500 {
		src := newPicture(rng, image.Rect(0, 0, 1+rng.IntN(70), 1+rng.IntN(70)).Add(image.Pt(rng.IntN(4), rng.IntN(4))), ratios[i%3])
		c := []byte{byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32())}
		for j, p := range [][]byte{src.Y, src.Cb, src.Cr} {
			for k := range p {
				p[k] = c[j]
			}
		}
		before := bytes.Clone(src.Y)
		dst, intact := guarded(1+rng.IntN(70), 1+rng.IntN(70), i%3)
		if err := s.Scale(dst, src); err != nil {
			t.Fatal(err)
		}
		if !intact() || !bytes.Equal(before, src.Y) {
			t.Fatalf("%v -> %v: bytes changed that should not", src.Rect, dst.Rect)
		}
		for y := range dst.Rect.Dy() {
			for x := range dst.Rect.Dx() {
				o := dst.COffset(x, y)
				if got := []byte{dst.Y[dst.YOffset(x, y)], dst.Cb[o], dst.Cr[o]}; !bytes.Equal(got, c) {
					t.Fatalf("%v -> %v at %d,%d: %v, want %v", src.Rect, dst.Rect, x, y, got, c)
				}
			}
		}
	}
}

func TestScaleTwinsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		sn, dn := 1+rng.IntN(900), 1+rng.IntN(900)
		src := make([]byte, 32*1024)
		for i := range src {
			src[i] = byte(rng.Uint32())
		}
		kx, ky := 1+rng.IntN(6), 1+rng.IntN(6)
		dw := 1 + rng.IntN(700)
		a, b := make([]byte, dw*2), make([]byte, dw*2)
		box(a, dw, src, dw*kx+3, dw, 1, kx, ky)
		boxGo(b, dw, src, dw*kx+3, dw, 1, kx, ky)
		if !bytes.Equal(a, b) {
			t.Fatalf("box %d of %dx%d: twins differ", dw, kx, ky)
		}
		var g geometry
		g.set(axis{rng.IntN(2), sn, dn, 2, 2}, axis{0, 7, 5, 1, 1})
		if g.kx > 0 {
			continue
		}
		row := make([]uint32, g.cols())
		a, b = make([]byte, g.nx*g.ny), make([]byte, g.nx*g.ny)
		resample(a, g.nx, src, 600, &g, row)
		resampleGo(b, g.nx, src, 600, &g, row)
		if !bytes.Equal(a, b) {
			t.Fatalf("resample %d -> %d: twins differ", sn, dn)
		}
	}
}

func TestScaleRefuses(t *testing.T) {
	ok := image.NewYCbCr(image.Rect(0, 0, 8, 8), image.YCbCrSubsampleRatio420)
	short := *ok
	short.Cr = short.Cr[:15]
	narrow := *ok
	narrow.YStride = 7
	for name, p := range map[string]*image.YCbCr{
		"nil":        nil,
		"zero":       {},
		"empty":      image.NewYCbCr(image.Rect(3, 3, 3, 9), image.YCbCrSubsampleRatio420),
		"4:1:1":      image.NewYCbCr(image.Rect(0, 0, 8, 8), image.YCbCrSubsampleRatio411),
		"short":      &short,
		"narrow":     &narrow,
		"negative":   {Rect: image.Rect(-1, -1, 7, 7), YStride: 8, CStride: 4, Y: make([]byte, 64), Cb: make([]byte, 16), Cr: make([]byte, 16)},
		"outsidecut": ok.SubImage(image.Rect(20, 20, 30, 30)).(*image.YCbCr),
	} {
		var s Scaler
		if err := s.Scale(ok, p); !errors.Is(err, ErrLayout) {
			t.Errorf("%s as source: %v, want ErrLayout", name, err)
		}
		if err := s.Scale(p, ok); !errors.Is(err, ErrLayout) {
			t.Errorf("%s as destination: %v, want ErrLayout", name, err)
		}
	}
}

func TestScaleDoesNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	src := newPicture(rng, image.Rect(0, 0, 200, 111), ratios[0])
	for _, size := range []image.Point{{100, 55}, {64, 36}, {300, 200}} {
		dst := image.NewYCbCr(image.Rectangle{Max: size}, ratios[0])
		var s Scaler
		if n := testing.AllocsPerRun(20, func() {
			if err := s.Scale(dst, src); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("to %v: %v allocations", size, n)
		}
	}
}

func FuzzScale(f *testing.F) {
	for _, v := range [][8]uint8{{64, 36, 32, 18, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1, 0, 1}, {3, 5, 200, 1, 1, 0, 1, 2}, {255, 2, 3, 3, 0, 1, 2, 0}} {
		f.Add(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7])
	}
	f.Fuzz(func(t *testing.T, sw, sh, dw, dh, ox, oy, ratio, pad uint8) {
		if sw == 0 || sh == 0 || dw == 0 || dh == 0 {
			return
		}
		rng := rand.New(rand.NewPCG(uint64(sw), uint64(sh)))
		src := newPicture(rng, image.Rect(0, 0, int(sw), int(sh)).Add(image.Pt(int(ox%8), int(oy%8))), ratios[ratio%3])
		dst, intact := guarded(int(dw), int(dh), int(pad%8))
		var s Scaler
		if err := s.Scale(dst, src); err != nil {
			t.Fatal(err)
		}
		if !intact() {
			t.Fatal("bytes outside of the picture changed")
		}
		lo, hi := byte(255), byte(0)
		for y := range int(sh) {
			for _, v := range src.Y[y*src.YStride:][:sw] {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
		for y := range int(dh) {
			for _, v := range dst.Y[y*dst.YStride:][:dw] {
				if v < lo || v > hi {
					t.Fatalf("sample %d outside of the source's %d..%d", v, lo, hi)
				}
			}
		}
	})
}

func BenchmarkScale(b *testing.B) {
	rng := rand.New(rand.NewPCG(9, 9))
	for _, c := range []struct{ src, dst image.Point }{
		{image.Pt(1920, 1080), image.Pt(640, 360)},
		{image.Pt(1280, 720), image.Pt(640, 360)},
		{image.Pt(2560, 1440), image.Pt(640, 360)},
		{image.Pt(3840, 2160), image.Pt(640, 360)},
		{image.Pt(1920, 1088), image.Pt(640, 362)},
		{image.Pt(2304, 1296), image.Pt(640, 360)},
		{image.Pt(320, 240), image.Pt(512, 384)},
	} {
		src := newPicture(rng, image.Rectangle{Max: c.src}, ratios[0])
		dst := image.NewYCbCr(image.Rectangle{Max: c.dst}, ratios[0])
		b.Run(fmt.Sprintf("%dx%d-%dx%d", c.src.X, c.src.Y, c.dst.X, c.dst.Y), func(b *testing.B) {
			var s Scaler
			b.SetBytes(int64(c.src.X * c.src.Y * 3 / 2))
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Scale(dst, src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
