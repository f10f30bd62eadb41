package pipeline

import (
	"image"

	"github.com/hedgecam/hedge/internal/nodump"
	"github.com/hedgecam/hedge/internal/pixel"
)

// smallCopy is a small copy of a frame, or of a part of it, shared by all inferences
// that want that size. The event loop counts who holds it.
type smallCopy struct {
	pic  *image.YCbCr
	refs int
}

// copyPool hands out small copies and takes them back. It belongs to the event loop,
// and grows to the number of copies in use at once, which the number of detectors
// bounds: each holds at most one in flight and one waiting.
type copyPool struct {
	free  []*smallCopy
	whole pixel.Scaler // keeps the tables for whole frames
	part  pixel.Scaler // and for parts of them
	crop  image.YCbCr  // the part being scaled
}

// scale returns a new small copy of the frame at the given size, with one
// reference.
func (p *copyPool) scale(frame *image.YCbCr, size image.Point) (*smallCopy, error) {
	s := p.take(size)
	if err := p.whole.Scale(s.pic, frame); err != nil {
		p.release(s)
		return nil, &StageError{Stage: "inspect", Count: 1, Err: err}
	}
	return s, nil
}

// scalePart is scale for the part of the frame inside region, whose corners are
// even.
func (p *copyPool) scalePart(frame *image.YCbCr, region image.Rectangle, size image.Point) (*smallCopy, error) {
	// A view of the planes, kept in the pool: SubImage would allocate.
	p.crop = *frame
	p.crop.Rect = region
	p.crop.Y = frame.Y[frame.YOffset(region.Min.X, region.Min.Y):]
	c := frame.COffset(region.Min.X, region.Min.Y)
	p.crop.Cb, p.crop.Cr = frame.Cb[c:], frame.Cr[c:]
	s := p.take(size)
	err := p.part.Scale(s.pic, &p.crop)
	p.crop = image.YCbCr{}
	if err != nil {
		p.release(s)
		return nil, &StageError{Stage: "inspect", Count: 1, Err: err}
	}
	return s, nil
}

func (p *copyPool) take(size image.Point) *smallCopy {
	for i := len(p.free) - 1; i >= 0; i-- {
		s := p.free[i]
		if s.pic.Rect.Size() == size {
			p.free = append(p.free[:i], p.free[i+1:]...)
			s.refs = 1
			return s
		}
	}
	return &smallCopy{pic: nodump.Picture(size.X, size.Y), refs: 1}
}

// release gives back one reference.
func (p *copyPool) release(s *smallCopy) {
	if s == nil {
		return
	}
	if s.refs--; s.refs > 0 {
		return
	}
	// Copies of a size that is no longer in use are let go, oldest first.
	const keep = 16
	if len(p.free) == keep {
		p.free = append(p.free[:0], p.free[1:]...)
	}
	p.free = append(p.free, s)
}

// copies are the small copies of the newest frame, each size made once for all who ask.
type copies struct {
	pool    copyPool
	current []*smallCopy
}

// next gives up the copies of the frame before.
func (c *copies) next() {
	for _, s := range c.current {
		c.pool.release(s)
	}
	c.current = c.current[:0]
}

// whole returns the newest frame at the given size. It is valid until next; who keeps it
// longer adds a reference.
func (c *copies) whole(pic *image.YCbCr, size image.Point) (*smallCopy, error) {
	for _, s := range c.current {
		if s.pic.Rect.Size() == size {
			return s, nil
		}
	}
	s, err := c.pool.scale(pic, size)
	if err == nil {
		c.current = append(c.current, s)
	}
	return s, err
}

// part returns a new copy of a part of the newest frame, with one reference.
func (c *copies) part(pic *image.YCbCr, region image.Rectangle, size image.Point) (*smallCopy, error) {
	return c.pool.scalePart(pic, region, size)
}

// release gives back one reference.
func (c *copies) release(s *smallCopy) { c.pool.release(s) }
