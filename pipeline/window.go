package pipeline

import (
	"context"
	"sync"
)

// window is the look-ahead: a ring of frames, oldest first.
type window struct {
	ring  []*frame
	first int
	n     int
}

func newWindow(capacity int) window { return window{ring: make([]*frame, capacity)} }

func (w *window) len() int { return w.n }

func (w *window) full() bool { return w.n == len(w.ring) }

func (w *window) push(f *frame) {
	w.ring[(w.first+w.n)%len(w.ring)] = f
	w.n++
}

func (w *window) pop() *frame {
	f := w.ring[w.first]
	w.ring[w.first] = nil
	w.first = (w.first + 1) % len(w.ring)
	w.n--
	return f
}

// at returns the i-th oldest frame.
func (w *window) at(i int) *frame { return w.ring[(w.first+i)%len(w.ring)] }

// ripe reports whether the oldest frame has waited for the look-ahead: a later one
// has come, and the newest is late enough. A quarter of the usual interval of frames
// is allowed for, so that a camera that is early by a hair holds no frame more back.
// With ended true no later frame comes, and none is waited for.
func (r *run) ripe(ended bool) bool {
	switch n := r.window.len(); {
	case n == 0:
		return false
	case ended, r.cfg.LookAhead == 0, r.window.full():
		return true
	default:
		return n > 1 && r.window.at(n-1).at-r.window.at(0).at >= r.cfg.LookAhead-r.clock.usual/4
	}
}

// framePool hands out a fixed number of frames. The one that came back last goes out
// first: only as many as are in use at a time ever get memory for their pixels.
type framePool struct {
	left chan struct{} // one for each frame that may be taken

	mu    sync.Mutex
	spare []*frame
}

func newFramePool(size int) *framePool {
	p := &framePool{left: make(chan struct{}, size), spare: make([]*frame, 0, size)}
	for range size {
		p.spare = append(p.spare, &frame{})
		p.left <- struct{}{}
	}
	return p
}

// get returns a frame, or nil when ctx ends before there is one.
func (p *framePool) get(ctx context.Context) *frame {
	select {
	case <-p.left:
	case <-ctx.Done():
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.spare[len(p.spare)-1]
	p.spare = p.spare[:len(p.spare)-1]
	return f
}

// put takes a frame back.
func (p *framePool) put(f *frame) {
	p.mu.Lock()
	p.spare = append(p.spare, f)
	p.mu.Unlock()
	p.left <- struct{}{}
}
