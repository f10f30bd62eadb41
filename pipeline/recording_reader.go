package pipeline

import (
	"context"
	"errors"
	"io"
)

// recordingReader reads a recording ahead of who uses its pictures, on a goroutine of
// its own.
type recordingReader struct {
	free, full chan *Buffer
	ended      chan error // how reading ended, once
	end        error      // io.EOF, or why it ended; valid once full is closed
	count      *stats     // nil if the pictures are not to be counted
}

// readRecording starts to read. Up to prefetched pictures wait, and as many as used may be
// with who takes them.
func readRecording(ctx context.Context, count *stats, src Source, used int) *recordingReader {
	r := &recordingReader{
		// And one is in the source's hand.
		free: make(chan *Buffer, prefetched+used+1), full: make(chan *Buffer, prefetched),
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
func (r *recordingReader) read(ctx context.Context, src Source) error {
	last := beforeAll
	for {
		var b *Buffer
		select {
		case b = <-r.free:
		case <-ctx.Done():
			return ctx.Err()
		}
		err := readPicture(ctx, src, b, last)
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

// next returns the next picture, or io.EOF. The caller recycles it.
func (r *recordingReader) next(ctx context.Context) (*Buffer, error) {
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
func (r *recordingReader) recycle(b *Buffer) { r.free <- b }

// join waits for the goroutine, whose context has ended or which has read all.
func (r *recordingReader) join() error { return join("source", r.ended) }
