package redact

import (
	"image"
	"sync"
	"sync/atomic"
	"time"
)

// Frame is a redacted picture: what may be encoded, shown, stored and sent. It
// is a small value that may be copied; all copies are the same frame. The zero
// Frame is empty, and only [Redactor.Redact] makes another.
//
// A frame is valid until one of its copies is released. It may be used by
// several goroutines, as long as none of them uses it while another releases
// it.
type Frame struct {
	s   *frameState
	gen uint64
}

// frameState is what the copies of a frame share. It is used again for a later
// frame; gen then differs from that of the copies of the earlier one.
type frameState struct {
	gen  atomic.Uint64
	pool *framePool

	pic    image.YCbCr
	size   image.Point
	at     time.Duration
	hidden blockMask
	by     [numFills]blockMask  // the parts of hidden, by fill; none of Shown
	soft   [softSteps]blockMask // by[Background] and its soft edge, from the inside
	whole  bool
	counts Counts
}

// add hides what is hidden in o as well, each block with the fill of the two that
// shows less.
func (st *frameState) add(o *frameState) {
	st.hidden.add(&o.hidden)
	for f := numFills - 1; f > int(Shown); f-- {
		st.by[f].add(&o.by[f])
		for less := f + 1; less < numFills; less++ {
			st.by[f].remove(&st.by[less])
		}
	}
}

// framePool keeps released frame states for later frames.
type framePool struct {
	mu   sync.Mutex
	free []*frameState
}

func (p *framePool) get(size image.Point) *frameState {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		s := p.free[n-1]
		p.free = p.free[:n-1]
		return s
	}
	return newFrameState(p, size)
}

func newFrameState(p *framePool, size image.Point) *frameState {
	s := &frameState{pool: p, size: size, hidden: newBlockMask(size)}
	for f := range s.by {
		s.by[f] = newBlockMask(size)
	}
	for i := range s.soft {
		s.soft[i] = newBlockMask(size)
	}
	s.gen.Store(1)
	return s
}

func (p *framePool) put(s *frameState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, s)
}

func (f Frame) state() *frameState { return Mask(f).state() }

// Valid reports whether f holds a picture: it is not the zero Frame and was not
// released.
func (f Frame) Valid() bool { return f.state() != nil }

// Picture returns the redacted pixels, 4:2:0, or nil if f is not valid. They
// are borrowed until Release and must not be changed. After Release the
// returned picture has no pixels: the memory then belongs to the next raw
// picture, so a user who wants to keep pixels copies them before.
func (f Frame) Picture() *image.YCbCr {
	s := f.state()
	if s == nil {
		return nil
	}
	return &s.pic
}

// Time returns the presentation time, or 0 if f is not valid.
func (f Frame) Time() time.Duration {
	s := f.state()
	if s == nil {
		return 0
	}
	return s.at
}

// Size returns the size of the picture in pixels, or zero if f is not valid.
func (f Frame) Size() image.Point {
	s := f.state()
	if s == nil {
		return image.Point{}
	}
	return s.size
}

// Mask returns which blocks are hidden, and why. It is valid as long as f.
func (f Frame) Mask() Mask { return Mask(f) }

// Hidden reports whether the whole picture is hidden. A frame that is not valid
// is hidden.
func (f Frame) Hidden() bool {
	s := f.state()
	return s == nil || s.whole
}

// Release ends the life of the frame and of all its copies; the memory of the
// picture may be used again. Releasing it twice, or the zero Frame, does
// nothing.
func (f Frame) Release() {
	if f.s == nil || !f.s.gen.CompareAndSwap(f.gen, f.gen+1) {
		return
	}
	// Whoever kept the *image.YCbCr must not see what is written into the
	// memory next.
	f.s.pic = image.YCbCr{}
	f.s.pool.put(f.s)
}
