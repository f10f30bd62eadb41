package pipeline_test

import (
	"context"
	"errors"
	"image"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// TestStatsOfNextRun: a Run begins with nothing said of just now, whatever was
// wrong at the end of the one before; counts go on.
func TestStatsOfNextRun(t *testing.T) {
	person := detecttest.Find(detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 50, Y0: 10, X1: 62, Y1: 40}})
	fails := detecttest.Fail(errFake)
	const times = 6
	var steps []detecttest.Func
	for range times {
		steps = append(steps, person)
	}
	for range times {
		steps = append(steps, fails)
	}
	steps = append(steps, person)
	for _, tt := range []struct {
		name    string
		classes detect.ClassSet
		does    detecttest.Func
		frames  int    // of the first Run at most
		ends    error  // how it ends
		policy  string // of the second Run
	}{
		{"failed, then good", everything, detecttest.Steps(steps...), 1e6, errFake, hideFound},
		{"missing, then not needed", detect.Classes(detect.Face), detecttest.Find(), 30, nil, hideAll},
	} {
		for _, mode := range modes {
			t.Run(tt.name+"/"+mode.String(), func(t *testing.T) {
				p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Mode: mode, Every: 1, MaxFailures: times,
					LookAhead: 0, TimeToLive: time.Minute, Detectors: []detect.Detector{detecttest.New(tt.classes, tt.does)}})
				err := p.Run(t.Context(), &camera{frames: tt.frames, pace: time.Millisecond}, &album{t: t})
				if !errors.Is(err, tt.ends) {
					t.Fatalf("first Run: %v", err)
				}
				was := p.Stats()
				if was.FailedClosed == pipeline.NoReason || !was.Detectors[0].Running || was.FramesOut == 0 {
					t.Fatalf("the first Run did not end as this test needs it: %v, %+v", was.FailedClosed, was.Detectors[0])
				}
				if err := p.SetPolicy(policy(t, tt.policy)); err != nil {
					t.Fatal(err)
				}
				c := &camera{frames: 5000, pace: time.Millisecond, fault: func(_ context.Context, n int) error {
					s := p.Stats()
					switch {
					case n > 30 && s.FailedClosed == pipeline.NoReason && (tt.ends == nil || s.Tracks[detect.Person] > was.Tracks[detect.Person]):
						return io.EOF // live, it may take a while until somebody has looked
					case n > 0:
						return nil
					}
					if d := s.Detectors[0]; s.FailedClosed != pipeline.NoReason || s.Missing != 0 || d.Running || d.Interval != 0 {
						t.Errorf("before the first frame: %v, missing %v, %+v", s.FailedClosed, s.Missing, d)
					}
					if s.FramesOut != was.FramesOut || s.Detectors[0].Inferences != was.Detectors[0].Inferences {
						t.Errorf("counts did not go on: %d frames after %d", s.FramesOut, was.FramesOut)
					}
					return nil
				}}
				if err := p.Run(t.Context(), c, &album{t: t}); err != nil {
					t.Fatal(err)
				}
				s := p.Stats()
				if s.FailedClosed != pipeline.NoReason || s.Missing != 0 {
					t.Errorf("after the second Run: %v, missing %v", s.FailedClosed, s.Missing)
				}
				// The trackers of both Runs number the one person alike.
				if n := s.Tracks[detect.Person]; tt.ends != nil && (was.Tracks[detect.Person] != 1 || n != 2) {
					t.Errorf("%d people counted in the first Run, %d in both", was.Tracks[detect.Person], n)
				}
			})
		}
	}
}

