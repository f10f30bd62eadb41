package main

import (
	"context"
	"fmt"
	"image"
	"path/filepath"
	"time"

	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/pipeline"
)

// plan is how sets are run.
type plan struct {
	config    pipeline.Config // Moving, LookAhead for clips
	rate      float64         // of -fps; 0: what SOURCE.md or the clip says
	moving    string          // auto, yes or no
	classes   detect.ClassSet // what is hidden and scored
	skip      int
	caches    []*cache
	recording bool // in two passes
	parts     int
	picture   bool // what the pictures show is measured, too
}

// measure runs all recordings of a set.
func (pl *plan) measure(ctx context.Context, s *set) (*score, *leakreport.Run, error) {
	sc := &score{}
	if pl.picture {
		sc.judges = &judges{plain: &pictureJudge{}}
	}
	run := &leakreport.Run{Set: s.name, Recordings: len(s.recordings), Mode: "offline", Rate: pl.rate}
	start := time.Now()
	for _, r := range s.recordings {
		c, fps := pl.fit(s, r)
		path, labels := filepath.Join(s.dir, r.file), pl.only(r)
		w, err := pl.watch(ctx, path, labels, !c.Moving)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", r.file, err)
		}
		p, err := pl.play(ctx, path, c, fps, w)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", r.file, err)
		}
		if w != nil {
			sc.judges.merge(w.judge)
		}
		if err := sc.add(labels, p, pl.skip); err != nil {
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
		countTracks(run, p.decision, labels, s.facts.complete)
	}
	run.Seconds = time.Since(start).Seconds()
	run.Scored, run.NotOut, run.Skipped, run.Unlabelled = sc.shown, sc.dropped, sc.skipped, sc.unlabelled
	if sc.pixels > 0 {
		run.AskedShare = 1 - float64(sc.rest)/float64(sc.pixels)
	}
	average(run)
	return sc, run, nil
}

// play runs one recording.
func (pl *plan) play(ctx context.Context, path string, c pipeline.Config, fps float64, w *watcher) (*played, error) {
	if !pl.recording {
		return play(ctx, path, c, fps, w)
	}
	return playTwice(ctx, path, pl.twoPasses(c), fps, w)
}

// twoPasses returns the configuration of a recording in two passes. Whether the
// camera moves is found out, unless the command line says it.
func (pl *plan) twoPasses(c pipeline.Config) pipeline.RecordingConfig {
	r := pipeline.DefaultRecordingConfig()
	r.Policy, r.Detectors, r.Every, r.Compressed, r.Redact = c.Policy, c.Detectors, c.Every, c.Compressed, c.Redact
	r.Regions = pl.parts
	switch pl.moving {
	case "yes":
		r.Camera = pipeline.MovingCamera
	case "no":
		r.Camera = pipeline.FixedCamera
	}
	return r
}

// watch returns who judges the pictures of a recording, nil if nobody does.
func (pl *plan) watch(ctx context.Context, path string, r *recording, fixed bool) (*watcher, error) {
	if !pl.picture {
		return nil, nil //nolint:nilnil // nobody
	}
	j, err := newJudges(ctx, path, r, fixed)
	if err != nil {
		return nil, err
	}
	labels := byFrame(r)
	for n := range labels {
		if n <= pl.skip {
			delete(labels, n)
		}
	}
	return &watcher{judge: j, labels: labels, sources: map[int]*image.YCbCr{}}, nil
}

// fit returns the pipeline's configuration and the rate for one recording. A
// single picture is a recording of one frame: nothing moves in it, nothing
// follows it, and there is no time in which to be late.
func (pl *plan) fit(s *set, r *recording) (pipeline.Config, float64) {
	c, fps := pl.config, pl.rate
	if !r.clip {
		c.Mode, c.LookAhead, c.Every, c.Moving = pipeline.File, 0, 1, true
		return c, 0
	}
	if fps == 0 {
		fps = s.facts.rate
	}
	switch pl.moving {
	case "yes":
		c.Moving = true
	case "no":
		c.Moving = false
	default:
		c.Moving = s.facts.moving
	}
	return c, fps
}

// only returns the recording with the labels of the plan's classes.
func (pl *plan) only(r *recording) *recording {
	out := &recording{file: r.file, clip: r.clip}
	for _, l := range r.labels {
		k := *l
		k.objects = nil
		for _, o := range l.objects {
			if pl.classes.Has(o.class) {
				k.objects = append(k.objects, o)
			}
		}
		out.labels = append(out.labels, &k)
	}
	return out
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
	kept := out[:n]
	for _, k := range out[n:] {
		if d.keep.Has(k.Class) {
			kept = append(kept, k)
		}
	}
	return kept, nil
}
