package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// reader reads a source ahead of who uses its pictures, on a goroutine of its own.
type reader struct {
	free, full chan *Buffer
	ended      chan error // how reading ended, once
	end        error      // io.EOF, or why it ended; valid once full is closed
	count      *stats     // nil if the pictures are not to be counted
}

// newReader starts to read. Up to ahead pictures wait, and as many as used may be with
// who takes them.
func newReader(ctx context.Context, count *stats, src Source, ahead, used int) *reader {
	r := &reader{
		// And one is in the source's hand.
		free: make(chan *Buffer, ahead+used+1), full: make(chan *Buffer, ahead),
		ended: make(chan error, 1), count: count,
	}
	for range cap(r.free) {
		r.free <- &Buffer{}
	}
	go func() {
		r.end = r.read(ctx, src)
		close(r.full)
		r.ended <- nil
	}()
	return r
}

// read ends with the source: a recording has an end, and what comes behind pictures
// that cannot be decoded is wanted, however many they are.
func (r *reader) read(ctx context.Context, src Source) error {
	last := time.Duration(-1 << 62)
	for {
		var b *Buffer
		select {
		case b = <-r.free:
		case <-ctx.Done():
			return ctx.Err()
		}
		err := readOne(ctx, src, b)
		if err == nil && b.Time <= last {
			err = fmt.Errorf("%w: its time %v is not after that of the picture before, %v", ErrPicture, b.Time, last)
		}
		switch {
		case err == nil:
			last = b.Time
			if r.count != nil {
				r.count.count(&r.count.s.FramesIn)
			}
			select {
			case r.full <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
			continue
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, io.EOF):
			return io.EOF
		case !errors.Is(err, ErrPicture):
			return &StageError{Stage: "source", Count: 1, Err: err}
		}
		r.free <- b
		if r.count != nil {
			r.count.count(&r.count.s.FramesLost)
		}
	}
}

// readOne reads one picture; a panic of the source is an error.
func readOne(ctx context.Context, src Source, b *Buffer) (err error) {
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
	return nil
}

// next returns the next picture, or io.EOF. The caller recycles it.
func (r *reader) next(ctx context.Context) (*Buffer, error) {
	select {
	case b, ok := <-r.full:
		if !ok {
			return nil, r.end
		}
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// recycle gives a picture back.
func (r *reader) recycle(b *Buffer) { r.free <- b }

// join waits for the goroutine, whose context has ended or which has read all.
func (r *reader) join() error { return join("source", r.ended) }
