package mediadev

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"sync"
	"time"

	"github.com/pion/mediadevices/pkg/io/video"

	"github.com/hedgecam/hedge/internal/nodump"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// Options adjust a [Reader]. They begin as [DefaultOptions]; a zero means zero.
type Options struct {
	SourceOptions
	// FollowSize says that the encoder follows when the pictures change their
	// size. It defaults to a *FormatError from Read.
	FollowSize bool
	// Drain is how long the pictures held back at the camera's end wait for
	// somebody to read them: with 0 those that nobody waits for are lost. It defaults to one
	// second.
	Drain time.Duration
}

// DefaultOptions returns the options to begin with.
func DefaultOptions() Options { return Options{Drain: time.Second} }

// Transform returns a function that makes readers of redacted pictures out of
// readers of raw ones; see [NewReader]. p serves one reader at a time: the Read
// of a second one returns pipeline.ErrRunning, unless the first has come to its
// camera's end.
func Transform(p *pipeline.Pipeline) video.TransformFunc { return TransformWith(p, DefaultOptions()) }

// TransformWith is [Transform] with options.
func TransformWith(p *pipeline.Pipeline, o Options) video.TransformFunc {
	var turn turn
	return func(r video.Reader) video.Reader {
		t := NewReader(p, r, o)
		t.of = &turn
		return t
	}
}

// turn is which of a transform's readers the pipeline serves.
type turn struct {
	mu  sync.Mutex
	now *Reader
}

// take makes it t's turn, if the reader before has come to its camera's end. Its
// pictures are dropped: an encoder that was closed reads no more.
func (u *turn) take(t *Reader) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if b := u.now; b != nil {
		select {
		case <-b.done:
		case <-b.src.over:
			if err := b.Close(); err != nil {
				return err
			}
		default:
			return pipeline.ErrRunning
		}
	}
	u.now = t
	return nil
}

// Reader reads from a camera through a pipeline. It is a video.Reader of
// redacted pictures.
type Reader struct {
	p    *pipeline.Pipeline
	src  *Source
	opts Options
	of   *turn // of the transform that made it, if one did

	start  sync.Once
	ctx    context.Context // the run's; cancelled by Close
	cancel context.CancelFunc
	frames chan redact.Frame // from the pipeline
	taken  chan struct{}     // the frame was copied
	done   chan struct{}     // closed when the pipeline has ended, after err was set
	joined chan struct{}     // closed when all goroutines have ended, after closeErr was set

	err, closeErr error

	// mu is held by a Read under way.
	mu    sync.Mutex
	size  image.Point
	ring  [2]image.YCbCr // handed out in turn; never holds a raw picture
	next  int            // in ring
	final error
}

// NewReader returns a reader of r's pictures, redacted by p. It runs the
// pipeline from its first Read on.
func NewReader(p *pipeline.Pipeline, r video.Reader, o Options) *Reader {
	t := &Reader{p: p, src: NewSource(r, o.SourceOptions), opts: o,
		frames: make(chan redact.Frame), taken: make(chan struct{}),
		done: make(chan struct{}), joined: make(chan struct{})}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t
}

func nothing() {}

// Read returns the next redacted picture: an *image.YCbCr, 4:2:0 of limited
// range with tight strides and origin (0,0). It is the caller's until the
// release function is called, and otherwise until the second Read after; its
// memory then holds a later redacted picture. Read allocates nothing once the
// pictures have their size.
//
// Errors, each of which is the end: io.EOF after the camera's end, after
// Pipeline.Stop and after Close; *[FormatError]; *pipeline.StageError, which
// holds the camera's error if that is what failed; pipeline.ErrRunning;
// pipeline.ErrClosed.
func (t *Reader) Read() (image.Image, func(), error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.final != nil {
		return nil, nothing, t.final
	}
	t.start.Do(func() { go t.run() })
	select {
	case f := <-t.frames:
		pic, err := t.keep(f)
		t.taken <- struct{}{}
		if err == nil {
			return pic, nothing, nil
		}
		t.final = err
		t.cancel()
	case <-t.done:
		t.final = t.err
	}
	return nil, nothing, t.final
}

