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

// inference is one picture on its way through one detector. The event loop has it, but
// while a worker runs it. Its memory is reused.
type inference struct {
	detector int             // index in Config.Detectors
	at       time.Duration   // time of the frame
	small    *smallCopy      // what the detector sees
	toFrame  mapping         // from the small copy's coordinates to the frame's
	region   detect.Box      // the part of the frame; empty for the whole
	classes  detect.ClassSet // what is wanted
	epoch    int             // picture format in force when it was made
	ctx      context.Context // ends when it takes too long

	found []detect.Detection // the result, in the frame's coordinates
	err   error
	spent time.Duration
}

// mapping takes a box from a small copy to the frame.
type mapping struct{ sx, sy, dx, dy float32 }

func (m mapping) box(b detect.Box) detect.Box { return b.Scale(m.sx, m.sy).Shift(m.dx, m.dy) }

// mappingOf returns the mapping from a small copy of the given size to the part of the
// frame that it shows.
func mappingOf(small image.Point, part image.Rectangle) mapping {
	return mapping{
		sx: float32(part.Dx()) / float32(small.X), sy: float32(part.Dy()) / float32(small.Y),
		dx: float32(part.Min.X), dy: float32(part.Min.Y),
	}
}

// worker runs one detector on a goroutine of its own.
type worker struct {
	name     string
	detector detect.Detector
	classes  detect.ClassSet // what it can find
	selected detect.ClassSet // what a detect.Selector was last asked for

	in   <-chan *inference
	out  chan<- *inference
	done chan<- error
}

// run is the goroutine's body. It ends when in is closed. With lowPriority it gives way
// to the frames' path where there are not cores enough for both.
func (w *worker) run(lowPriority bool) {
	defer func() { w.done <- nil }()
	if lowPriority {
		// Not unlocked: the thread ends with the goroutine, and nothing else
		// inherits its priority.
		runtime.LockOSThread()
		yield()
	}
	for job := range w.in {
		start := time.Now()
		job.found, job.err = w.detect(job)
		job.spent = time.Since(start)
		w.out <- job // has room for one of each worker
	}
}

// detect runs the detector and returns its detections in the frame's coordinates. A
// panic and an answer that makes no sense are errors.
func (w *worker) detect(job *inference) (found []detect.Detection, err error) {
	found = job.found[:0]
	defer func() {
		if v := recover(); v != nil {
			found, err = job.found[:0], &panicError{v}
		}
	}()
	if w.selected != job.classes {
		if err := selectClasses(w.detector, job.classes); err != nil {
			return found, err
		}
		w.selected = job.classes
	}
	found, err = w.detector.Detect(job.ctx, job.small.pic, found)
	if err != nil {
		if errors.Is(context.Cause(job.ctx), ErrTimeout) {
			err = ErrTimeout
		}
		return job.found[:0], err
	}
	if err := checkDetections(w.name, found, w.classes, rectBox(job.small.pic.Rect)); err != nil {
		return found[:0], err
	}
	found = slices.DeleteFunc(found, func(d detect.Detection) bool { return !job.classes.Has(d.Class) })
	for i := range found {
		found[i].Box = job.toFrame.box(found[i].Box)
	}
	return found, nil
}

// selectClasses tells a detector that can leave classes out which are wanted.
func selectClasses(d detect.Detector, wanted detect.ClassSet) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v}
		}
	}()
	if s, ok := d.(detect.Selector); ok {
		return s.Select(wanted)
	}
	return nil
}

// maxInput bounds what a detector may ask for, in pixels a side.
const maxInput = 8192

// inputSize returns the size at which a detector wants to see a picture of size full. One
// that names none sees it as it is: in a picture of one pixel it would find nobody.
func inputSize(d detect.Detector, full image.Point) image.Point {
	size := d.InputSize(full)
	if size.X < 1 || size.Y < 1 {
		size = full
	}
	return image.Pt(min(size.X, maxInput), min(size.Y, maxInput))
}

func rectBox(r image.Rectangle) detect.Box {
	return detect.Box{
		X0: float32(r.Min.X), Y0: float32(r.Min.Y),
		X1: float32(r.Max.X), Y1: float32(r.Max.Y),
	}
}
