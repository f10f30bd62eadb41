package main

import (
	"context"
	"image"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// clock is a source that remembers when its pictures came.
type clock struct {
	pipeline.Source
	base   atomic.Int64 // wall clock at the source's time 0, in ns; 0 is unknown
	newest atomic.Int64 // source time of the newest picture
}

// Read implements pipeline.Source.
func (c *clock) Read(ctx context.Context, b *pipeline.Buffer) error {
	err := c.Source.Read(ctx, b)
	if err == nil {
		c.base.Store(time.Now().UnixNano() - int64(b.Time))
		c.newest.Store(int64(b.Time))
	}
	return err
}

// gate is the pipeline's sink: it keeps the count of what is hidden, and lets
// frames pass to the broadcaster while the bell allows it.
type gate struct {
	broadcaster *stream.Broadcaster
	bell        *bell // nil: always open
	// tally counts what is hidden; nil counts nothing.
	tally *tally
	// keepWaiting: what waits to be sent or written is not thrown away.
	keepWaiting atomic.Bool
	// sized is told of the size of pictures, in pixels, when it changes; nil is told nothing.
	sized func(image.Point)
	size  image.Point // of the last one; the pipeline's

	mu   sync.Mutex
	seen seen
}

// seen is what the newest frame was like.
type seen struct {
	At             time.Time // zero: there was none
	Counts         redact.Counts
	Hidden         float64 // share of the picture
	Outside        float64 // share of the picture hidden because of where it is
	Whole          bool    // the whole picture is hidden
	Frames, Passed uint64
}

// Write implements pipeline.Sink.
func (g *gate) Write(ctx context.Context, f redact.Frame) error {
	mask := f.Mask()
	s := seen{At: time.Now(), Counts: mask.Counts(), Hidden: mask.Hidden(), Whole: f.Hidden()}
	if blocks := mask.Size().X * mask.Size().Y; blocks > 0 {
		s.Outside = float64(s.Counts.Outside) / float64(blocks)
	}
	if size := f.Size(); g.sized != nil && size != g.size {
		g.size = size
		g.sized(size)
	}
	if g.tally != nil {
		g.tally.add(&s)
	}
	pass := g.bell == nil || g.bell.passes(f.Time())
	g.mu.Lock()
	s.Frames, s.Passed = g.seen.Frames+1, g.seen.Passed
	if pass {
		s.Passed++
	}
	g.seen = s
	g.mu.Unlock()
	if !pass {
		return nil
	}
	return g.broadcaster.Write(ctx, f)
}

// Flush implements pipeline.Flusher.
func (g *gate) Flush() {
	if g.keepWaiting.Load() {
		g.broadcaster.Forget() // who asks for one picture gets one of now
		return
	}
	g.broadcaster.Flush()
}

func (g *gate) last() seen {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen
}
