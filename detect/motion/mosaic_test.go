package motion

import (
	"image"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// turning is a world that a camera sees which turns, zooms and shakes, and in which
// somebody walks.
type turning struct {
	world          []uint8
	w, h           int // of the world
	far            []uint8
	size           image.Point // of pictures
	pan, zoom      float64     // how much
	zoomIn         float64     // factor from picture to picture
	walks          bool
	walker         detect.Box // in the newest picture
	rng            *rand.Rand
	light          float64
	goesOn         float64 // how far near things move past far ones, in pixels a picture
	stands, begins int     // the walker stands from one picture on, and comes in another
}

func newTurning(seed uint64) *turning {
	rng := rand.New(rand.NewPCG(seed, 1))
	s := &turning{w: 1200, h: 900, size: image.Pt(480, 320), pan: 1, zoom: 0.15, zoomIn: 1, walks: true, rng: rng, light: 1, stands: 1 << 30}
	for _, p := range []*[]uint8{&s.world, &s.far} {
		*p = blocks(s.w, s.h, rng)
		for i := range *p { // nothing is quite black or white
			(*p)[i] = 40 + (*p)[i]/2
		}
	}
	return s
}

// pose leads from the world to picture n.
func (s *turning) pose(n int) Similarity {
	k := float64(n)
	turn := cmplx.Rect(math.Pow(s.zoomIn, k)*(1+s.zoom*math.Sin(k/19)), 0.03*math.Sin(k/23)*s.pan)
	look := complex(float64(s.w)/2+s.pan*(100*math.Sin(k/31)+2*math.Sin(1.7*k)), float64(s.h)/2+s.pan*(60*math.Sin(k/41)+2*math.Sin(2.3*k)))
	return Similarity{turn, complex(float64(s.size.X)/2, float64(s.size.Y)/2) - turn*look}
}

// frame returns picture n.
func (s *turning) frame(n int) *image.YCbCr {
	pic := image.NewYCbCr(image.Rectangle{Max: s.size}, image.YCbCrSubsampleRatio420)
	back := s.pose(n).Inverse()
	step := min(n, s.stands)
	x, y := float64(s.w)/2-260+4*float64(step), float64(s.h)/2-40
	if n < s.begins {
		x = -1000 // not there yet
	}
	s.walker = s.pose(n).Box(detect.Box{X0: float32(x), Y0: float32(y), X1: float32(x) + 30, Y1: float32(y) + 80})
	for r := range s.size.Y {
		for c := range s.size.X {
			z := back.Turn*complex(float64(c)+0.5, float64(r)+0.5) + back.Shift
			v := s.at(s.world, z)
			if s.goesOn != 0 && int(real(z)/40)%2 == 0 {
				v = s.at(s.far, z+complex(s.goesOn*float64(n), 0))
			}
			if s.walks && real(z) >= x && real(z) < x+30 && imag(z) >= y && imag(z) < y+80 {
				v = 150 + 40*math.Sin(imag(z)-y)
			}
			pic.Y[r*pic.YStride+c] = uint8(min(max(s.light*v+1.5*s.rng.NormFloat64(), 0), 255))
		}
	}
	return pic
}

func (s *turning) at(world []uint8, z complex128) float64 {
	x, y := min(max(real(z)-0.5, 0), float64(s.w-2)), min(max(imag(z)-0.5, 0), float64(s.h-2))
	i, fx, fy := int(y)*s.w+int(x), x-math.Floor(x), y-math.Floor(y)
	top := float64(world[i])*(1-fx) + float64(world[i+1])*fx
	bottom := float64(world[i+s.w])*(1-fx) + float64(world[i+s.w+1])*fx
	return top*(1-fy) + bottom*fy
}

// TestMosaicZoom: a camera that zooms in for long begins mosaics anew, so that every place is
// one that evidence takes.
func TestMosaicZoom(t *testing.T) {
	s := newTurning(4)
	s.size, s.walks, s.zoomIn = image.Pt(320, 200), false, 1.03
	var m Mosaic
	for n := range 90 {
		if !m.Update(time.Duration(n)*40*time.Millisecond, s.frame(n), s.size, 0, 0) {
			continue
		}
		if zoom := cmplx.Abs(m.Pose().Turn); zoom > mosaicZoom || zoom < 1./mosaicZoom {
			t.Fatalf("picture %d has a zoom of %.1f", n, zoom)
		}
	}
	if m.Number() < 2 {
		t.Errorf("%d mosaics", m.Number())
	}
}

// TestMosaicPose: where pictures lie is known to three quarters of a pixel however the camera
// turns.
func TestMosaicPose(t *testing.T) {
	for seed := range uint64(2) {
		s := newTurning(seed)
		full := s.size.Mul(2)
		var m Mosaic
		var pan Pan
		first := s.pose(0)
		for n := range 90 {
			s.light = 1 + 0.2*math.Sin(float64(n)/7)
			pic := s.frame(n)
			dx, dy, _ := pan.Update(pic, full)
			if !m.Update(time.Duration(n)*40*time.Millisecond, pic, full, dx, dy) {
				t.Fatalf("seed %d: picture %d has no place", seed, n)
			}
			if m.Number() != 1 {
				t.Fatalf("seed %d: picture %d is of mosaic %d", seed, n, m.Number())
			}
			want, got := s.pose(n).After(first.Inverse()), m.Pose()
			for _, z := range []complex128{0, 480, 320i, 480 + 320i, 240 + 160i} {
				is, should := got.Turn*z*2+got.Shift, 2*(want.Turn*z+want.Shift)
				if d := cmplx.Abs(is - should); d > 1.5 { // of twice the pixels
					t.Fatalf("seed %d, picture %d: %.2f pixels off at %v (%d keyframes)", seed, n, d/2, z, len(m.keyframes))
				}
			}
		}
		t.Logf("seed %d: %d keyframes", seed, len(m.keyframes))
	}
}

// mosaicPatches plays pictures and returns which share of the walker moves in the later
// ones, and which of the rest.
func mosaicPatches(t *testing.T, s *turning, from, to int) (walker, rest float64, known int) {
	t.Helper()
	var m Mosaic
	var pan Pan
	mask := make([]uint8, s.size.X*s.size.Y)
	var all, moved, other, area float64
	for n := range to {
		pic := s.frame(n)
		dx, dy, _ := pan.Update(pic, s.size)
		if m.Update(time.Duration(n)*40*time.Millisecond, pic, s.size, dx, dy) {
			known++
		}
		m.Observe(time.Duration(n)*40*time.Millisecond, nil)
		if n < from {
			continue
		}
		clear(mask)
		paint(mask, s.size.X, s.size.Y, m.Patches(nil), 1)
		for y := range s.size.Y {
			for x := range s.size.X {
				in := float32(x) >= s.walker.X0 && float32(x) < s.walker.X1 && float32(y) >= s.walker.Y0 && float32(y) < s.walker.Y1
				v := float64(mask[y*s.size.X+x])
				// What is right beside the walker is not counted: patches are of cells.
				near := float32(x) >= s.walker.X0-24 && float32(x) < s.walker.X1+24 && float32(y) >= s.walker.Y0-24 && float32(y) < s.walker.Y1+24
				switch {
				case in:
					all, moved = all+1, moved+v
				case !near:
					area, other = area+1, other+v
				}
			}
		}
	}
	return moved / max(all, 1), other / max(area, 1), known
}

// TestMosaicPatches: somebody who walks before a camera that turns is a patch that moves,
// and the place is not: what the walker alone would leave in it is 0.016.
func TestMosaicPatches(t *testing.T) {
	for seed := range uint64(2) {
		s := newTurning(seed)
		s.begins = 35
		walker, rest, known := mosaicPatches(t, s, 45, 110)
		t.Logf("seed %d: %.3f of the walker and %.4f of the rest move, %d known", seed, walker, rest, known)
		if known != 110 || walker < 0.9 || rest > 0.01 {
			t.Errorf("seed %d: %.3f of the walker and %.4f of the rest move, %d known", seed, walker, rest, known)
		}
	}
}

// TestMosaicGoesOn: a camera that goes on, for which near things move past far ones, is not
// one that turns.
func TestMosaicGoesOn(t *testing.T) {
	s := newTurning(1)
	s.goesOn = 1.5
	_, rest, known := mosaicPatches(t, s, 0, 60)
	if rest > 0.02 {
		t.Errorf("%.3f of the place counts as moving, with %d of 60 pictures known", rest, known)
	}
}

// TestMosaicOddPictures: pictures of any size and content do no harm, and where there is
// nothing to go by no place is known but that of the first picture.
func TestMosaicOddPictures(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var m Mosaic
	at := time.Duration(0)
	for _, size := range []image.Point{{}, {X: 1, Y: 1}, {X: 63, Y: 400}, {X: 64, Y: 64}, {X: 65, Y: 301}, {X: 1921, Y: 1081}, {X: 64, Y: 2000}} {
		for k := range 8 {
			pic := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
			for i := range pic.Y {
				if pic.Y[i] = 100; k%2 == 1 {
					pic.Y[i] = uint8(rng.IntN(256))
				}
			}
			if at += time.Second; k == 5 {
				at = 0
			}
			known := m.Update(at, pic, size.Mul(2), 1e5*float64(k%3), -3)
			if k > 0 && k != 5 && known && m.lost == 0 && len(m.keyframes) > 0 && m.begun != at {
				t.Errorf("%v: picture %d has a place", size, k)
			}
			m.Observe(at, []detect.Object{{Score: 1, Box: detect.Box{X0: -50, Y0: 3, X1: 1e6, Y1: 9}}})
			for _, b := range m.Patches(nil) {
				if !(detect.Box{X1: float32(2 * size.X), Y1: float32(2 * size.Y)}).Contains(b) || b.Empty() {
					t.Errorf("%v: patch %v", size, b)
				}
			}
		}
	}
}

func BenchmarkMosaic(b *testing.B) {
	s := newTurning(1)
	s.size = image.Pt(640, 360)
	var pics []*image.YCbCr
	for n := range 40 {
		pics = append(pics, s.frame(n))
	}
	var m Mosaic
	n := 0
	for b.Loop() {
		at, k := time.Duration(n)*40*time.Millisecond, n%78
		m.Update(at, pics[min(k, 78-k)], image.Pt(1920, 1080), 0, 0)
		m.Observe(at, nil)
		n++
	}
}
