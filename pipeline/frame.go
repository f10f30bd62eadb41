package pipeline

import (
	"context"
	"sync"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

// frame is one picture of the pool on its way through the pipeline. One part at a time
// has it: the reader, the event loop, or the writer.
type frame struct {
	buf   Buffer
	index int           // number in the Run, from 0
	at    time.Duration // by the pipeline's clock; buf.Time is the source's time
	step  time.Duration // time since the frame before

	// What the scene says of it.
	moved   []detect.Box  // patches whose motion nothing has explained
	movedAt time.Duration // when something last moved in the frames up to it
	cut     time.Duration // time of the last cut up to it,
	nextCut time.Duration // and of the next one
	number  int           // of motion.Jump
	earlier time.Duration // time of the frame carriedOver before it

	// What is trusted.
	blocked   Reason // why nothing of it may be shown
	unsound   bool   // a detector failed in it, if only one that the plate needs
	viewClear bool   // it shows the confirmed view beyond doubt

	// Which policies it is redacted under.
	ruling  uint64   // in force when it came
	ruled   uint64   // the newest that it was redacted under
	preview *preview // who sees it under a preview too

	level redact.Level // how much was hidden, once it is redacted
	out   redact.Frame // the redacted picture, once there is one
}

// forever is a time after all times.
const forever = time.Duration(1<<63 - 1)

// window is the look-ahead: a ring of frames, oldest first. It belongs to the event
// loop.
type window struct {
	lookAhead time.Duration
	ring      []*frame
	first     int
	n         int
}

func newWindow(lookAhead time.Duration, capacity int) window {
	return window{lookAhead: lookAhead, ring: make([]*frame, capacity)}
}

func (w *window) len() int { return w.n }

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

// newest returns the newest frame, nil if there is none.
func (w *window) newest() *frame {
	if w.n == 0 {
		return nil
	}
	return w.at(w.n - 1)
}

// ripe reports whether the oldest frame has waited for the look-ahead: a later one
// has come, and the newest is late enough. A quarter of the usual interval of frames
// is allowed for, so that a camera that is early by a hair holds no frame more back.
// With ended true no later frame comes, and none is waited for.
func (w *window) ripe(ended bool, usual time.Duration) bool {
	switch {
	case w.n == 0:
		return false
	case ended, w.lookAhead == 0, w.n == len(w.ring):
		return true
	default:
		return w.n > 1 && w.newest().at-w.at(0).at >= w.lookAhead-usual/4
	}
}

// cut tells the frames held back that the scene has changed at the given time. What
// was held back before a cut waits for no later inference.
func (w *window) cut(at time.Duration) {
	for i := range w.n {
		f := w.at(i)
		f.nextCut = min(f.nextCut, at)
	}
}

// hideBack blocks the frames held back after the last one that showed the confirmed
// view beyond doubt: the camera was already moving.
func (w *window) hideBack(why Reason) {
	for i := w.n - 1; i >= 0; i-- {
		f := w.at(i)
		if f.viewClear {
			return
		}
		if f.blocked == NoReason {
			f.blocked = why
		}
	}
}

// failed marks the frames from the given time on: a detector failed in them.
func (w *window) failed(at time.Duration) {
	for i := range w.n {
		if f := w.at(i); f.at >= at {
			f.unsound = true
		}
	}
}

// framePool hands out a fixed number of frames. The one that came back last goes out
// first: only as many as are in use at a time ever get memory for their pixels. Any
// goroutine may use it.
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

// put takes a frame back, with the redacted picture that may be in it.
func (p *framePool) put(f *frame) {
	f.out.Release()
	f.out = redact.Frame{}
	f.moved = f.moved[:0]
	p.mu.Lock()
	p.spare = append(p.spare, f)
	p.mu.Unlock()
	p.left <- struct{}{}
}
