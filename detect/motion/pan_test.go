package motion

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"
)

// view is the part of a large world picture that a camera at (x, y) sees, with
// noise.
func view(world []uint8, stride, x, y, w, h int, gain float64, rng *rand.Rand) *image.YCbCr {
	pic := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for r := range h {
		for c := range w {
			v := gain*float64(world[(y+r)*stride+x+c]) + 2*rng.NormFloat64()
			pic.Y[r*pic.YStride+c] = uint8(min(max(v, 0), 255))
		}
	}
	return pic
}

// blocks makes a world of rectangles.
func blocks(w, h int, rng *rand.Rand) []uint8 {
	world := make([]uint8, w*h)
	for range 400 {
		x, y, v := rng.IntN(w), rng.IntN(h), uint8(rng.IntN(256))
		for r := y; r < min(y+8+rng.IntN(60), h); r++ {
			for c := x; c < min(x+8+rng.IntN(60), w); c++ {
				world[r*w+c] = v
			}
		}
	}
	return world
}

func TestPan(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const ww, wh, w, h = 600, 500, 320, 180
	world := blocks(ww, wh, rng)
	for range 50 {
		x, y := 100+rng.IntN(100), 100+rng.IntN(100)
		dx, dy := rng.IntN(61)-30, rng.IntN(31)-15
		gain := 0.7 + 0.6*rng.Float64()
		var p Pan
		if _, _, ok := p.Update(view(world, ww, x, y, w, h, 1, rng), image.Pt(3*w, 3*h)); ok {
			t.Fatal("a shift before there are two pictures")
		}
		// The camera goes one way, the content the other.
		sx, sy, ok := p.Update(view(world, ww, x-dx, y-dy, w, h, gain, rng), image.Pt(3*w, 3*h))
		if !ok {
			t.Errorf("shift %d,%d not seen", dx, dy)
			continue
		}
		if math.Abs(sx-float64(3*dx)) > 3 || math.Abs(sy-float64(3*dy)) > 3 {
			t.Errorf("shift %.1f,%.1f, want %d,%d", sx, sy, 3*dx, 3*dy)
		}
	}
}

func TestPanIsNotSure(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	flat := make([]uint8, 400*300)
	var p Pan
	p.Update(view(flat, 400, 0, 0, 320, 180, 1, rng), image.Pt(320, 180))
	if dx, dy, ok := p.Update(view(flat, 400, 20, 20, 320, 180, 1, rng), image.Pt(320, 180)); ok {
		t.Errorf("a picture of noise moved by %v,%v", dx, dy)
	}
	a, b := blocks(400, 300, rng), blocks(400, 300, rng)
	p.Update(view(a, 400, 0, 0, 320, 180, 1, rng), image.Pt(320, 180))
	if dx, dy, ok := p.Update(view(b, 400, 0, 0, 320, 180, 1, rng), image.Pt(320, 180)); ok {
		t.Errorf("another picture counts as moved by %v,%v", dx, dy)
	}
	for _, size := range []image.Point{{X: 1, Y: 1}, {X: 15, Y: 300}, {X: 16, Y: 16}, {X: 33, Y: 17}} {
		for range 3 {
			p.Update(view(a, 400, 0, 0, size.X, size.Y, 1, rng), size)
		}
	}
}

func TestPanDoesNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	pic := view(blocks(640, 360, rng), 640, 0, 0, 640, 360, 1, rng)
	var p Pan
	p.Update(pic, pic.Rect.Size())
	p.Update(pic, pic.Rect.Size())
	if n := testing.AllocsPerRun(10, func() { p.Update(pic, pic.Rect.Size()) }); n != 0 {
		t.Errorf("%v allocations a picture", n)
	}
}

func BenchmarkPan(b *testing.B) {
	rng := rand.New(rand.NewPCG(7, 8))
	pic := view(blocks(640, 360, rng), 640, 0, 0, 640, 360, 1, rng)
	var p Pan
	b.ReportAllocs()
	for b.Loop() {
		p.Update(pic, pic.Rect.Size())
	}
}
