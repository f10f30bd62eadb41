package pixel

import (
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"testing"
)

func TestFillBGR(t *testing.T) {
	limited := func(y, u, v float64) (b, g, r float64) {
		y, u, v = (y-16)*255/219, (u-128)*255/224, (v-128)*255/224
		return y + 1.772*u, y - 0.344136*u - 0.714136*v, y + 1.402*v
	}
	full := func(y, u, v float64) (b, g, r float64) {
		return y + 1.772*(u-128), y - 0.344136*(u-128) - 0.714136*(v-128), y + 1.402*(v-128)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 200 {
		org := image.Pt(rng.IntN(4), rng.IntN(4))
		pic := newPicture(rng, image.Rect(0, 0, 1+rng.IntN(1100), 1+rng.IntN(9)).Add(org), ratios[0])
		at := image.Pt(rng.IntN(3), rng.IntN(3))
		w, h := pic.Rect.Dx()+at.X+rng.IntN(3), pic.Rect.Dy()+at.Y+rng.IntN(3)
		const guard = -7
		buf := make([]float32, 3*w*h+16)
		for j := range buf {
			buf[j] = guard
		}
		f := limited
		if i%2 == 1 {
			f = full
		}
		if err := FillBGR(buf[8:8+3*w*h], w, h, pic, at, i%2 == 1); err != nil {
			t.Fatal(err)
		}
		twin := make([]float32, 3*w*h)
		k := [2]*[6]int32{&limitedRange, &fullRange}[i%2]
		o := at.Y*w + at.X
		fillGo(twin[o:], twin[w*h+o:], twin[2*w*h+o:], w, pic.Y, pic.YStride, pic.Cb, pic.Cr, pic.CStride,
			pic.Rect.Dx(), pic.Rect.Dy(), org.X&1, org.Y&1, k)
		for j, v := range buf {
			if (j < 8 || j >= 8+3*w*h) && v != guard {
				t.Fatalf("guard %d changed", j)
			}
		}
		for y := range h {
			for x := range w {
				p := image.Pt(x, y).Sub(at).Add(pic.Rect.Min)
				got := [3]float32{buf[8+y*w+x], buf[8+w*h+y*w+x], buf[8+2*w*h+y*w+x]}
				if !p.In(pic.Rect) {
					if got != [3]float32{guard, guard, guard} {
						t.Fatalf("%v outside of the picture written", p)
					}
					continue
				}
				if tw := [3]float32{twin[y*w+x], twin[w*h+y*w+x], twin[2*w*h+y*w+x]}; tw != got {
					t.Fatalf("%v: twins differ: %v, plain Go %v", p, got, tw)
				}
				c := pic.YCbCrAt(p.X, p.Y)
				b, g, r := f(float64(c.Y), float64(c.Cb), float64(c.Cr))
				for n, want := range [3]float64{b, g, r} {
					want = math.Min(math.Max(want, 0), 255)
					if math.Abs(want-float64(got[n])) > 0.03 {
						t.Fatalf("%v plane %d: %v, want %v", p, n, got[n], want)
					}
				}
			}
		}
	}
}

func TestFillBGRRefuses(t *testing.T) {
	p := image.NewYCbCr(image.Rect(0, 0, 4, 4), image.YCbCrSubsampleRatio422)
	if err := FillBGR(make([]float32, 48), 4, 4, p, image.Point{}, false); !errors.Is(err, ErrLayout) {
		t.Errorf("4:2:2: %v", err)
	}
	p = image.NewYCbCr(image.Rect(0, 0, 4, 4), image.YCbCrSubsampleRatio420)
	defer func() {
		if recover() == nil {
			t.Error("no panic for a picture that does not fit")
		}
	}()
	_ = FillBGR(make([]float32, 48), 4, 4, p, image.Pt(1, 0), false) // panics
}

// BenchmarkPrepare is the cost of one frame's inputs: the small picture and the
// tensor that the networks share; beside it a copy of the frame, and what three
// tensors of their own would cost.
func BenchmarkPrepare(b *testing.B) {
	rng := rand.New(rand.NewPCG(9, 9))
	src := newPicture(rng, image.Rect(0, 0, 1920, 1080), ratios[0])
	frame := make([]byte, 1920*1080*3/2)
	other := make([]byte, len(frame))
	small := image.NewYCbCr(image.Rect(0, 0, 640, 360), ratios[0])
	var tensors [3][]float32
	for i := range tensors {
		tensors[i] = make([]float32, 3*640*384)
	}
	var s Scaler
	prepare := func(n int) func(b *testing.B) {
		return func(b *testing.B) {
			b.SetBytes(int64(len(frame)))
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Scale(small, src); err != nil {
					b.Fatal(err)
				}
				for _, t := range tensors[:n] {
					if err := FillBGR(t, 640, 384, small, image.Point{}, false); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
	}
	b.Run("1080p/memcpy", func(b *testing.B) {
		b.SetBytes(int64(len(frame)))
		for b.Loop() {
			copy(other, frame)
		}
	})
	b.Run("1080p/small", prepare(0))
	b.Run("1080p/shared", prepare(1))
	b.Run("1080p/three", prepare(3))
}
