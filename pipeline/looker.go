package pipeline

import (
	"context"
	"errors"
	"image"
	"runtime"
	"slices"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// look is one picture on its way through one detector. Its memory is reused.
type look struct {
	at      time.Duration // presentation time of the frame looked at
	pic     *scaled       // what the detector sees
	toFrame mapping       // from pic's coordinates to the frame's
	region  detect.Box    // the part of the frame looked at; empty for the whole
	wants   detect.ClassSet
	epoch   int // picture format in force when the look was made
	ctx     context.Context

	found []detect.Detection // the result, in the frame's coordinates
	err   error
	spent time.Duration
}

// mapping takes a box from a scaled picture or crop to the frame.
type mapping struct{ sx, sy, dx, dy float32 }

func (m mapping) box(b detect.Box) detect.Box { return b.Scale(m.sx, m.sy).Shift(m.dx, m.dy) }

// looker runs one detector on a goroutine of its own: one look in flight, one
// waiting. All but the goroutine's own work belongs to the owner loop.
type looker struct {
	name    string
	index   int // in Config.Detectors
	det     detect.Detector
	classes detect.ClassSet // what it can find
	wants   detect.ClassSet // what its looks are for: all it can find, unless it is a detect.Selector
	chosen  detect.ClassSet // what a detect.Selector was last asked for; the goroutine's own
	needed  bool            // it runs: for the policy in force, or for stills
	vital   bool            // the policy in force needs it

	in   chan *look
	out  chan<- lookResult
	done chan error

	ctx       context.Context // ends when a look takes too long
	cancel    context.CancelCauseFunc
	busy      bool
	abandoned bool // busy, but nobody waits for the answer any more
	expired   int  // how many timeouts the look in flight has let pass
	startedAt time.Time

	health  health
	support support
	plan    plan
}

type lookResult struct {
	from *looker
	look *look
}

// renew gives the looker a context that has not ended.
func (k *looker) renew(ctx context.Context) { k.ctx, k.cancel = context.WithCancelCause(ctx) }

// work is the goroutine's body. It ends when in is closed. A humble one gives way
// to the frames' path where there are not cores enough for both.
func (k *looker) work(humble bool) {
	defer func() { k.done <- nil }()
	if humble {
		// Not unlocked: the thread ends with the goroutine, and nothing else
		// inherits its priority.
		runtime.LockOSThread()
		yield()
	}
	for l := range k.in {
		start := time.Now()
		l.found, l.err = k.detect(l)
		l.spent = time.Since(start)
		k.out <- lookResult{k, l} // has room for one of each looker
	}
}

// detect runs the detector on l and returns its detections in the frame's
// coordinates. A panic and an answer that makes no sense are errors.
func (k *looker) detect(l *look) (found []detect.Detection, err error) {
	found = l.found[:0]
	defer func() {
		if v := recover(); v != nil {
			found, err = l.found[:0], &panicError{v}
		}
	}()
	if err := k.choose(l.wants); err != nil {
		return found, err
	}
	found, err = k.det.Detect(l.ctx, l.pic.pic, found)
	if err != nil {
		if errors.Is(context.Cause(l.ctx), ErrTimeout) {
			err = ErrTimeout
		}
		return l.found[:0], err
	}
	if err := checkDetections(k.name, found, k.classes, rectBox(l.pic.pic.Rect)); err != nil {
		return found[:0], err
	}
	found = slices.DeleteFunc(found, func(d detect.Detection) bool { return !l.wants.Has(d.Class) })
	for i := range found {
		found[i].Box = l.toFrame.box(found[i].Box)
	}
	return found, nil
}

// choose tells the detector which classes are wanted, if that has changed.
func (k *looker) choose(wants detect.ClassSet) error {
	if k.chosen == wants {
		return nil
	}
	if err := choose(k.det, wants); err != nil {
		return err
	}
	k.chosen = wants
	return nil
}

// choose tells a detector that can leave classes out which are wanted.
func choose(d detect.Detector, wants detect.ClassSet) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v}
		}
	}()
	if s, ok := d.(detect.Selector); ok {
		return s.Select(wants)
	}
	return nil
}

// wish sets what the detector's looks are for from now on, and reports whether
// that is more than before: the looks made until now say nothing of the rest.
func (k *looker) wish(needs detect.ClassSet) (more bool) {
	was := k.wants
	k.wants = k.classes
	if _, ok := k.det.(detect.Selector); ok {
		k.wants &= needs
	}
	return k.wants&^was != 0
}

// maxInput bounds what a detector may ask for, in pixels a side.
const maxInput = 8192

// inputSize returns the size at which the detector wants to see the frame.
func (k *looker) inputSize(full image.Point) image.Point {
	size := k.det.InputSize(full)
	return image.Pt(min(max(size.X, 1), maxInput), min(max(size.Y, 1), maxInput))
}

func rectBox(r image.Rectangle) detect.Box {
	return detect.Box{
		X0: float32(r.Min.X), Y0: float32(r.Min.Y),
		X1: float32(r.Max.X), Y1: float32(r.Max.Y),
	}
}
