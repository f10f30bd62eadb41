package detecttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// valid returns what breaks the contract in the detections of a picture.
func valid(d detect.Detector, pic *image.YCbCr, dets []detect.Detection) error {
	r := pic.Rect
	bounds := detect.Box{X0: float32(r.Min.X), Y0: float32(r.Min.Y), X1: float32(r.Max.X), Y1: float32(r.Max.Y)}
	for i, x := range dets {
		switch {
		case !x.Box.Finite() || x.Box.Empty():
			return fmt.Errorf("detection %d in %v: box %v is empty or not finite", i, r, x.Box)
		case !bounds.Contains(x.Box):
			return fmt.Errorf("detection %d: box %v is not inside of the picture %v", i, x.Box, r)
		case !d.Classes().Has(x.Class):
			return fmt.Errorf("detection %d: class %v is not one of those promised", i, x.Class)
		case !(x.Score >= 0 && x.Score <= 1):
			return fmt.Errorf("detection %d: score %v is not within 0..1", i, x.Score)
		}
	}
	return nil
}

// unchanged returns an error if a failed call did not hand back dst as it was.
func unchanged(before, dst, got []detect.Detection) error {
	if !slices.Equal(before, dst) || !slices.Equal(before, got) {
		return fmt.Errorf("a failed call changed dst: %v, returned %v, was %v", dst, got, before)
	}
	return nil
}

var some = []detect.Detection{
	{Box: detect.Box{X0: 1, Y0: 2, X1: 3, Y1: 4}, Class: detect.Plate, Score: 0.25},
	{Box: detect.Box{X0: 5, Y0: 6, X1: 7, Y1: 8}, Class: detect.Face, Score: 0.75},
}

func finds(d detect.Detector, o Options) error {
	if d.Classes() == 0 {
		return errors.New("it promises no class")
	}
	dets, err := d.Detect(context.Background(), o.Picture, nil)
	if err != nil {
		return err
	}
	if len(dets) < o.Finds {
		return fmt.Errorf("%d detections in the picture, expected at least %d", len(dets), o.Finds)
	}
	return valid(d, o.Picture, dets)
}

func borrows(d detect.Detector, o Options) error {
	pic := clone(o.Picture)
	dets, err := d.Detect(context.Background(), pic, nil)
	if err != nil {
		return err
	}
	if !bytes.Equal(pic.Y, o.Picture.Y) || !bytes.Equal(pic.Cb, o.Picture.Cb) || !bytes.Equal(pic.Cr, o.Picture.Cr) || pic.Rect != o.Picture.Rect {
		return errors.New("it changed the picture")
	}
	// The memory goes to another picture: neither these results nor the next
	// ones may depend on it.
	was := slices.Clone(dets)
	for _, p := range [][]byte{pic.Y, pic.Cb, pic.Cr} {
		for i := range p {
			p[i] = ^p[i]
		}
	}
	if !slices.Equal(dets, was) {
		return errors.New("detections changed when the picture was overwritten")
	}
	if _, err := d.Detect(context.Background(), pic, nil); err != nil {
		return err
	}
	if !slices.Equal(dets, was) {
		return errors.New("detections changed when another picture was looked at")
	}
	return nil
}

func appends(d detect.Detector, o Options) error {
	ctx := context.Background()
	alone, err := d.Detect(ctx, o.Picture, nil)
	if err != nil {
		return err
	}
	again, err := d.Detect(ctx, o.Picture, nil)
	if err != nil {
		return err
	}
	if len(again) < o.Finds {
		return fmt.Errorf("%d detections when looking again, expected at least %d", len(again), o.Finds)
	}
	dst := make([]detect.Detection, len(some), len(some)+len(alone)+len(again)+1024)
	copy(dst, some)
	got, err := d.Detect(ctx, o.Picture, dst)
	if err != nil {
		return err
	}
	if len(got) < len(some) || !slices.Equal(got[:len(some)], some) || !slices.Equal(dst, some) {
		return fmt.Errorf("what was in dst did not stay: %v", got)
	}
	if &got[0] != &dst[0] {
		return errors.New("dst had room, and another slice was returned")
	}
	return valid(d, o.Picture, got[len(some):])
}

func allocates(d detect.Detector, o Options) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dst := make([]detect.Detection, 0, 1024)
	var err error
	n := testing.AllocsPerRun(5, func() {
		if err == nil {
			_, err = d.Detect(ctx, o.Picture, dst)
		}
	})
	if err != nil {
		return err
	}
	if n > o.Allocs {
		return fmt.Errorf("%v allocations for one Detect, allowed %v", n, o.Allocs)
	}
	return nil
}

