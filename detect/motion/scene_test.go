package motion

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

const sceneW, sceneH = 640, 360

// scene draws a street: sky, a wall with windows, a road, a patch of fine
// texture; then what a test puts over it.
type scene struct {
	rnd   *rand.Rand
	base  []float32 // light, 0..219 above black
	light []float32 // the picture being drawn
	noise []float32
	pic   *image.YCbCr
}

func newScene(seed uint64) *scene {
	s := &scene{rnd: rand.New(rand.NewPCG(seed, 7)), base: make([]float32, sceneW*sceneH), light: make([]float32, sceneW*sceneH),
		noise: make([]float32, 1<<20), pic: image.NewYCbCr(image.Rect(0, 0, sceneW, sceneH), image.YCbCrSubsampleRatio420)}
	for i := range s.noise {
		s.noise[i] = float32(s.rnd.NormFloat64())
	}
	for y := range sceneH {
		for x := range sceneW {
			v := float32(170)
			switch {
			case y > 220:
				v = 90 + float32(y-220)/8
			case y > 80:
				v = 120
				if x/40%2 == 1 && y/35%2 == 1 {
					v = 45
				}
			}
			s.base[y*sceneW+x] = v
		}
	}
	for range 250 {
		x0, y0, w, h, v := s.rnd.IntN(sceneW), 80+s.rnd.IntN(sceneH-80), 3+s.rnd.IntN(20), 3+s.rnd.IntN(20), float32(s.rnd.NormFloat64()*18)
		for y := y0; y < min(y0+h, sceneH); y++ {
			for x := x0; x < min(x0+w, sceneW); x++ {
				s.base[y*sceneW+x] = min(max(s.base[y*sceneW+x]+v, 4), 215)
			}
		}
	}
	return s
}

// start begins a picture with the bare scene.
func (s *scene) start() { copy(s.light, s.base) }

// gain multiplies the light by what f says for a place.
func (s *scene) gain(f func(x, y int) float64) {
	for y := range sceneH {
		for x := range sceneW {
			s.light[y*sceneW+x] *= float32(f(x, y))
		}
	}
}

// rect draws a rectangle of one value, its parts outside left out.
func (s *scene) rect(x0, y0, w, h int, v float32) {
	for y := max(y0, 0); y < min(y0+h, sceneH); y++ {
		for x := max(x0, 0); x < min(x0+w, sceneW); x++ {
			s.light[y*sceneW+x] = v
		}
	}
}

// walker draws a person of 20x56 pixels in dark trousers and a bright coat and
// returns the box.
func (s *scene) walker(x, y int) detect.Box {
	s.rect(x+6, y, 8, 10, 130)
	s.rect(x+2, y+10, 16, 22, 190)
	s.rect(x+4, y+32, 5, 24, 30)
	s.rect(x+11, y+32, 5, 24, 35)
	return detect.Box{X0: float32(x), Y0: float32(y), X1: float32(x + 20), Y1: float32(y + 56)}
}

// finish adds sensor noise and rounds to limited range.
func (s *scene) finish(sigma float32) *image.YCbCr {
	// A prime length keeps the noise of two pictures from lining up.
	const prime = 1048573
	o := s.rnd.IntN(prime)
	for i, v := range s.light {
		if o++; o >= prime {
			o = 0
		}
		s.pic.Y[i] = uint8(min(max(int32(v+16+sigma*s.noise[o]+0.5), 1), 254)) // those of floats take ten times as long
	}
	return s.pic
}

// effect changes the picture of frame n after start; person says where the
// walker is if there is one, drawn before the light changes.
type effect struct {
	name  string
	sigma float32
	draw  func(s *scene, n int)
	after func(s *scene, n int)
	limit outcome // zero for that of a quiet scene
}

