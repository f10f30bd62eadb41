package pipeline

import (
	"context"
	"time"

	"github.com/hedgecam/hedge/redact"
)

const (
	// leastWaiting is how many redacted frames may wait for the sink. For a live one they
	// are those of absorbed, which is how long a machine that others keep busy may hold up
	// an encoder, but never less, and mostWaiting at most.
	leastWaiting, mostWaiting = 3, 6
	absorbed                  = 150 * time.Millisecond
)

// writer hands redacted frames to a sink, on a goroutine of its own.
type writer struct {
	sink        Sink
	live        bool
	maxFailures int
	pool        *framePool
	gate        *gate
	stats       *stats

	frames   chan *frame   // redacted, from the event loop
	caughtUp chan struct{} // to the event loop: live, fewer than behind wait
	ended    chan error    // how writing ended, once
}

// start starts the goroutine. It ends when close is called, or with the sink's error.
func (w *writer) start(ctx context.Context) {
	w.frames, w.caughtUp, w.ended = make(chan *frame, mostWaitingOf(w.live)), make(chan struct{}, 1), make(chan error, 1)
	go func() { w.ended <- w.write(ctx) }()
}

func (w *writer) write(ctx context.Context) error {
	fails := 0
	for f := range w.frames {
		if w.live && len(w.frames) < behind {
			select {
			case w.caughtUp <- struct{}{}:
			default: // the event loop has not seen the last one
			}
		}
		start := time.Now()
		if !w.gate.enter(f.ruled) {
			w.drop(f)
			continue
		}
		err := writeFrame(ctx, w.sink, f.out)
		w.gate.leave()
		w.stats.stage(stageWrite, time.Since(start))
		if err == nil {
			w.stats.written(f.out, f.level != redact.HidePolicy)
		}
		w.pool.put(f)
		switch {
		case err == nil:
			fails = 0
			continue
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the run's end, not the sink's failure
		}
		w.stats.count(&w.stats.s.FramesDropped)
		// A file without one of its pictures is not the file that was asked
		// for; a live view is.
		if fails++; !w.live || fails >= w.maxFailures {
			return &StageError{Stage: "sink", Count: fails, Err: err}
		}
	}
	return nil
}

// put hands a redacted frame over. A file waits for its turn, and so do the frames held
// back when a source has ended; live, the oldest frame that waits is dropped.
func (w *writer) put(ctx context.Context, f *frame, ended bool) error {
	if !w.live || ended {
		select {
		case w.frames <- f:
			return nil
		case err := <-w.ended:
			w.ended <- nil
			w.pool.put(f)
			return err
		case <-ctx.Done():
			w.pool.put(f)
			return ctx.Err()
		}
	}
	for room := waitingRoom(f.step); len(w.frames) >= room; {
		select {
		case old := <-w.frames:
			w.drop(old)
		default:
		}
	}
	w.frames <- f // nobody else puts one there
	return nil
}

// mostWaitingOf returns the most frames that may wait for a sink.
func mostWaitingOf(live bool) int {
	if live {
		return mostWaiting
	}
	return leastWaiting
}

// waitingRoom returns how many frames may wait for a live sink that come a step apart.
func waitingRoom(step time.Duration) int {
	return min(max(int((absorbed+step-1)/max(step, 1)), leastWaiting), mostWaiting)
}

// backlog returns how many frames wait for the sink.
func (w *writer) backlog() int { return len(w.frames) }

func (w *writer) drop(f *frame) {
	w.pool.put(f)
	w.stats.count(&w.stats.s.FramesDropped)
}

// close says that no more frames come.
func (w *writer) close() { close(w.frames) }

// join waits for the goroutine: for as long as it takes to write all frames, or, once
// ctx has ended, as for any stage.
func (w *writer) join(ctx context.Context) error {
	select {
	case err := <-w.ended:
		return err
	case <-ctx.Done():
		return join("sink", w.ended)
	}
}

// writeFrame writes one frame. A panic of the sink is an error.
func writeFrame(ctx context.Context, sink Sink, f redact.Frame) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v}
		}
	}()
	return sink.Write(ctx, f)
}

// gate lets one frame at a time pass to the sink, and none that a newer policy forbids.
type gate struct {
	busy    chan struct{} // full while the sink is written to
	rulings *rulings
}

func newGate(r *rulings) *gate { return &gate{busy: make(chan struct{}, 1), rulings: r} }

// enter reports whether a frame that was redacted under all rulings up to the given one
// may be written. If so, leave must follow.
func (g *gate) enter(ruled uint64) bool {
	g.busy <- struct{}{}
	if g.rulings.allow(ruled) {
		return true
	}
	<-g.busy
	return false
}

func (g *gate) leave() { <-g.busy }

// between calls do when no frame is being written, or when a Write under way has not
// returned within the time that a stage has to end.
func (g *gate) between(do func()) {
	late := time.NewTimer(2 * grace)
	defer late.Stop()
	select {
	case g.busy <- struct{}{}:
		defer func() { <-g.busy }()
	case <-late.C:
	}
	do()
}
