package redact

import (
	"image"

	"github.com/hedgecam/hedge/detect"
)

// A cell is shown of a visitor if it, and all within guestMargin cells of it, are a
// person's at 90 %.
const (
	guestMargin = 2
	guestLevel  = 230
)

// outline shows visitors by their silhouettes. Its memory is used again.
type outline struct {
	size image.Point
	safe []bool // cells that may be shown
	line []bool
}

// show takes away from m the blocks of a visitor: those in box that show nothing but the
// person.
func (o *outline) show(m *blockMask, s *detect.Silhouette, box detect.Box) {
	o.findSafe(s)
	w, h := s.CellSize()
	in := within(box.Intersect(s.Region), o.size)
	for y := in.y0; y < in.y1; y++ {
		y0 := int((float32(y*blockSide) - s.Region.Y0) / h)
		y1 := min(ceil((float32((y+1)*blockSide)-s.Region.Y0)/h), s.Rows)
		from := in.x0
		for x := in.x0; x <= in.x1; x++ {
			if x < in.x1 && o.holds(s, x, y0, y1, w) {
				continue
			}
			m.unset(blockRect{from, y, x, y + 1})
			from = x + 1
		}
	}
}

// holds reports whether all cells that the block in column x touches, in the rows of cells
// from y0 to y1-1, are safe.
func (o *outline) holds(s *detect.Silhouette, x, y0, y1 int, w float32) bool {
	x0 := int((float32(x*blockSide) - s.Region.X0) / w)
	x1 := min(ceil((float32((x+1)*blockSide)-s.Region.X0)/w), s.Columns)
	for y := y0; y < y1; y++ {
		for _, ok := range o.safe[y*s.Columns:][x0:x1] {
			if !ok {
				return false
			}
		}
	}
	return y0 < y1 && x0 < x1
}

// findSafe finds the cells that are the person's, as are those around them. Beyond the
// silhouette's border nothing is known, and nothing keeps a cell from being shown: the
// picture ends there, or the box did before.
func (o *outline) findSafe(s *detect.Silhouette) {
	n := len(s.Cells)
	if cap(o.safe) < n {
		o.safe = make([]bool, n)
		o.line = make([]bool, detect.MaxCells)
	}
	o.safe = o.safe[:n]
	for i, v := range s.Cells {
		o.safe[i] = v >= guestLevel
	}
	for y := range s.Rows {
		o.erode(y*s.Columns, 1, s.Columns)
	}
	for x := range s.Columns {
		o.erode(x, s.Columns, s.Rows)
	}
}

// erode keeps of n cells, step apart, those that have no other kind within guestMargin.
func (o *outline) erode(first, step, n int) {
	line := o.line[:n]
	bad := -guestMargin - 1 // the last cell that is not the person's
	for i := range n {
		if !o.safe[first+i*step] {
			bad = i
		}
		line[i] = i-bad > guestMargin
	}
	bad = n + guestMargin
	for i := n - 1; i >= 0; i-- {
		at := first + i*step
		if !o.safe[at] {
			bad = i
		}
		o.safe[at] = line[i] && bad-i > guestMargin
	}
}