// TestStatsNameDetectors: the figures of each detector have its name, in the order in which
// they were given, before anything ran and after.
func TestStatsNameDetectors(t *testing.T) {
	people := detecttest.New(detect.Classes(detect.Face, detect.Person), detecttest.Find())
	rest := detecttest.New(detect.Classes(detect.Plate, detect.Vehicle), detecttest.Find())
	check := func(s pipeline.Stats, looked bool) {
		t.Helper()
		if len(s.Detectors) != 2 || s.Detectors[0].Name != people.Name() || s.Detectors[1].Name != rest.Name() {
			t.Fatalf("%+v", s.Detectors)
		}
		if (s.Detectors[0].Inferences > 0) != looked || (s.Detectors[1].Inferences > 0) != looked {
			t.Errorf("looked: %t, %+v", looked, s.Detectors)
		}
	}
	detectors := []detect.Detector{people, rest}
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Mode: pipeline.File, Every: 1, Detectors: detectors})
	check(p.Stats(), false)
	if err := p.Run(t.Context(), &camera{frames: 5}, &album{t: t}); err != nil {
		t.Fatal(err)
	}
	check(p.Stats(), true)

	r := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound), Detectors: detectors})
	check(r.Stats(), false)
	bothPasses(t, r, noise(5))
	check(r.Stats(), true)
}

// TestSinkStuckInEarlierRun: a Write that never returned keeps no later Run's frames.
func TestSinkStuckInEarlierRun(t *testing.T) {
	for _, mode := range modes {
		synctest.Test(t, func(t *testing.T) {
			p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Mode: mode})
			release, stuck := make(chan struct{}), make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-stuck
				cancel()
			}()
			err := p.Run(ctx, &camera{frames: 10, pace: interval}, pipeline.SinkFunc(func(context.Context, redact.Frame) error {
				close(stuck)
				<-release
				return nil
			}))
			if err == nil {
				t.Fatal("nobody is told that the sink hangs")
			}
			sink := &album{t: t}
			if err := p.Run(t.Context(), &camera{frames: 10, pace: interval}, sink); err != nil {
				t.Fatal(err)
			}
			if n := len(sink.seen()); n != 10 {
				t.Errorf("%v: %d frames of the second run", mode, n)
			}
			close(release)
		})
	}
}

// TestEndedInLastPicture: a Run whose context ends, or whose pipeline is closed, while its
// last picture is written finishes no output.
func TestEndedInLastPicture(t *testing.T) {
	const frames = 12
	for _, closed := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), LookAhead: 4 * interval})
		ended := make(chan error, 1)
		sink := &album{t: t, fault: func(run context.Context, n int) error {
			switch {
			case n < frames-1:
			case closed:
				go func() { ended <- p.Close() }()
				<-run.Done()
			default:
				cancel()
			}
			return nil
		}}
		err := p.Run(ctx, &camera{frames: frames}, sink)
		if closed {
			err = errors.Join(err, <-ended)
		}
		cancel()
		if !errors.Is(err, context.Canceled) || sink.finished > 0 || sink.writes != frames {
			t.Errorf("closed %t: %v; finished %d times, %d written", closed, err, sink.finished, sink.writes)
		}
	}
}

// sizeless is a detector that names no size.
type sizeless struct {
	detect.Detector
	seen chan image.Point
}

func (s sizeless) InputSize(image.Point) image.Point { return image.Point{} }

func (s sizeless) Detect(ctx context.Context, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
	s.seen <- pic.Rect.Size()
	return s.Detector.Detect(ctx, pic, dst)
}

// TestNoInputSize: a detector that names no size sees the picture as it is.
func TestNoInputSize(t *testing.T) {
	const frames = 10
	d := sizeless{detecttest.New(everything, detecttest.Find()), make(chan image.Point, frames)}
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Every: 1, Detectors: []detect.Detector{d}})
	if err := p.Run(t.Context(), &camera{frames: frames}, &album{t: t}); err != nil {
		t.Fatal(err)
	}
	close(d.seen)
	n := 0
	for size := range d.seen {
		if n++; size != image.Pt(width, height) {
			t.Errorf("it sees %v", size)
		}
	}
	if n == 0 {
		t.Error("it sees nothing")
	}
}