func effects() []effect {
	sec := func(n int) float64 { return float64(n) / 30 }
	return []effect{
		{name: "clean", sigma: 1},
		{name: "noise 5", sigma: 5},
		{name: "dark, noise 9", sigma: 9, after: func(s *scene, n int) { s.gain(func(int, int) float64 { return 0.3 }) }},
		{name: "noise rises 2 to 10", sigma: 2, after: func(s *scene, n int) {
			if n > 150 {
				for i := range s.light {
					s.light[i] += 10 * s.noise[(i+n*7919)%len(s.noise)]
				}
			}
		}},
		{name: "exposure step", sigma: 2, limit: outcome{hidden: 0.003, static: 0.85, seen: 0.97, first: 2}, after: func(s *scene, n int) {
			if n/60%2 == 1 {
				s.gain(func(int, int) float64 { return 1.35 })
			}
		}},
		{name: "exposure drift", sigma: 2, after: func(s *scene, n int) {
			g := 0.8 + 0.4*math.Abs(math.Mod(sec(n), 4)/2-1)
			s.gain(func(int, int) float64 { return g })
		}},
		{name: "50 Hz flicker", sigma: 2, after: func(s *scene, n int) {
			// Light at 100 Hz, a rolling shutter of 25 ms.
			s.gain(func(_, y int) float64 {
				return 1 + 0.12*math.Sin(2*math.Pi*100*(sec(n)*1.003+0.025*float64(y)/sceneH))
			})
		}},
		{name: "head-lights", sigma: 2, after: func(s *scene, n int) {
			cx := math.Mod(float64(n)*9, 1000) - 180
			s.gain(func(x, y int) float64 {
				dx, dy := (float64(x)-cx)/90, (float64(y)-210)/55
				return 1 + 1.2*math.Exp(-dx*dx-dy*dy)
			})
		}},
		{name: "slow sun", sigma: 2, after: func(s *scene, n int) {
			// A soft shadow edge creeps over the picture, 40 pixels a minute.
			edge := 200 + sec(n)*40/60
			s.gain(func(x, y int) float64 { return 1 - 0.45/(1+math.Exp((float64(x)+0.4*float64(y)-edge)/5)) })
		}},
		{name: "rain", sigma: 2, limit: outcome{hidden: 0.03, seen: 0.95, first: 3}, after: func(s *scene, n int) {
			for range 350 {
				x, y, l := s.rnd.IntN(sceneW), s.rnd.IntN(sceneH), 8+s.rnd.IntN(20)
				for j := range l {
					if y+j < sceneH {
						i := (y+j)*sceneW + min(x+j/6, sceneW-1)
						s.light[i] += (200 - s.light[i]) * 0.4
					}
				}
			}
		}},
		{name: "snow", sigma: 2, limit: outcome{hidden: 0.03, seen: 0.95, first: 3}, after: func(s *scene, n int) {
			for range 150 {
				r := 1 + s.rnd.IntN(2)
				x0, y0 := s.rnd.IntN(sceneW), s.rnd.IntN(sceneH)
				for y := y0; y < min(y0+2*r, sceneH); y++ {
					for x := x0; x < min(x0+2*r, sceneW); x++ {
						s.light[y*sceneW+x] = 205
					}
				}
			}
		}},
		{name: "compression", sigma: 0, after: func(s *scene, n int) {
			// Blocks of 8x8 err by up to 3, anew at each key picture and in a third
			// of the blocks between.
			for by := 0; by < sceneH; by += 8 {
				for bx := 0; bx < sceneW; bx += 8 {
					r := rand.New(rand.NewPCG(uint64(by*sceneW+bx), uint64(n/30)))
					dc, ax, ay := r.Float32()*6-3, r.Float32()*3-1.5, r.Float32()*3-1.5
					if s.rnd.IntN(3) == 0 {
						dc += s.rnd.Float32()*2 - 1
					}
					for y := by; y < min(by+8, sceneH); y++ {
						for x := bx; x < min(bx+8, sceneW); x++ {
							s.light[y*sceneW+x] += dc + ax*float32((x-bx)/2%2*2-1) + ay*float32((y-by)/2%2*2-1)
						}
					}
				}
			}
		}},
		{name: "leaves", sigma: 2, limit: outcome{hidden: 0.006, static: 0.3, seen: 0.97, first: 2}, draw: func(s *scene, n int) { s.leaves(n, 1) }},
	}
}

// leaves draws a bush of 120x110 pixels that waves by up to some pixels.
func (s *scene) leaves(n int, wind float64) {
	t := float64(n) / 30
	for j := range 260 {
		// The places come from a small hash, so that each leaf keeps its own.
		hx, hy, hv := (j*7919)%113, (j*104729)%103, (j*31337)%97
		sway := wind * (5*math.Sin(2*math.Pi*0.7*t+float64(hx)/40) + 3*math.Sin(2*math.Pi*2.3*t+float64(j)))
		s.rect(470+hx+int(sway), 90+hy+int(sway/2), 7, 5, float32(25+hv))
	}
}

func at(n int) time.Duration { return time.Duration(n) * time.Second / 30 }

var sceneBox = detect.Box{X1: sceneW, Y1: sceneH}

// long leaves a test that takes seconds in one goroutine to the run without -short,
// and so without the race detector, which has nothing to find in it.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("long: runs without -short, and so without the race detector")
	}
}
