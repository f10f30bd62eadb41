package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// singleKind is a kind of single fault. Of its funcs only one is there: what a detector
// does in place of its work, what happens to a picture before it is made, what the sink
// does before it takes a frame, or what the owner does. The first three are called only
// while the fault lasts.
type singleKind struct {
	name     string
	hangs    bool // a timeout ends it
	detector func(*trial) detecttest.Func
	source   func(ctx context.Context, t *trial, size *image.Point, at *time.Duration) error
	leap     time.Duration // by which the clock is ahead afterwards
	sink     func(context.Context, *trial) error
	owner    func(t *trial, p *pipeline.Pipeline, old *redact.Policy) func(n int)
}

var errFault = errors.New("a fault of the soak")

// always makes a detector's fault of a func that needs nothing to be known.
func always(f detecttest.Func) func(*trial) detecttest.Func {
	return func(*trial) detecttest.Func { return f }
}

// stamped makes a source's fault of a change of the time stamp.
func stamped(f func(t *trial, at time.Duration) time.Duration) func(context.Context, *trial, *image.Point, *time.Duration) error {
	return func(_ context.Context, t *trial, _ *image.Point, at *time.Duration) error {
		*at = f(t, *at)
		return nil
	}
}

// failing makes a source's fault of an error.
func failing(err error) func(context.Context, *trial, *image.Point, *time.Duration) error {
	return func(context.Context, *trial, *image.Point, *time.Duration) error { return err }
}

// hour is how far a clock leaps.
const hour = time.Hour

var singleKinds = []singleKind{
	{name: "detector: error", detector: always(detecttest.Fail(errFault))},
	{name: "detector: panic", detector: always(detecttest.Panic("soak"))},
	{name: "detector: hangs", hangs: true, detector: always(detecttest.Hang())},
	{name: "detector: late", detector: func(t *trial) detecttest.Func {
		return detecttest.Slow(5*time.Millisecond, detecttest.Fail(errFault))
	}},
	{name: "detector: not a number", detector: always(detecttest.NaN(detect.Person))},
	{name: "detector: infinite", detector: always(detecttest.Infinite(detect.Face))},
	{name: "detector: no score", detector: always(detecttest.BadScore(detect.Plate))},
	{name: "detector: empty box", detector: always(detecttest.Empty(detect.Person))},
	{name: "detector: box outside", detector: always(detecttest.Outside(detect.Person))},
	{name: "detector: wrong class", detector: always(detecttest.WrongClass())},

	{name: "source: damaged pictures", source: failing(fmt.Errorf("%w: soak", pipeline.ErrPicture))},
	{name: "source: breaks off", source: failing(errFault)},
	{name: "source: panic", source: func(context.Context, *trial, *image.Point, *time.Duration) error { panic("soak") }},
	{name: "source: stalls", source: func(ctx context.Context, _ *trial, _ *image.Point, _ *time.Duration) error {
		return wait(ctx, 5*time.Millisecond)
	}},
	{name: "source: another size", source: func(_ context.Context, _ *trial, size *image.Point, _ *time.Duration) error {
		*size = size.Mul(2)
		return nil
	}},
	{name: "source: another aspect ratio", source: func(_ context.Context, _ *trial, size *image.Point, _ *time.Duration) error {
		size.X, size.Y = size.Y, size.X
		return nil
	}},

	{name: "clock: leaps ahead for good", leap: hour, source: stamped(func(_ *trial, at time.Duration) time.Duration { return at + hour })},
	{name: "clock: leaps back for a while", source: stamped(func(_ *trial, at time.Duration) time.Duration { return at - time.Minute })},
	{name: "clock: stands still", source: stamped(func(t *trial, _ time.Duration) time.Duration { return time.Duration(t.from-1) * interval })},
	{name: "clock: hardly rises", source: stamped(func(t *trial, at time.Duration) time.Duration {
		return time.Duration(t.from-1)*interval + (at-time.Duration(t.from-1)*interval)/10000
	})},

	{name: "sink: disk full", sink: func(context.Context, *trial) error { return fmt.Errorf("write: %w", syscall.ENOSPC) }},
	{name: "sink: broken pipe", sink: func(context.Context, *trial) error { return fmt.Errorf("write: %w", syscall.EPIPE) }},
	{name: "sink: panic", sink: func(context.Context, *trial) error { panic("soak") }},
	{name: "sink: slow", sink: func(ctx context.Context, _ *trial) error { return wait(ctx, 5*time.Millisecond) }},

	{name: "policy: everything hidden, and shown again", owner: func(t *trial, p *pipeline.Pipeline, old *redact.Policy) func(int) {
		return t.once(func() error {
			err := p.SetPolicy(nil)
			t.closed.Store(true)
			return err
		}, func() error {
			t.closed.Store(false)
			return p.SetPolicy(old)
		})
	}},
	{name: "policy: cannot be used", owner: func(t *trial, p *pipeline.Pipeline, _ *redact.Policy) func(int) {
		return t.once(func() error {
			if p.SetPolicy(&redact.Policy{Version: 7}) == nil {
				return errors.New("a policy of no known version was taken")
			}
			return nil
		}, nil)
	}},
	{name: "policy: a looser one is tried out", owner: func(t *trial, p *pipeline.Pipeline, _ *redact.Policy) func(int) {
		shows := &redact.Policy{Version: 1, Property: []redact.Polygon{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}}}}
		nobody := pipeline.SinkFunc(func(context.Context, redact.Frame) error { return nil })
		return t.once(func() error { return p.SetPreview(shows, nobody) }, func() error { return p.SetPreview(nil, nil) })
	}},
	{name: "program: is told to stop", owner: func(t *trial, p *pipeline.Pipeline, _ *redact.Policy) func(int) {
		return t.once(func() error { p.Stop(); return nil }, nil)
	}},
}

// once returns what calls begin at the first picture of the fault and end, which may be
// nil, at the first one after it. What they complain of counts as a raw block: it must
// not happen.
func (t *trial) once(begin, end func() error) func(n int) {
	var begun, ended atomic.Bool
	return func(n int) {
		var err error
		if n >= t.from && begun.CompareAndSwap(false, true) {
			err = begin()
		}
		if n >= t.till && end != nil && ended.CompareAndSwap(false, true) {
			err = errors.Join(err, end())
		}
		if err != nil {
			t.mu.Lock()
			t.raw++
			t.mu.Unlock()
		}
	}
}
