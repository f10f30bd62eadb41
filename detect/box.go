package detect

import "math"

// Box is an axis-parallel rectangle in pixels, x to the right and y down. X1
// and Y1 are exclusive. A box with X1 <= X0 or Y1 <= Y0, or with a coordinate
// that is not a number, is empty.
type Box struct {
	X0, Y0, X1, Y1 float32
}

// W returns the width.
func (b Box) W() float32 { return b.X1 - b.X0 }

// H returns the height.
func (b Box) H() float32 { return b.Y1 - b.Y0 }

// Short returns the shorter side.
func (b Box) Short() float32 { return min(b.W(), b.H()) }

// Center returns the middle.
func (b Box) Center() (x, y float32) { return (b.X0 + b.X1) / 2, (b.Y0 + b.Y1) / 2 }

// Empty reports whether the box has no area.
func (b Box) Empty() bool { return !(b.X1 > b.X0 && b.Y1 > b.Y0) }

// Area returns the area in square pixels, 0 for an empty box.
func (b Box) Area() float32 {
	if b.Empty() {
		return 0
	}
	return b.W() * b.H()
}

// Finite reports whether no coordinate is infinite or not a number.
func (b Box) Finite() bool {
	// A sum is finite only if all its terms are, but for overflow, which a
	// coordinate in pixels does not reach.
	s := float64(b.X0) + float64(b.Y0) + float64(b.X1) + float64(b.Y1)
	return !math.IsNaN(s) && !math.IsInf(s, 0)
}

// Intersect returns the part common to both boxes, which may be empty.
func (b Box) Intersect(o Box) Box {
	return Box{max(b.X0, o.X0), max(b.Y0, o.Y0), min(b.X1, o.X1), min(b.Y1, o.Y1)}
}

// Union returns the smallest box that holds both. An empty box adds nothing.
func (b Box) Union(o Box) Box {
	if b.Empty() {
		return o
	}
	if o.Empty() {
		return b
	}
	return Box{min(b.X0, o.X0), min(b.Y0, o.Y0), max(b.X1, o.X1), max(b.Y1, o.Y1)}
}

// IoU returns the intersection over the union, 0..1.
func (b Box) IoU(o Box) float32 {
	i := b.Intersect(o).Area()
	if i == 0 {
		return 0
	}
	return i / (b.Area() + o.Area() - i)
}

// Contains reports whether o lies wholly inside b.
func (b Box) Contains(o Box) bool {
	return o.X0 >= b.X0 && o.Y0 >= b.Y0 && o.X1 <= b.X1 && o.Y1 <= b.Y1
}

// Shift returns the box moved by (dx, dy).
func (b Box) Shift(dx, dy float32) Box {
	return Box{b.X0 + dx, b.Y0 + dy, b.X1 + dx, b.Y1 + dy}
}

// Scale returns the box with its coordinates multiplied by (sx, sy).
func (b Box) Scale(sx, sy float32) Box {
	return Box{b.X0 * sx, b.Y0 * sy, b.X1 * sx, b.Y1 * sy}
}

// Grow returns the box grown on each side by the share dx of its width and dy
// of its height.
func (b Box) Grow(dx, dy float32) Box {
	w, h := b.W()*dx, b.H()*dy
	return Box{b.X0 - w, b.Y0 - h, b.X1 + w, b.Y1 + h}
}
