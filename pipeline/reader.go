package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// beforeAll is a time before that of any picture.
const beforeAll = time.Duration(-1 << 62)

// reader fills frames of the pool from a source, on a goroutine of its own, and hands
// them to the event loop.
type reader struct {
	src         Source
	live        bool
	maxFailures int
	pool        *framePool
	ruling      func() uint64 // the ruling in force
	stats       *stats

	frames chan *frame // raw, in the order of the source; closed at its end
	ended  chan error  // how reading ended, once
}

// start starts the goroutine. It ends with the source or with ctx.
func (r *reader) start(ctx context.Context) {
	r.frames, r.ended = make(chan *frame, arrived), make(chan error, 1)
	go func() {
		r.ended <- r.read(ctx)
		close(r.frames)
	}()
}

func (r *reader) read(ctx context.Context) error {
	lost, last := 0, beforeAll
	var failed error
	for {
		f := r.pool.get(ctx)
		if f == nil {
			return nil
		}
		f.ruling = r.ruling()
		err := readPicture(ctx, r.src, &f.buf, last)
		if err == nil {
			lost, last = 0, f.buf.Time
			r.stats.count(&r.stats.s.FramesIn)
			r.deliver(ctx, f)
			continue
		}
		r.pool.put(f)
		switch {
		case errors.Is(err, ErrPicture):
			r.stats.count(&r.stats.s.FramesLost)
			lost++
			failed = &StageError{Stage: "source", Count: lost, Err: err}
			// A recording has an end, and what comes behind the damage is wanted.
			if r.live && lost >= r.maxFailures {
				return failed
			}
		case errors.Is(err, io.EOF) && failed != nil && last == beforeAll:
			return failed // there was not one good picture
		case errors.Is(err, io.EOF), ctx.Err() != nil:
			return nil //nolint:nilerr // the end of the source, or of the run
		default:
			return &StageError{Stage: "source", Count: 1, Err: err}
		}
	}
}

// deliver hands a raw frame to the event loop. A file waits for it; a live source drops
// the oldest frame that waits.
func (r *reader) deliver(ctx context.Context, f *frame) {
	if !r.live {
		select {
		case r.frames <- f:
		case <-ctx.Done():
			r.drop(f)
		}
		return
	}
	for {
		select {
		case r.frames <- f:
			return
		default:
		}
		select {
		case old := <-r.frames:
			r.drop(old)
		default:
		}
	}
}

func (r *reader) drop(f *frame) {
	r.pool.put(f)
	r.stats.count(&r.stats.s.FramesDropped)
}

// join waits for the goroutine, which was asked to end.
func (r *reader) join() error { return join("source", r.ended) }

// readPicture reads one picture, whose time must be after last. A panic of the source
// is an error.
func readPicture(ctx context.Context, src Source, b *Buffer, last time.Duration) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v}
		}
	}()
	b.Native.X, b.Native.Y = 0, 0
	if err := src.Read(ctx, b); err != nil {
		return err
	}
	if b.pic == nil || b.pic.Rect.Empty() {
		return fmt.Errorf("%w: it has no pixels", ErrPicture)
	}
	if b.Time <= last {
		return fmt.Errorf("%w: its time %v is not after that of the picture before, %v", ErrPicture, b.Time, last)
	}
	return nil
}