// keep copies a frame into memory that is the reader's own.
func (t *Reader) keep(f redact.Frame) (*image.YCbCr, error) {
	src := f.Picture()
	if src == nil {
		return nil, errors.New("mediadev: the pipeline handed over a frame without a picture")
	}
	size := f.Size()
	switch {
	case size == t.size:
	case t.size == image.Point{} || t.opts.FollowSize:
		t.size = size
	default:
		return nil, &FormatError{Format: fmt.Sprintf("%dx%d", size.X, size.Y), Was: t.size}
	}
	dst := &t.ring[t.next]
	t.next = (t.next + 1) % len(t.ring)
	if dst.Rect.Size() != size {
		*dst = *nodump.Picture(size.X, size.Y)
	}
	cw, ch := (size.X+1)/2, (size.Y+1)/2
	copyPlane(dst.Y, dst.YStride, src.Y, src.YStride, size.X, size.Y)
	copyPlane(dst.Cb, dst.CStride, src.Cb, src.CStride, cw, ch)
	copyPlane(dst.Cr, dst.CStride, src.Cr, src.CStride, cw, ch)
	return dst, nil
}

// run is the goroutine of the pipeline's run.
func (t *Reader) run() {
	defer close(t.joined)
	t.err = t.ended(t.serve())
	close(t.done)
	t.closeErr = t.src.Close()
	t.cancel()
}

func (t *Reader) serve() error {
	if t.of != nil {
		if err := t.of.take(t); err != nil {
			return err
		}
	}
	return t.p.Run(t.ctx, t.src, newSink(t))
}

// ended returns what Read says after Run has returned err.
func (t *Reader) ended(err error) error {
	switch {
	case err == nil, t.ctx.Err() != nil:
		return io.EOF
	case errors.Is(err, context.Canceled):
		return pipeline.ErrClosed
	}
	return err
}

// Close ends the run of the pipeline and a Read under way, and waits for its
// goroutines; Read then returns io.EOF. It closes neither the pipeline nor the
// camera. It returns [ErrBlocked] if the camera's Read does not return within a
// second. It may be called more than once.
func (t *Reader) Close() error {
	t.cancel()
	t.start.Do(func() {
		t.err = io.EOF
		close(t.done)
		close(t.joined)
	})
	<-t.joined
	return t.closeErr
}

// sink hands frames from the pipeline to Read.
type sink struct {
	t         *Reader
	abandoned bool

	mu      sync.Mutex
	waiting bool          // a Write waits
	giveUp  chan struct{} // tells it to give its frame up
}

func newSink(t *Reader) *sink { return &sink{t: t, giveUp: make(chan struct{}, 1)} }

// Write waits until the frame was read, but at the camera's end not for ever:
// an encoder that was closed reads no more.
func (s *sink) Write(ctx context.Context, f redact.Frame) error {
	if s.abandoned {
		return ErrNotRead
	}
	s.waits(true)
	defer s.waits(false)
	select {
	case s.t.frames <- f:
		<-s.t.taken
		return nil
	case <-s.giveUp:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.t.src.over:
	}
	late := time.NewTimer(s.t.opts.Drain)
	defer late.Stop()
	select {
	case s.t.frames <- f:
		<-s.t.taken
		return nil
	case <-s.giveUp:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-late.C:
		s.abandoned = true
		return ErrNotRead
	}
}

// waits notes whether a Write waits.
func (s *sink) waits(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = is
	select {
	case <-s.giveUp: // it was too late for the last one
	default:
	}
}

// Flush implements pipeline.Flusher: a frame that waits to be read is given up.
func (s *sink) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting {
		select {
		case s.giveUp <- struct{}{}:
		default: // it was told
		}
	}
}
