package pipeline

import (
	"context"
	"errors"
	"image"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

// passInference is one inference of a detector in the first pass over a recording.
type passInference struct {
	frame     *passFrame
	network   int
	small     *smallCopy
	toFrame   mapping
	part      image.Rectangle // empty for the whole
	scale     float32         // pixels of the network's input for one of the picture's
	candidate *candidate      // the uncertain find that it checks; nil for the picture at large

	found []detect.Detection // in the picture's coordinates
	err   error
	spent time.Duration
}

// passDetector is one detector of the first pass, and its copies.
type passDetector struct {
	name     string
	classes  detect.ClassSet
	first    detect.Detector // for its input size
	in       chan *passInference
	failures int // in a row
	busy     int // inferences that have not come back
}

func (k *passDetector) inputSize(full image.Point) image.Point {
	return inputSize(k.first, full)
}

// work is the body of the goroutine of one copy. It ends when in is closed.
func (k *passDetector) work(ctx context.Context, det detect.Detector, timeout time.Duration, out chan<- *passInference) {
	// A Run may have left the detector looking for less.
	chosen := selectClasses(det, k.classes)
	for g := range k.in {
		start := time.Now()
		if g.err = chosen; g.err == nil {
			g.found, g.err = k.detect(ctx, det, g, timeout)
		}
		g.spent = time.Since(start)
		out <- g // has room for all
	}
}

// detect runs a detector as worker.detect does.
func (k *passDetector) detect(ctx context.Context, det detect.Detector, g *passInference, timeout time.Duration) (found []detect.Detection, err error) {
	defer func() {
		if v := recover(); v != nil {
			found, err = nil, &panicError{v}
		}
	}()
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, ErrTimeout)
	defer cancel()
	found, err = det.Detect(ctx, g.small.pic, nil)
	if err != nil {
		if errors.Is(context.Cause(ctx), ErrTimeout) {
			err = ErrTimeout
		}
		return nil, err
	}
	if err := checkDetections(k.name, found, k.classes, rectBox(g.small.pic.Rect)); err != nil {
		return nil, err
	}
	for i := range found {
		found[i].Box = g.toFrame.box(found[i].Box)
	}
	return found, nil
}

// passFrame is a picture of the first pass. Some of its inferences may not be in yet.
type passFrame struct {
	frame      evidence.Frame
	inferences []*passInference // in the order in which they were asked for
	left       int              // that are not in
	looked     bool             // inferences were asked for
	index      int              // its number, from 0
	part       int              // of the recording
	moved      []detect.Box     // by which regions are chosen; valid while it is the newest
	buf        *Buffer          // the picture itself
}

// startWorkers starts a goroutine for each detector that the policy needs and each
// of its copies.
func (s *firstPass) startWorkers(ctx context.Context) {
	sets := append([][]detect.Detector{s.cfg.Detectors}, s.cfg.Copies...)
	s.out = make(chan *passInference, 64*(1+len(s.cfg.Detectors)*len(sets)))
	s.done = make(chan struct{}, len(s.cfg.Detectors)*len(sets))
	s.detectors = make([]*passDetector, len(s.cfg.Detectors))
	s.missing = s.needs &^ detect.Classes(detect.Vehicle)
	for i, d := range s.cfg.Detectors {
		s.missing &^= d.Classes()
		if d.Classes()&(s.needs|s.plateNeeds) == 0 {
			continue
		}
		k := &passDetector{name: s.names[i], classes: d.Classes(), first: d, in: make(chan *passInference, 2*len(sets))}
		s.detectors[i] = k
		s.stats.running(i, true)
		for _, set := range sets {
			s.jobs++
			go func() {
				k.work(ctx, set[i], s.cfg.Timeout, s.out)
				s.done <- struct{}{}
			}()
		}
	}
	s.stats.missing(s.missing)
}

// stopWorkers waits for the detectors' goroutines. One that does not return is left
// behind and reported.
func (s *firstPass) stopWorkers() error {
	for _, k := range s.detectors {
		if k != nil {
			close(k.in)
		}
	}
	late := time.NewTimer(2 * grace)
	defer late.Stop()
	for range s.jobs {
		select {
		case <-s.done:
		case <-late.C:
			return &StageError{Stage: "detector", Count: 1, Err: errStuck}
		}
	}
	return nil
}
