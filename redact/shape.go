package redact

import (
	"image"
	"math"

	"github.com/hedgecam/hedge/detect"
)

// setShape adds the blocks that hide an object: those that its box or its padded box b
// touches, but of the padded box of a face or person not the corners, which are rounded by
// a quarter of its shorter side.
func (m *blockMask) setShape(box, b detect.Box, class detect.Class, size image.Point) {
	r := touched(b, size)
	if class != detect.Face && class != detect.Person {
		m.set(r)
		return
	}
	m.set(touched(box, size))
	radius := b.Short() / 4
	for y := r.y0; y < r.y1; {
		// How far the row, at its point nearest to the middle, is into a corner.
		top, bottom, end := float32(y*blockSide), float32((y+1)*blockSide), y+1
		into := max(b.Y0+radius-bottom, top-(b.Y1-radius), 0)
		if last := min(int(b.Y1-radius)/blockSide+1, r.y1); into == 0 && last > end {
			end, bottom = last, float32(last*blockSide) // all rows before are between the corners
		}
		cut := radius - float32(math.Sqrt(float64(max(radius*radius-into*into, 0))))
		row := b
		row.X0, row.X1, row.Y0, row.Y1 = b.X0+cut, b.X1-cut, top, bottom
		if row = clip(row, size); !row.Empty() {
			m.set(touchedOf(row, blockSide))
		}
		y = end
	}
}

// touched returns the blocks that b touches in a picture of the given size in
// pixels; b is in pixels from the picture's corner. NaN touches nothing.
func touched(b detect.Box, size image.Point) blockRect {
	b = clip(b, size)
	if b.Empty() {
		return blockRect{}
	}
	return touchedOf(b, blockSide)
}

// touchedOf is touched for blocks of a side; b lies in the picture.
func touchedOf(b detect.Box, side int) blockRect {
	return blockRect{
		int(b.X0) / side, int(b.Y0) / side,
		blocks(ceil(b.X1), side), blocks(ceil(b.Y1), side),
	}
}

// within returns the blocks whose pixels all lie in b.
func within(b detect.Box, size image.Point) blockRect {
	b = clip(b, size)
	if b.Empty() {
		return blockRect{}
	}
	return withinOf(b, size, blockSide)
}

// withinOf is within for blocks of a side; b lies in the picture.
func withinOf(b detect.Box, size image.Point, side int) blockRect {
	r := blockRect{
		blocks(ceil(b.X0), side), blocks(ceil(b.Y0), side),
		int(b.X1) / side, int(b.Y1) / side,
	}
	// The last block of a row or column may be cut off by the picture's edge.
	if int(b.X1) == size.X {
		r.x1 = blocks(size.X, side)
	}
	if int(b.Y1) == size.Y {
		r.y1 = blocks(size.Y, side)
	}
	return r
}

// clip returns the part of b inside the picture.
func clip(b detect.Box, size image.Point) detect.Box {
	return b.Intersect(detect.Box{X1: float32(size.X), Y1: float32(size.Y)})
}

func ceil(v float32) int {
	n := int(v)
	if float32(n) < v {
		n++
	}
	return n
}
