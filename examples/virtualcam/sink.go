package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// errNobody says that nobody takes pictures just now.
var errNobody = errors.New("nobody reads")

// taker is who takes the pictures: the reading end of a pipe, somewhere.
type taker struct {
	// pipe takes a YUV4MPEG2 stream.
	pipe *os.File
	// end is called after pipe was closed, and frees the rest.
	end func() error
}

func (t *taker) close() error { return errors.Join(t.pipe.Close(), t.end()) }

// retryAfter is how long, in the time of frames, a way out that has failed is
// left alone.
const retryAfter = time.Second

// sink hands redacted frames to a taker that may come and go. While there is
// none, frames are dropped and counted. It is a pipeline.Sink.
type sink struct {
	open func() (*taker, error)
	rate int
	// aspect returns the width of a pixel over its height, if that is known; nil
	// is square pixels.
	aspect func() ffmpeg.Rational
	log    *slog.Logger

	to       *taker
	size     image.Point   // of the stream that to is getting
	failed   bool          // the last attempt to open failed, at failedAt
	failedAt time.Duration // time of the frame

	// Counters, for everybody.
	written, unseen, connects atomic.Uint64
}

// Write implements pipeline.Sink. A taker that is not there, goes away or fails
// is no error: the next frames look for another.
func (s *sink) Write(ctx context.Context, f redact.Frame) error {
	if !f.Valid() {
		return errors.New("the frame is empty or was released")
	}
	if s.to != nil && s.size != f.Size() {
		s.leave(fmt.Errorf("the picture has a new size, %v: the stream begins again", f.Size()))
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
		s.leave(err)
		s.unseen.Add(1)
		return ctx.Err()
	}
	s.written.Add(1)
	return nil
}

// put writes a frame, after the header if it is the first of the stream.
func (s *sink) put(f redact.Frame) error {
	if s.size == (image.Point{}) {
		square := ffmpeg.Rational{Num: 1, Den: 1}
		aspect := square
		if s.aspect != nil {
			aspect = s.aspect()
		}
		if !aspect.Known() {
			aspect = square
		}
		if err := writeHeader(s.to.pipe, f.Size(), aspect, s.rate); err != nil {
			return err
		}
		s.size = f.Size()
	}
	return writeFrame(s.to.pipe, f)
}

// connect looks for a taker.
func (s *sink) connect(f redact.Frame) bool {
	if since := f.Time() - s.failedAt; s.failed && since >= 0 && since < retryAfter {
		return false
	}
	to, err := s.open()
	s.failed = err != nil && !errors.Is(err, errNobody)
	if s.failed {
		s.failedAt = f.Time()
		s.log.Warn("cannot hand pictures on; trying again", "reason", err)
	}
	if err != nil {
		return false
	}
	s.to, s.size = to, image.Point{}
	s.connects.Add(1)
	s.log.Info("somebody reads")
	return true
}

// leave gives a taker up.
func (s *sink) leave(why error) {
	err := s.to.close()
	s.to = nil
	s.log.Info("the reader is gone", "reason", errors.Join(why, err))
}

// Close implements pipeline.Sink.
func (s *sink) Close() error {
	if s.to == nil {
		return nil
	}
	err := s.to.close()
	s.to = nil
	return err
}