func cancelBefore(d detect.Detector, o Options) error {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel := context.WithDeadline(context.Background(), time.Unix(1, 0))
	defer cancel()
	for _, ctx := range []context.Context{cancelled, late} {
		dst := slices.Clone(some)
		got, err := d.Detect(ctx, o.Picture, dst)
		if !errors.Is(err, ctx.Err()) {
			return fmt.Errorf("with a context that is done: error %v, want %v", err, ctx.Err())
		}
		if err := unchanged(some, dst, got); err != nil {
			return err
		}
	}
	return nil
}

// cancelDuring cancels at several moments of a call.
func cancelDuring(d detect.Detector, o Options) error {
	for _, delay := range []time.Duration{0, 100 * time.Microsecond, time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond} {
		ctx, cancel := context.WithCancel(context.Background())
		timer := time.AfterFunc(delay, cancel)
		dst := slices.Clone(some)
		start := time.Now()
		got, err := d.Detect(ctx, o.Picture, dst)
		took := time.Since(start)
		timer.Stop()
		cancel()
		if took > o.Within {
			return fmt.Errorf("cancelled after %v, it returned after %v", delay, took)
		}
		if err == nil {
			if err := valid(d, o.Picture, got[len(some):]); err != nil {
				return err
			}
			continue
		}
		if !errors.Is(err, context.Canceled) {
			return fmt.Errorf("cancelled during the call: error %w", err)
		}
		if err := unchanged(some, dst, got); err != nil {
			return err
		}
	}
	if o.BlocksUntilCancelled {
		return nil
	}
	// A cancelled call leaves nothing behind that spoils the next one.
	return finds(d, o)
}

func closeTwice(d detect.Detector, o Options) error {
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() { errs[i] = d.Close() })
	}
	wg.Wait()
	return errors.Join(append(errs, d.Close())...)
}

func closeWhileRunning(d detect.Detector, o Options) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	if !o.BlocksUntilCancelled {
		cancel()
		ctx, cancel = context.WithTimeout(context.Background(), o.Within)
	}
	defer cancel()
	running, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		var once sync.Once
		dst := make([]detect.Detection, 0, 1024)
		for {
			once.Do(func() { close(running) })
			got, err := d.Detect(ctx, o.Picture, dst[:0])
			if err == nil {
				err = valid(d, o.Picture, got)
			}
			if err != nil {
				ended <- err
				return
			}
		}
	}()
	<-running
	closed := make(chan error, 1)
	go func() { closed <- d.Close() }()
	limit := time.NewTimer(o.Within)
	defer limit.Stop()
	select {
	case err := <-closed:
		if err != nil {
			return err
		}
	case <-limit.C:
		return errors.New("Close did not return")
	}
	select {
	case err := <-ended:
		if !errors.Is(err, detect.ErrClosed) && !(o.BlocksUntilCancelled && errors.Is(err, context.DeadlineExceeded)) {
			return fmt.Errorf("a Detect during and after Close ended with %w, want ErrClosed", err)
		}
	case <-limit.C:
		return errors.New("Detect did not return after Close")
	}
	return nil
}

func useAfterClose(d detect.Detector, o Options) error {
	if err := d.Close(); err != nil {
		return err
	}
	dst := slices.Clone(some)
	got, err := d.Detect(context.Background(), o.Picture, dst)
	if !errors.Is(err, detect.ErrClosed) {
		return fmt.Errorf("after Close: error %v, want ErrClosed", err)
	}
	return unchanged(some, dst, got)
}

// held is a context whose first use waits until it is released: a call that looks at it
// is held in its middle.
type held struct {
	context.Context
	once           sync.Once
	used, released chan struct{}
}

func (h *held) wait() {
	h.once.Do(func() {
		close(h.used)
		<-h.released
	})
}

func (h *held) Done() <-chan struct{} {
	h.wait()
	return h.Context.Done()
}

func (h *held) Err() error {
	h.wait()
	return h.Context.Err()
}

// answersDuringDetect asks for what never changes while a Detect is under way.
func answersDuringDetect(d detect.Detector, o Options) error {
	full := o.Picture.Rect.Size()
	name, classes, size := d.Name(), d.Classes(), d.InputSize(full)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	h := &held{Context: ctx, used: make(chan struct{}), released: make(chan struct{})}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	defer close(h.released)
	returned := make(chan struct{})
	wg.Go(func() {
		defer close(returned)
		_, _ = d.Detect(h, o.Picture, nil) // other checks see to what it returns
	})
	select {
	case <-h.used:
	case <-returned:
		return errors.New("Detect did not look at its context")
	}
	same := make(chan bool, 1)
	wg.Go(func() { same <- d.Name() == name && d.Classes() == classes && d.InputSize(full) == size })
	limit := time.NewTimer(o.Within)
	defer limit.Stop()
	select {
	case ok := <-same:
		if !ok {
			return errors.New("Name, Classes or InputSize gave another answer during a Detect")
		}
		return nil
	case <-limit.C:
		return errors.New("Name, Classes and InputSize wait for a Detect under way")
	}
}
