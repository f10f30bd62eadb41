package redact

import (
	"fmt"
	"image"
	"math/bits"

	"github.com/hedgecam/hedge/detect"
)

// Fill is what was done to a block, or is to be done; see the package's
// documentation for what each fill keeps.
type Fill uint8

// The fills of a block, from what shows most to what shows least.
const (
	// Shown: the block has the pixels of the input, if only mixed with the fill, in
	// the soft edge of what is hidden. In a policy it stands for a field's default.
	Shown Fill = iota
	// Background: the block has the place as it was seen empty or, where that is
	// not known, a smooth continuation of what is shown around it.
	Background
	// Frost: the block has averages of coarse cells.
	Frost
	// Solid: the block has one colour.
	Solid

	numFills = iota
)

var fillNames = [numFills]string{"shown", "background", "frost", "solid"}

// String returns the fill's name, as it stands in a policy.
func (f Fill) String() string {
	if int(f) < len(fillNames) {
		return fillNames[f]
	}
	return fmt.Sprintf("fill(%d)", uint8(f))
}

// Counts says why a picture is hidden where it is, for a legend.
type Counts struct {
	// Outside is the number of blocks hidden because of where they are.
	Outside int
	// Faces, People and Plates are the numbers of objects hidden that are there:
	// confirmed, seen within the last second, and each counted once where several
	// tracks follow it. More are hidden, in doubt: those are Doubtful.
	Faces, People, Plates, Doubtful int
	// Motion is the number of unexplained moving patches hidden.
	Motion int
	// Failed is set when the picture is hidden further than the policy asks,
	// because of [Scene].Level or because an object of the scene made no sense.
	Failed bool
}

// most returns the larger of each count.
func (c Counts) most(o Counts) Counts {
	return Counts{
		Outside: max(c.Outside, o.Outside), Faces: max(c.Faces, o.Faces), People: max(c.People, o.People),
		Plates: max(c.Plates, o.Plates), Doubtful: max(c.Doubtful, o.Doubtful), Motion: max(c.Motion, o.Motion), Failed: c.Failed || o.Failed,
	}
}

// Mask says which blocks of a frame are hidden, and how. It is a view into the
// frame, valid until the frame's Release; then it is empty.
type Mask struct {
	s   *frameState
	gen uint64
}

// state returns the frame's state, or nil once it was released.
func (c Mask) state() *frameState {
	if c.s == nil || c.s.gen.Load() != c.gen {
		return nil
	}
	return c.s
}

// Side returns the side of a block in pixels, 2: that of a chroma sample. It is 0
// once the frame was released.
func (c Mask) Side() int {
	s := c.state()
	if s == nil {
		return 0
	}
	return s.hidden.side
}

// Size returns the width and height in blocks; blocks of the last column and row
// may be cut off by the picture's edge.
func (c Mask) Size() image.Point {
	s := c.state()
	if s == nil {
		return image.Point{}
	}
	return image.Pt(s.hidden.w, s.hidden.h)
}

// At returns what was done to the block in column x and row y. Outside of the
// grid, and once the frame was released, it is Solid.
func (c Mask) At(x, y int) Fill {
	s := c.state()
	switch {
	case s == nil || x < 0 || y < 0 || x >= s.hidden.w || y >= s.hidden.h:
		return Solid
	case !s.hidden.has(x, y):
		return Shown
	}
	for f := range s.by {
		if s.by[f].has(x, y) {
			return Fill(f)
		}
	}
	return Solid
}

// Hidden returns the share of the picture's pixels that are hidden, 0..1.
func (c Mask) Hidden() float64 {
	s := c.state()
	if s == nil {
		return 1
	}
	return float64(hiddenPixels(&s.hidden, image.Rectangle{Max: s.size})) / float64(s.size.X*s.size.Y)
}

// HiddenOf returns the share of the pixels of b that are hidden, 0..1, where b
// is rounded outwards to whole pixels and clipped to the picture. It is in
// pixels from the picture's upper left corner. Of nothing, all is hidden.
func (c Mask) HiddenOf(b detect.Box) float64 {
	s := c.state()
	if s == nil {
		return 1
	}
	b = clip(b, s.size)
	if b.Empty() {
		return 1
	}
	r := image.Rect(int(b.X0), int(b.Y0), ceil(b.X1), ceil(b.Y1))
	return float64(hiddenPixels(&s.hidden, r)) / float64(r.Dx()*r.Dy())
}

// Counts returns why the picture is hidden where it is.
func (c Mask) Counts() Counts {
	s := c.state()
	if s == nil {
		return Counts{}
	}
	return s.counts
}

// hiddenPixels returns the number of pixels of r, a part of the picture, that
// lie in blocks of m.
func hiddenPixels(m *blockMask, r image.Rectangle) int {
	if r.Empty() {
		return 0
	}
	n, side := 0, m.side
	bx0, bx1 := r.Min.X/side, blocks(r.Max.X, side)
	hi := min(blocks(r.Max.Y, side), m.hi)
	for by := max(r.Min.Y/side, m.lo); by < hi; by = m.end(by) {
		rows := min(min(m.end(by), hi)*side, r.Max.Y) - max(by*side, r.Min.Y)
		cols := 0
		for i, w := range m.band(m.begin(by)) {
			cols += side * bits.OnesCount64(w&wordMask(i, bx0, bx1))
		}
		if m.has(bx0, by) {
			cols -= r.Min.X - bx0*side
		}
		if m.has(bx1-1, by) {
			cols -= bx1*side - r.Max.X
		}
		n += rows * cols
	}
	return n
}
