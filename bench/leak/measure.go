package main

import (
	"context"
	"fmt"
	"image"
	"path/filepath"
	"slices"
	"time"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/pipeline"
)

// plan is how sets are run.
type plan struct {
	*options
	config pipeline.Config // Moving, LookAhead for clips
	caches []*cache
}

// measure runs all recordings of a set.
func (pl *plan) measure(ctx context.Context, s *labels.Set) (*score, *leakreport.Run, error) {
	sc := &score{}
	if pl.picture {
		sc.judges = &judges{}
	}
	run := &leakreport.Run{Set: s.Name, Recordings: len(s.Recordings), Mode: "offline", Rate: pl.FPS}
	start := time.Now()
	for _, r := range s.Recordings {
		c, fps := pl.fit(s, r)
		path, labels := filepath.Join(s.Dir, r.File), pl.only(r)
		w, err := sc.watch(ctx, path, labels, !c.Moving)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", r.File, err)
		}
		p, err := pl.play(ctx, path, c, fps, w)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", r.File, err)
		}
		if err := sc.add(labels, p); err != nil {
			return nil, nil, err
		}
		switch {
		case pl.recording:
			run.Mode = "recording"
		case c.Mode == pipeline.Live:
			run.Mode = "live"
		}
		run.Rate, run.Moving = fps, c.Moving
		countFrames(run, p)
		countTracks(run, p.decision, labels, s.Facts.Complete)
	}
	run.Seconds = time.Since(start).Seconds()
	run.Scored, run.NotOut, run.Unlabelled = sc.shown, sc.dropped, sc.unlabelled
	if sc.pixels > 0 {
		run.AskedShare = 1 - float64(sc.rest)/float64(sc.pixels)
	}
	average(run)
	return sc, run, nil
}

// play runs one recording, in two passes if the plan says so. There, whether the camera
// moves is found out, unless the command line says it.
func (pl *plan) play(ctx context.Context, path string, c pipeline.Config, fps float64, w *watcher) (*played, error) {
	if !pl.recording {
		return play(ctx, path, c, fps, w)
	}
	r := pipeline.DefaultRecordingConfig()
	r.Policy, r.Detectors, r.Every, r.Compressed, r.Redact = c.Policy, c.Detectors, c.Every, c.Compressed, c.Redact
	switch pl.Moving {
	case "yes":
		r.Camera = pipeline.MovingCamera
	case "no":
		r.Camera = pipeline.FixedCamera
	}
	return playTwice(ctx, path, r, fps, w)
}

// watch returns who judges the pictures of a recording, nil if nobody does.
func (s *score) watch(ctx context.Context, path string, r *labels.Recording, fixed bool) (*watcher, error) {
	if s.judges == nil {
		return nil, nil //nolint:nilnil // nobody
	}
	err := s.judges.begin(ctx, path, r, fixed)
	return &watcher{judges: s.judges, labels: r.ByFrame(), sources: map[int]*image.YCbCr{}}, err
}

// fit returns the pipeline's configuration and the rate for one recording. A
// single picture is a recording of one frame: nothing moves in it, nothing
// follows it, and there is no time in which to be late.
func (pl *plan) fit(s *labels.Set, r *labels.Recording) (pipeline.Config, float64) {
	c, fps := pl.config, pl.FPS
	if !r.Clip {
		c.Mode, c.LookAhead, c.Every, c.Moving = pipeline.File, 0, 1, true
		return c, 0
	}
	if fps == 0 {
		fps = s.Facts.Rate
	}
	c.Moving = pl.moves(s)
	return c, fps
}

// countFrames adds up what the pipeline did with one recording.
func countFrames(r *leakreport.Run, p *played) {
	s := &p.stats
	r.In += s.FramesIn
	r.Out += s.FramesOut
	r.Dropped += s.FramesDropped
	r.Lost += s.FramesLost
	r.FailedClosed += s.FramesFailedClosed
	r.HiddenWhole += s.FramesHidden
	for i := range p.shots {
		if slices.Contains(p.shots[i].mask.hidden, true) {
			r.Hiding++
		}
	}
	r.HiddenShare += s.HiddenShare * float64(s.FramesOut)
	r.LagMS = max(r.LagMS, ms(p.lag))
	if r.Detectors == nil {
		r.Detectors = make([]leakreport.Detector, len(s.Detectors))
	}
	for i, d := range s.Detectors {
		k := &r.Detectors[i]
		k.Name = d.Name
		k.Looks += d.Inferences
		k.Failures += d.Failures
		k.Replaced += d.Replaced
		k.SkippedBy += d.Skipped
		k.Time += d.Time
	}
}

// average turns sums into means.
func average(r *leakreport.Run) {
	if r.In == 0 {
		return
	}
	frames := float64(r.In)
	r.HiddenShare /= float64(max(r.Out, 1))
	r.FailedClosedShare = float64(r.FailedClosed) / float64(max(r.Out, 1))
	for i := range r.Detectors {
		d := &r.Detectors[i]
		d.SkippedPct = float64(d.SkippedBy) / frames
		d.MSPerFrame = ms(d.Time) / frames
		r.DetectorMS += d.MSPerFrame
	}
}

// deaf is a detector that does not report some classes. It still claims them, because a
// pipeline that misses a class hides everything, and here only some classes are to be
// hidden.
type deaf struct {
	detect.Detector
	keep detect.ClassSet
}

// Detect implements detect.Detector.
func (d *deaf) Detect(ctx context.Context, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
	n := len(dst)
	out, err := d.Detector.Detect(ctx, pic, dst)
	if err != nil {
		return out, err
	}
	kept := slices.DeleteFunc(out[n:], func(f detect.Detection) bool { return !d.keep.Has(f.Class) })
	return out[:n+len(kept)], nil
}
