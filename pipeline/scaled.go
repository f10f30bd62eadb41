package pipeline

import (
	"image"

	"github.com/hedgecam/hedge/internal/nodump"
	"github.com/hedgecam/hedge/internal/pixel"
)

// scaled is a small copy of a frame, or of a part of it, shared by all looks
// that want that size. The owner loop counts the looks that hold it.
type scaled struct {
	pic  *image.YCbCr
	refs int
}

// scaledPool hands out small pictures and takes them back. It belongs to the
// owner loop, and grows to the number of pictures in use at once, which the
// number of detectors bounds: each holds at most one in flight and one waiting.
type scaledPool struct {
	free  []*scaled
	whole pixel.Scaler // keeps the tables for whole frames
	part  pixel.Scaler // and for parts of them
	crop  image.YCbCr  // the part being scaled
}

// scale returns a new small copy of the frame at the given size, with one
// reference.
func (p *scaledPool) scale(frame *image.YCbCr, size image.Point) (*scaled, error) {
	s := p.take(size)
	if err := p.whole.Scale(s.pic, frame); err != nil {
		p.release(s)
		return nil, &StageError{Stage: "inspect", Count: 1, Err: err}
	}
	return s, nil
}

// scalePart is scale for the part of the frame inside region, whose corners are
// even.
func (p *scaledPool) scalePart(frame *image.YCbCr, region image.Rectangle, size image.Point) (*scaled, error) {
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

func (p *scaledPool) take(size image.Point) *scaled {
	for i := len(p.free) - 1; i >= 0; i-- {
		s := p.free[i]
		if s.pic.Rect.Size() == size {
			p.free = append(p.free[:i], p.free[i+1:]...)
			s.refs = 1
			return s
		}
	}
	return &scaled{pic: nodump.Picture(size.X, size.Y), refs: 1}
}

// release gives back one reference.
func (p *scaledPool) release(s *scaled) {
	if s == nil {
		return
	}
	if s.refs--; s.refs > 0 {
		return
	}
	// Pictures of a format that is no longer in use are let go, oldest first.
	const keep = 16
	if len(p.free) == keep {
		p.free = append(p.free[:0], p.free[1:]...)
	}
	p.free = append(p.free, s)
}
