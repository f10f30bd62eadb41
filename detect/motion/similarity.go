package motion

import (
	"math"
	"math/cmplx"

	"github.com/hedgecam/hedge/detect"
)

// Similarity is a movement of the plane that keeps shapes: it takes a point x + iy to
// Turn*(x + iy) + Shift. Turn's absolute value is the zoom, and its argument the angle.
type Similarity struct{ Turn, Shift complex128 }

// Unmoved leaves every point where it is.
var Unmoved = Similarity{Turn: 1}

// After returns the movement s after the movement t.
func (s Similarity) After(t Similarity) Similarity {
	return Similarity{s.Turn * t.Turn, s.Turn*t.Shift + s.Shift}
}

// Inverse returns the movement that takes everything back.
func (s Similarity) Inverse() Similarity {
	return Similarity{1 / s.Turn, -s.Shift / s.Turn}
}

// Sane reports whether s is one that a camera can make: finite, and a zoom of at most
// 16 either way.
func (s Similarity) Sane() bool {
	const most, far = 16, 1e6
	zoom := cmplx.Abs(s.Turn)
	return zoom >= 1./most && zoom <= most && cmplx.Abs(s.Shift) <= far
}

// Box returns the smallest box that holds b after the movement.
func (s Similarity) Box(b detect.Box) detect.Box {
	center := s.Turn*complex(float64(b.X0+b.X1)/2, float64(b.Y0+b.Y1)/2) + s.Shift
	w, h := float64(b.W())/2, float64(b.H())/2
	re, im := math.Abs(real(s.Turn)), math.Abs(imag(s.Turn))
	dx, dy := re*w+im*h, im*w+re*h
	return detect.Box{
		X0: float32(real(center) - dx), Y0: float32(imag(center) - dy),
		X1: float32(real(center) + dx), Y1: float32(imag(center) + dy),
	}
}

// inner returns a box that lies within b after the movement, of about the same middle;
// it is empty if b turns by too much.
func (s Similarity) inner(b detect.Box) detect.Box {
	center := s.Turn*complex(float64(b.X0+b.X1)/2, float64(b.Y0+b.Y1)/2) + s.Shift
	w, h := float64(b.W())/2, float64(b.H())/2
	re, im := math.Abs(real(s.Turn)), math.Abs(imag(s.Turn))
	dx, dy := re*w-im*h, re*h-im*w
	return detect.Box{
		X0: float32(real(center) - dx), Y0: float32(imag(center) - dy),
		X1: float32(real(center) + dx), Y1: float32(imag(center) + dy),
	}
}
