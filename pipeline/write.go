package pipeline

import (
	"context"
	"time"

	"github.com/hedgecam/hedge/redact"
)

// write is the writer's goroutine. It ends when out is closed, or with the
// sink's error.
func (r *run) write(ctx context.Context) error {
	fails := 0
	for f := range r.out {
		start := time.Now()
		r.writing <- struct{}{}
		if !r.allows(f.ruled) {
			<-r.writing
			r.recycle(f)
			r.stats.count(&r.stats.s.FramesDropped)
			continue
		}
		err := r.writeOne(ctx, f.out)
		<-r.writing
		r.stats.stage(stageWrite, time.Since(start))
		if err == nil {
			r.stats.written(f.out, f.level != redact.HidePolicy)
		}
		r.recycle(f)
		switch {
		case err == nil:
			fails = 0
			continue
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the run's end, not the sink's failure
		}
		r.stats.count(&r.stats.s.FramesDropped)
		// A file without one of its pictures is not the file that was asked
		// for; a live view is.
		if fails++; r.cfg.Mode == File || fails >= r.cfg.MaxFailures {
			return &StageError{Stage: "sink", Count: fails, Err: err}
		}
	}
	return nil
}

func (r *run) writeOne(ctx context.Context, f redact.Frame) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v}
		}
	}()
	return r.sink.Write(ctx, f)
}

// recycle returns a frame to the pool. The pool has room for all frames.
func (r *run) recycle(f *frame) {
	f.out.Release()
	f.out = redact.Frame{}
	f.moved = f.moved[:0]
	r.free.put(f)
}

// emit hands a redacted frame to the writer. A file waits for it, and so do the
// frames held back at the end of a source; live, the oldest frame that waits is
// dropped.
func (r *run) emit(ctx context.Context, f *frame) error {
	if r.cfg.Mode == File || r.ended {
		select {
		case r.out <- f:
			return nil
		case err := <-r.sinkErr:
			r.sinkErr <- nil
			r.recycle(f)
			return err
		case <-ctx.Done():
			r.recycle(f)
			return ctx.Err()
		}
	}
	for {
		select {
		case r.out <- f:
			return nil
		default:
		}
		select {
		case old := <-r.out:
			r.recycle(old)
			r.stats.count(&r.stats.s.FramesDropped)
		default:
		}
	}
}
