package detect

import (
	"context"
	"image"
)

// Silhouette says where people are in a part of one picture, cell by cell.
type Silhouette struct {
	// Region is that part, in pixels of the picture. It is divided evenly into cells.
	Region Box
	// Columns and Rows are the numbers of cells, 1..MaxCells.
	Columns, Rows int
	// Cells says row by row how likely each cell shows a person: 0 is not at all, 255
	// for certain.
	Cells []uint8
}

// MaxCells is the largest number of columns and of rows of a [Silhouette].
const MaxCells = 1024

// Segmenter finds the silhouettes of people.
//
// A Segmenter is used by one goroutine at a time. Close may be called at any time, by
// any goroutine and more than once: it waits for a Segment under way.
type Segmenter interface {
	// Name says in reports and errors which one it is. It is not empty.
	Name() string

	// Segment fills s with the silhouette of the person in box, which is in pixels of
	// pic, and of all other people near it: it looks at as much of the picture around
	// box as it needs. It uses the memory of s.Cells. It borrows pic until it returns, does
	// not change it and keeps no reference to it. After an error s means nothing. A box
	// outside of the picture, and an empty picture, is [ErrPicture]; otherwise the errors
	// are those of a [Detector].
	Segment(ctx context.Context, pic *image.YCbCr, box Box, s *Silhouette) error

	// Close frees what the segmenter holds.
	Close() error
}

// Valid reports whether s makes sense. A nil one does not.
func (s *Silhouette) Valid() bool {
	return s != nil && s.Region.Finite() && !s.Region.Empty() &&
		s.Columns >= 1 && s.Columns <= MaxCells && s.Rows >= 1 && s.Rows <= MaxCells &&
		len(s.Cells) == s.Columns*s.Rows
}

// CellSize returns the width and height of a cell in pixels.
func (s *Silhouette) CellSize() (w, h float32) {
	return s.Region.W() / float32(s.Columns), s.Region.H() / float32(s.Rows)
}
