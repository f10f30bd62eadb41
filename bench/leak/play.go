package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// played is what came of one recording.
type played struct {
	decoded  int // pictures that the source had, damaged ones included
	shots    []shot
	stats    pipeline.Stats
	wall     time.Duration
	decision *pipeline.Decision // of a recording in two passes
	lag      time.Duration      // how late the source was, at most, in live mode
}

// play runs a clip or picture through a pipeline of its own. rate, in frames
// per second, replaces the recording's times; 0 leaves them. w may be nil.
func play(ctx context.Context, path string, c pipeline.Config, rate float64, w *watcher) (p *played, err error) {
	err = open(ctx, path, func(src *ffmpeg.Source) (err error) {
		if w != nil {
			w.size, w.later = src.Info().Size, c.Mode == pipeline.Live
		}
		p, err = playSource(ctx, src, c, rate, w)
		return err
	})
	return p, err
}

// open opens a recording for as long as do reads it.
func open(ctx context.Context, path string, do func(*ffmpeg.Source) error) error {
	src, err := ffmpeg.Open(ctx, path, ffmpeg.Options{})
	if err != nil {
		return err
	}
	return errors.Join(do(src), src.Close())
}

// pictures calls do with each picture of a recording, whose number in decode order counts
// from 1, until do returns io.EOF or another error. Damaged pictures are left out.
func pictures(ctx context.Context, path string, do func(n int, pic *image.YCbCr) error) error {
	return open(ctx, path, func(src *ffmpeg.Source) error {
		var b pipeline.Buffer
		for n := 1; ; n++ {
			err := src.Read(ctx, &b)
			if err == nil {
				// Resizing to the buffer's own size changes nothing.
				err = do(n, b.Resize(src.Info().Size.X, src.Info().Size.Y))
			}
			switch {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil && !errors.Is(err, pipeline.ErrPicture):
				return fmt.Errorf("frame %d of %s: %w", n, filepath.Base(path), err)
			}
		}
	})
}

func playSource(ctx context.Context, src pipeline.Source, c pipeline.Config, rate float64, w *watcher) (*played, error) {
	p, err := pipeline.New(c)
	if err != nil {
		return nil, err
	}
	counted := &counter{src: src, rate: rate, live: c.Mode == pipeline.Live, frames: map[time.Duration]int{}, watcher: w}
	masks := &masks{frameAt: counted.frameAt, watcher: w}
	start := time.Now()
	err = p.Run(ctx, counted, masks)
	out := &played{
		decoded: counted.frame, shots: masks.shots, stats: p.Stats(),
		wall: time.Since(start), lag: counted.lag,
	}
	return out, errors.Join(err, p.Close(), w.end())
}

// counter numbers the pictures of a source in decode order, gives them the
// times of a constant rate if it has one, and in live mode hands each out at
// its time by the wall clock and no earlier.
type counter struct {
	src  pipeline.Source
	rate float64
	live bool

	watcher *watcher // of the pictures themselves; may be nil

	start time.Time
	lag   time.Duration

	mu     sync.Mutex
	frame  int // the newest
	frames map[time.Duration]int
}

// Read implements pipeline.Source.
func (c *counter) Read(ctx context.Context, b *pipeline.Buffer) error {
	err := c.src.Read(ctx, b)
	if err != nil {
		if errors.Is(err, pipeline.ErrPicture) {
			c.mu.Lock()
			c.frame++
			c.mu.Unlock()
		}
		return err
	}
	c.mu.Lock()
	if c.rate > 0 {
		b.Time = time.Duration(float64(c.frame) / c.rate * float64(time.Second))
	}
	c.frame++
	c.frames[b.Time] = c.frame
	frame := c.frame
	c.mu.Unlock()
	c.watcher.in(frame, b)
	if c.live {
		return c.wait(ctx, b.Time)
	}
	return nil
}

// wait returns at the wall clock time of a picture.
func (c *counter) wait(ctx context.Context, at time.Duration) error {
	if c.start.IsZero() {
		c.start = time.Now().Add(-at)
	}
	due := c.start.Add(at)
	c.lag = max(c.lag, time.Since(due))
	sleep, cancel := context.WithDeadline(ctx, due)
	defer cancel()
	<-sleep.Done()
	return ctx.Err()
}

// frameAt returns the number of the picture of the given time, 0 if there is
// none.
func (c *counter) frameAt(at time.Duration) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.frames[at]
}

// masks is a sink that keeps the mask of each frame and none of its pixels.
type masks struct {
	frameAt func(time.Duration) int
	watcher *watcher
	shots   []shot
}

// Write implements pipeline.Sink.
func (c *masks) Write(_ context.Context, f redact.Frame) error {
	n := c.frameAt(f.Time())
	if n == 0 {
		return fmt.Errorf("a frame went out at %v, where the source had none", f.Time())
	}
	c.shots = append(c.shots, shot{frame: n, at: f.Time(), failed: f.Mask().Counts().Failed, mask: copyMask(f)})
	return c.watcher.out(n, f)
}
