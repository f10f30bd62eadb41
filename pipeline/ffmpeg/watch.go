package ffmpeg

import (
	"context"
	"os"
	"time"
)

// past is a deadline that ends a call under way.
var past = time.Unix(1, 0)

// watch ends reads from, or writes to, a pipe when a context is cancelled. It
// is used by one goroutine. Watching the same context again costs nothing.
type watch struct {
	pipe  *os.File
	ctx   <-chan struct{}
	stop  func() bool
	fired chan struct{}
}

// on makes calls on the pipe end when ctx is cancelled, and those of no other.
// It returns ctx.Err() if that is so already.
func (w *watch) on(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if ctx.Done() == w.ctx {
		return nil
	}
	if err := w.off(); err != nil {
		return err
	}
	fired := make(chan struct{})
	w.fired = fired
	w.ctx = ctx.Done()
	w.stop = context.AfterFunc(ctx, func() {
		defer close(fired)
		// It fails only when the pipe is closed, and then no call waits.
		_ = w.pipe.SetDeadline(past)
	})
	return nil
}

// off stops watching.
func (w *watch) off() error {
	if w.stop == nil {
		return nil
	}
	late := !w.stop()
	w.stop, w.ctx = nil, nil
	if !late {
		return nil
	}
	<-w.fired
	return w.pipe.SetDeadline(time.Time{})
}
