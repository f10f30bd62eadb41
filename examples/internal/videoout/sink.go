package videoout

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// errNobody says that nobody takes pictures just now.
var errNobody = errors.New("nobody reads")

// output is a way to a reader: the writing end of a pipe.
type output struct {
	// pipe takes a YUV4MPEG2 stream.
	pipe *os.File
	// end is called after pipe was closed, and frees the rest.
	end func() error
	// leaves says that whoever reads may leave in order, by closing the pipe.
	leaves bool
}

func (o *output) close() error { return errors.Join(o.pipe.Close(), o.end()) }

// In the time of frames: retryAfter is how long a way out that has failed is left alone,
// steadyAfter how long it then has to take frames until it counts as working.
const retryAfter, steadyAfter = time.Second, 10 * time.Second

// Options say what readers are told.
type Options struct {
	// Rate is in pictures per second.
	Rate int
	// Aspect returns the width of a pixel over its height, if that is known. It
	// defaults to square pixels.
	Aspect func() ffmpeg.Rational
	// Log is told when a reader comes and goes, and why pictures cannot be handed on:
	// each reason once, until that works again.
	Log *slog.Logger
}

// Sink hands redacted frames to a reader that may come and go. While there is none,
// frames are dropped and counted. It is a pipeline.Sink.
type Sink struct {
	o      Options
	open   func() (*output, error)
	remove func() error // what the target made

	to       *output
	size     image.Point   // of the stream that to is getting
	since    time.Duration // time of that stream's first frame
	failed   bool          // the last stream, or attempt to open one, failed at failedAt
	failedAt time.Duration // time of the frame
	told     string        // why pictures cannot be handed on; "": they can

	// Counters, for everybody.
	written, unseen, connects atomic.Uint64
}

// Open makes the pipe, or looks for the device. Close removes a pipe that it made. The
// error is ErrKind, or that of the operating system.
func Open(t Target, o Options) (*Sink, error) {
	open, err := t.prepare()
	if err != nil {
		return nil, err
	}
	return newSink(open, t.remove, o), nil
}

func newSink(open func() (*output, error), remove func() error, o Options) *Sink {
	if o.Aspect == nil {
		o.Aspect = func() ffmpeg.Rational { return ffmpeg.Rational{} }
	}
	return &Sink{o: o, open: open, remove: remove}
}

// Write implements pipeline.Sink. A reader that is not there, goes away or fails
// is no error: the next frames look for another, a second later if it failed.
func (s *Sink) Write(ctx context.Context, f redact.Frame) error {
	if !f.Valid() {
		return errors.New("the frame is empty or was released")
	}
	if s.to != nil && s.size != f.Size() {
		s.gone(s.leave(fmt.Errorf("the picture has a new size, %v: the stream begins again", f.Size())))
	}
	if s.to == nil && !s.connect(f) {
		s.unseen.Add(1)
		return nil
	}
	// A reader that stands still must not keep the program from ending.
	pipe := s.to.pipe
	stop := context.AfterFunc(ctx, func() { _ = pipe.SetWriteDeadline(time.Unix(0, 1)) }) // fails on a closed pipe only
	err := s.put(f)
	stop()
	if err != nil {
		inOrder := ctx.Err() != nil || s.to.leaves && errors.Is(err, syscall.EPIPE)
		if err = s.leave(err); inOrder {
			s.gone(err)
		} else {
			s.fail(f, err)
		}
		s.unseen.Add(1)
		return ctx.Err()
	}
	s.written.Add(1)
	if s.since = min(s.since, f.Time()); s.told != "" && f.Time()-s.since >= steadyAfter {
		s.works()
	}
	return nil
}

// put writes a frame, after the header if it is the first of the stream.
func (s *Sink) put(f redact.Frame) error {
	if s.size == (image.Point{}) {
		aspect := s.o.Aspect()
		if !aspect.Known() {
			aspect = ffmpeg.Rational{Num: 1, Den: 1}
		}
		if err := writeHeader(s.to.pipe, f.Size(), aspect, s.o.Rate); err != nil {
			return err
		}
		s.size = f.Size()
	}
	return writeFrame(s.to.pipe, f)
}

// connect looks for a reader.
func (s *Sink) connect(f redact.Frame) bool {
	if since := f.Time() - s.failedAt; s.failed && since >= 0 && since < retryAfter {
		return false
	}
	s.failed = false
	to, err := s.open()
	switch {
	case errors.Is(err, errNobody):
		s.works()
		return false
	case err != nil:
		s.fail(f, err)
		return false
	}
	s.to, s.size, s.since = to, image.Point{}, f.Time()
	s.connects.Add(1)
	if s.told == "" {
		s.o.Log.Info("somebody reads")
	}
	return true
}

// leave gives a reader up. It returns why, with what the reader says about it.
func (s *Sink) leave(why error) error {
	err := errors.Join(why, s.to.close())
	s.to = nil
	return err
}

// gone tells of a reader that was left.
func (s *Sink) gone(why error) {
	if s.told == "" {
		s.o.Log.Info("the reader is gone", "reason", why)
	}
}

// fail notes that a frame could not be handed on, and tells of it if that is news.
func (s *Sink) fail(f redact.Frame, why error) {
	s.failed, s.failedAt = true, f.Time()
	if text := why.Error(); text != s.told {
		s.told = text
		s.o.Log.Warn("cannot hand pictures on; trying again", "reason", why)
	}
}

// works notes that frames can be handed on, and tells of it if that is news.
func (s *Sink) works() {
	if s.told != "" {
		s.told = ""
		s.o.Log.Info("pictures can be handed on again")
	}
}

// Close ends the stream and removes the pipe. It may be called more than once.
func (s *Sink) Close() error {
	var err error
	if s.to != nil {
		err = s.to.close()
		s.to = nil
	}
	remove := s.remove
	s.remove = func() error { return nil }
	return errors.Join(err, remove())
}
