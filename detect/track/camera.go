package track

import (
	"errors"
	"math"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// ErrWarp is returned for a movement of the camera that cannot be one: numbers
// that are not finite, or a picture squeezed or blown up more than twofold.
var ErrWarp = errors.New("track: not a camera movement between two pictures")

// Affine takes a point (x, y) to (XX*x + XY*y + X0, YX*x + YY*y + Y0), in
// pixels.
type Affine struct{ XX, XY, X0, YX, YY, Y0 float64 }

// Translation returns the movement of everything in the picture by (dx, dy).
func Translation(dx, dy float64) Affine { return Affine{XX: 1, YY: 1, X0: dx, Y0: dy} }

var identity = Translation(0, 0)

// after returns the movement m after the movement n.
func (m Affine) after(n Affine) Affine {
	return Affine{
		XX: m.XX*n.XX + m.XY*n.YX, XY: m.XX*n.XY + m.XY*n.YY, X0: m.XX*n.X0 + m.XY*n.Y0 + m.X0,
		YX: m.YX*n.XX + m.YY*n.YX, YY: m.YX*n.XY + m.YY*n.YY, Y0: m.YX*n.X0 + m.YY*n.Y0 + m.Y0,
	}
}

func (m Affine) det() float64 { return m.XX*m.YY - m.XY*m.YX }

func (m Affine) inverse() Affine {
	k := 1 / m.det()
	i := Affine{XX: m.YY * k, XY: -m.XY * k, YX: -m.YX * k, YY: m.XX * k}
	i.X0 = -(i.XX*m.X0 + i.XY*m.Y0)
	i.Y0 = -(i.YX*m.X0 + i.YY*m.Y0)
	return i
}

// translates reports whether m moves everything by the same.
func (m Affine) translates() bool { return m.XX == 1 && m.YY == 1 && m.XY == 0 && m.YX == 0 }

// sane reports whether m may be what happens between two pictures.
func (m Affine) sane() bool {
	const far = 1e5
	det := m.det()
	lin := math.Abs(m.XX) + math.Abs(m.XY) + math.Abs(m.YX) + math.Abs(m.YY)
	return det >= 0.25 && det <= 4 && lin <= 8 && math.Abs(m.X0) <= far && math.Abs(m.Y0) <= far
}

// Box returns the smallest box that holds b after the movement.
func (m Affine) Box(b detect.Box) detect.Box {
	if m.translates() {
		return b.Shift(float32(m.X0), float32(m.Y0))
	}
	cx, cy := float64(b.X0+b.X1)/2, float64(b.Y0+b.Y1)/2
	w, h := float64(b.W())/2, float64(b.H())/2
	x, y := m.XX*cx+m.XY*cy+m.X0, m.YX*cx+m.YY*cy+m.Y0
	dx, dy := math.Abs(m.XX)*w+math.Abs(m.XY)*h, math.Abs(m.YX)*w+math.Abs(m.YY)*h
	return detect.Box{
		X0: float32(x - dx), Y0: float32(y - dy),
		X1: float32(x + dx), Y1: float32(y + dy),
	}
}

// maxWarps bounds the camera's path.
const maxWarps = 1024

// camera is the path of a moving camera: what has moved the picture, and when.
type camera struct {
	at   []time.Duration // rising
	step []Affine        // from the picture just before at to the one at it
	path []Affine        // product of the steps so far
}

func (c *camera) add(at time.Duration, m Affine) {
	if len(c.at) >= maxWarps {
		c.join()
	}
	i := len(c.at)
	for i > 0 && c.at[i-1] > at {
		i--
	}
	c.at = append(c.at, 0)
	c.step = append(c.step, identity)
	c.path = append(c.path, identity)
	copy(c.at[i+1:], c.at[i:])
	copy(c.step[i+1:], c.step[i:])
	c.at[i], c.step[i] = at, m
	c.multiply(i)
}

// join makes one step of each two in the older half of the path. It is exact
// but for boxes seen between the two.
func (c *camera) join() {
	n := 0
	for i := range c.at {
		if i%2 == 1 && i < maxWarps/2 {
			c.at[n-1], c.step[n-1] = c.at[i], c.step[i].after(c.step[n-1])
			continue
		}
		c.at[n], c.step[n] = c.at[i], c.step[i]
		n++
	}
	c.at, c.step, c.path = c.at[:n], c.step[:n], c.path[:n]
	c.multiply(0)
}

func (c *camera) multiply(from int) {
	for i := from; i < len(c.step); i++ {
		c.path[i] = c.step[i]
		if i > 0 {
			c.path[i] = c.step[i].after(c.path[i-1])
		}
	}
}

// forget drops the steps up to the time before.
func (c *camera) forget(before time.Duration) {
	n := 0
	for n < len(c.at) && c.at[n] <= before {
		n++
	}
	if n == 0 {
		return
	}
	c.at = c.at[:copy(c.at, c.at[n:])]
	c.step = c.step[:copy(c.step, c.step[n:])]
	c.path = c.path[:len(c.at)]
	c.multiply(0)
}

func (c *camera) until(t time.Duration) Affine {
	i := len(c.at)
	for i > 0 && c.at[i-1] > t {
		i--
	}
	if i == 0 {
		return identity
	}
	return c.path[i-1]
}

// unmoved reports whether the camera has not moved between two times.
func (c *camera) unmoved(a, b time.Duration) bool {
	if len(c.at) == 0 {
		return true
	}
	if a > b {
		a, b = b, a
	}
	for i := len(c.at) - 1; i >= 0 && c.at[i] > a; i-- {
		if c.at[i] <= b {
			return false
		}
	}
	return true
}

// between returns the movement from the picture at time a to the one at b.
func (c *camera) between(a, b time.Duration) Affine {
	return c.until(b).after(c.until(a).inverse())
}
