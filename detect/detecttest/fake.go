package detecttest

import (
	"context"
	"image"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// Func is what a [Fake] does in its call'th Detect, counted from 0. It has the
// duties of detect.Detector.Detect, or breaks them on purpose.
type Func func(ctx context.Context, call int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error)

// Fake is a detector that does as it is told. It keeps the parts of the
// contract that a Func does not break: it refuses pictures that are no
// pictures, a done context and use after Close, and Close waits for a Detect
// under way.
type Fake struct {
	classes detect.ClassSet
	f       Func
	calls   atomic.Int64
	closes  atomic.Int64

	mu     sync.Mutex
	closed bool
}

// New makes a Fake that promises the classes and does f.
func New(classes detect.ClassSet, f Func) *Fake { return &Fake{classes: classes, f: f} }

// Name returns "fake", and which classes it looks for.
func (k *Fake) Name() string {
	name := "fake"
	for c := range detect.Class(detect.NumClasses) {
		if k.classes.Has(c) {
			name += "-" + c.String()
		}
	}
	return name
}

// InputSize returns size: a Fake looks at pictures as they are.
func (k *Fake) InputSize(size image.Point) image.Point { return size }

// Classes returns the classes given to New.
func (k *Fake) Classes() detect.ClassSet { return k.classes }

// Calls returns how often Detect reached the Func.
func (k *Fake) Calls() int { return int(k.calls.Load()) }

// Closes returns how often Close was called.
func (k *Fake) Closes() int { return int(k.closes.Load()) }

// Detect implements detect.Detector.
func (k *Fake) Detect(ctx context.Context, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return dst, detect.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return dst, err
	}
	if !readable(pic) {
		return dst, detect.ErrPicture
	}
	return k.f(ctx, int(k.calls.Add(1)-1), pic, dst)
}

// Close implements detect.Detector.
func (k *Fake) Close() error {
	k.closes.Add(1)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	return nil
}

func readable(p *image.YCbCr) bool {
	if p == nil || p.Rect.Empty() || len(p.Y) == 0 || len(p.Cb) == 0 || len(p.Cr) == 0 {
		return false
	}
	for _, r := range supported {
		if p.SubsampleRatio == r {
			return true
		}
	}
	return false
}

// Find reports the same detections in every picture. Boxes count from the
// picture's top left pixel and are cut to the picture.
func Find(dets ...detect.Detection) Func { return Script(dets) }

// Script reports in each call the next of the given lists, and nothing after the
// last; given a single list it repeats that. Boxes are as in Find.
func Script(frames ...[]detect.Detection) Func {
	return func(_ context.Context, call int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		if len(frames) == 1 {
			call = 0
		}
		if call >= len(frames) {
			return dst, nil
		}
		r := pic.Rect
		n := len(dst)
		for _, d := range frames[call] {
			d.Box = d.Box.Shift(float32(r.Min.X), float32(r.Min.Y))
			dst = append(dst, d)
		}
		kept := detect.Clip(dst[n:], detect.Box{X0: float32(r.Min.X), Y0: float32(r.Min.Y), X1: float32(r.Max.X), Y1: float32(r.Max.Y)})
		return dst[:n+len(kept)], nil
	}
}

// Steps does the first Func in the first call, the second in the second, and so
// on; the last one is repeated. Each sees its own calls counted from 0.
func Steps(fs ...Func) Func {
	return func(ctx context.Context, call int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		i := min(call, len(fs)-1)
		return fs[i](ctx, call-i, pic, dst)
	}
}

// Fail returns err.
func Fail(err error) Func {
	return func(_ context.Context, _ int, _ *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		return dst, err
	}
}

// Panic panics with v.
func Panic(v any) Func {
	return func(context.Context, int, *image.YCbCr, []detect.Detection) ([]detect.Detection, error) {
		panic(v)
	}
}

// Hang returns only when its context is done.
func Hang() Func {
	return func(ctx context.Context, _ int, _ *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		<-ctx.Done()
		return dst, ctx.Err()
	}
}

// Stuck does not heed its context: it returns when release is closed, and at
// the latest after limit, with nothing found. So does a Close that waits for it.
func Stuck(release <-chan struct{}, limit time.Duration) Func {
	return func(_ context.Context, _ int, _ *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		select {
		case <-release:
		case <-timer.C:
		}
		return dst, nil
	}
}

// Slow does f after a delay, which a done context cuts short.
func Slow(delay time.Duration, f Func) Func {
	return func(ctx context.Context, call int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return dst, ctx.Err()
		case <-timer.C:
		}
		return f(ctx, call, pic, dst)
	}
}

// The Funcs below break the contract: they report nonsense and no error.

// report adds one detection as it is.
func report(d detect.Detection) Func {
	return func(_ context.Context, _ int, _ *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		return append(dst, d), nil
	}
}

// NaN reports a box with a coordinate that is not a number.
func NaN(c detect.Class) Func {
	return report(detect.Detection{Box: detect.Box{X0: float32(math.NaN()), X1: 10, Y1: 10}, Class: c, Score: 0.9})
}

// Infinite reports a box without end.
func Infinite(c detect.Class) Func {
	return report(detect.Detection{Box: detect.Box{X1: float32(math.Inf(1)), Y1: 10}, Class: c, Score: 0.9})
}

// BadScore reports a score that is not a number.
func BadScore(c detect.Class) Func {
	return report(detect.Detection{Box: detect.Box{X1: 10, Y1: 10}, Class: c, Score: float32(math.NaN())})
}

// Empty reports a box without area.
func Empty(c detect.Class) Func {
	return report(detect.Detection{Box: detect.Box{X0: 5, Y0: 5, X1: 5, Y1: 9}, Class: c, Score: 0.9})
}

// Outside reports a box beside the picture.
func Outside(c detect.Class) Func {
	return func(_ context.Context, _ int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		x, y := float32(pic.Rect.Max.X), float32(pic.Rect.Max.Y)
		return append(dst, detect.Detection{Box: detect.Box{X0: x + 8, Y0: y + 8, X1: x + 24, Y1: y + 40}, Class: c, Score: 0.9}), nil
	}
}

// WrongClass reports a class that does not exist.
func WrongClass() Func {
	return report(detect.Detection{Box: detect.Box{X1: 10, Y1: 10}, Class: detect.NumClasses + 3, Score: 0.9})
}

// Truncates forgets what was in dst.
func Truncates() Func {
	return func(_ context.Context, _ int, _ *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		return dst[:0], nil
	}
}

// Scribbles changes the picture it borrowed.
func Scribbles() Func {
	return func(_ context.Context, _ int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		pic.Y[0]++
		return dst, nil
	}
}
