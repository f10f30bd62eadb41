package main

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

type counter = atomic.Int64

// camera is a source of a fixed number of frames that notes when each came.
type camera struct {
	pipeline.Source
	frames int
	hooks  map[int]func() // called before the frame of that number is read

	mu   sync.Mutex
	pts  []time.Duration
	came []time.Time
}

// newCamera returns a source of the first frames of src. The hook of the number
// frames is called at the end.
func newCamera(src pipeline.Source, frames int, hooks map[int]func()) *camera {
	return &camera{Source: src, frames: frames, hooks: hooks,
		pts: make([]time.Duration, 0, frames), came: make([]time.Time, 0, frames)}
}

// Read implements pipeline.Source.
func (c *camera) Read(ctx context.Context, b *pipeline.Buffer) error {
	// Only this goroutine appends.
	n := len(c.pts)
	if hook := c.hooks[n]; hook != nil {
		delete(c.hooks, n)
		hook()
	}
	if n == c.frames {
		return io.EOF
	}
	if err := c.Source.Read(ctx, b); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pts, c.came = append(c.pts, b.Time), append(c.came, time.Now())
	return nil
}

// releaser returns the number of the frame of the given presentation time, at or
// after number from, and when the frame came whose arrival lets it go out, the
// frame held back at most longest; false if none came.
func (c *camera) releaser(from int, pts time.Duration) (n int, came time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n = from
	for n < len(c.pts) && c.pts[n] != pts {
		n++
	}
	if n+lookAhead >= len(c.came) {
		return n, time.Time{}, false
	}
	return n, c.came[n+lookAhead], true
}

// encoder is a sink that notes how long each frame was under way after its
// look-ahead had ended.
type encoder struct {
	*ffmpeg.Sink
	camera      *camera
	warm        int
	next        int
	times       []float64 // milliseconds
	written     int       // from the warm-up on
	first, last time.Time
}

// Write implements pipeline.Sink.
func (e *encoder) Write(ctx context.Context, f redact.Frame) error {
	pts := f.Time()
	if err := e.Sink.Write(ctx, f); err != nil {
		return err
	}
	now := time.Now()
	n, came, ok := e.camera.releaser(e.next, pts)
	e.next = n + 1
	if n < e.warm || !ok {
		return nil
	}
	e.times = append(e.times, ms(now.Sub(came)))
	if e.written == 0 {
		e.first = now
	}
	e.written, e.last = e.written+1, now
	return nil
}

// rate returns the frames written a second.
func (e *encoder) rate() float64 {
	return float64(e.written-1) / e.last.Sub(e.first).Seconds()
}
