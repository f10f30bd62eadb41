package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/detect/network"
	"github.com/hedgecam/hedge/detect/network/sessiontest"
	"github.com/hedgecam/hedge/pipeline"
)

var errFake = errors.New("fake failure")

// faults is every way in which a detector can fail.
var faults = map[string]detecttest.Func{
	"error":        detecttest.Fail(errFake),
	"panic":        detecttest.Panic("fake"),
	"hang":         detecttest.Hang(),
	"not a number": detecttest.NaN(detect.Person),
	"infinite":     detecttest.Infinite(detect.Face),
	"bad score":    detecttest.BadScore(detect.Plate),
	"empty box":    detecttest.Empty(detect.Person),
	"outside":      detecttest.Outside(detect.Person),
	"wrong class":  detecttest.WrongClass(),
}

var modes = []pipeline.Mode{pipeline.File, pipeline.Live}

// TestDetectorAlwaysFails: not one block outside of the property reaches the
// sink, in no mode, whatever the failure; nor any block at all when the policy
// hides something inside.
func TestDetectorAlwaysFails(t *testing.T) {
	for name, fault := range faults {
		for _, mode := range modes {
			for _, hide := range []string{hideFound, hideInside} {
				t.Run(fmt.Sprintf("%s/%v/inside=%t", name, mode, hide == hideInside), func(t *testing.T) {
					t.Parallel()
					d := detecttest.New(everything, fault)
					p := newPipeline(t, pipeline.Config{Policy: policy(t, hide), Mode: mode,
						Detectors: []detect.Detector{d}, Every: 1, Timeout: patience(name), LookAhead: 3 * interval})
					sink := &album{t: t}
					if err := p.Run(t.Context(), &camera{frames: 12, pace: time.Millisecond}, sink); err != nil {
						t.Fatal(err)
					}
					shots := sink.seen()
					if mode == pipeline.File && len(shots) != 12 || len(shots) == 0 {
						t.Errorf("%d frames came out", len(shots))
					}
					for _, s := range shots {
						if n := s.outsideShown(); n != 0 {
							t.Errorf("frame %d: %d blocks outside shown", s.n, n)
						}
						if n := s.insideShown(); hide == hideInside && n != 0 {
							t.Errorf("frame %d: %d blocks inside shown", s.n, n)
						} else if hide != hideInside && n == 0 {
							t.Errorf("frame %d: the property is hidden", s.n)
						}
					}
					st := p.Stats()
					if st.FramesFailedClosed != st.FramesOut {
						t.Errorf("%d of %d frames counted as failed closed", st.FramesFailedClosed, st.FramesOut)
					}
					if mode == pipeline.File && st.Detectors[0].Failures != 12 {
						t.Errorf("%d failures counted", st.Detectors[0].Failures)
					}
				})
			}
		}
	}
}

// TestDetectorRecovers: in File mode just the frames of the failed inferences are
// hidden.
func TestDetectorRecovers(t *testing.T) {
	good := detecttest.Find()
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				steps := []detecttest.Func{good, good, good, fault, fault, good}
				d := detecttest.New(everything, detecttest.Steps(steps...))
				var events []pipeline.Event
				p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Every: 1, LookAhead: 4 * interval,
					Detectors: []detect.Detector{d},
					OnEvent:   func(e pipeline.Event) { events = append(events, e) }})
				sink := &album{t: t}
				if err := p.Run(t.Context(), &camera{frames: 10}, sink); err != nil {
					t.Fatal(err)
				}
				for i, s := range sink.seen() {
					if hidden := s.outsideShown() == 0; hidden != (i == 3 || i == 4) {
						t.Errorf("frame %d: hidden outside %t", i, hidden)
					}
				}
				kinds := map[pipeline.EventKind]int{}
				for _, e := range events {
					kinds[e.Kind]++
				}
				if kinds[pipeline.DetectorFailed] != 2 || kinds[pipeline.FailedClosed] != 1 || kinds[pipeline.Recovered] != 1 {
					t.Errorf("events: %v", events)
				}
				if why := p.Stats().FailedClosed; why != pipeline.NoReason {
					t.Errorf("still says %v", why)
				}
			})
		})
	}
}

// stuckSession is a network's session that does not heed its context: Run returns when
// release is closed, and at the latest after limit.
type stuckSession struct {
	network.Session
	release <-chan struct{}
	limit   time.Duration
}

func (s stuckSession) Run(context.Context) error {
	timer := time.NewTimer(s.limit)
	defer timer.Stop()
	select {
	case <-s.release:
	case <-timer.C:
	}
	return nil
}

// stuckNetwork returns a network in such a session.
func stuckNetwork(t *testing.T, release <-chan struct{}, limit time.Duration) detect.Detector {
	t.Helper()
	open := func(outputs ...string) (network.Session, error) {
		s, err := sessiontest.Replay(sessiontest.Tiny())(outputs...)
		return stuckSession{s, release, limit}, err
	}
	n, err := network.New(open, network.Config{Name: "stuck", Family: network.YuNet, MaxIoU: detect.DefaultMaxIoU,
		MinScore: [detect.NumClasses]float32{detect.Face: 0.6},
		Input:    network.Input{Layout: "NCHW", Channels: "BGR", High: 255, Multiple: 32}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestDetectorStuck: a detector that does not heed its context is given up; the
// run stops after MaxFailures and names it.
func TestDetectorStuck(t *testing.T) {
	const limit = 10 * time.Second
	for name, stuck := range map[string]func(*testing.T, <-chan struct{}) detect.Detector{
		"fake": func(_ *testing.T, release <-chan struct{}) detect.Detector {
			return detecttest.New(everything, detecttest.Stuck(release, limit))
		},
		"network": func(t *testing.T, release <-chan struct{}) detect.Detector {
			return stuckNetwork(t, release, limit)
		},
	} {
		for _, mode := range modes {
			t.Run(name+"/"+mode.String(), func(t *testing.T) {
				release := make(chan struct{})
				p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Mode: mode, MaxFailures: 3,
					Detectors: []detect.Detector{stuck(t, release)}, Timeout: 30 * time.Millisecond, LookAhead: 2 * interval})
				sink := &album{t: t}
				err := p.Run(t.Context(), &camera{frames: 1e6, pace: 5 * time.Millisecond}, sink)
				var stage *pipeline.StageError
				if !errors.As(err, &stage) || stage.Count != 3 || !errors.Is(err, pipeline.ErrTimeout) || !errors.Is(err, pipeline.ErrStuck) {
					t.Errorf("got %v, want 3 timeouts of the detector, and that it is stuck", err)
				}
				for _, s := range sink.seen() {
					if s.outsideShown() != 0 {
						t.Errorf("frame %d: outside shown", s.n)
					}
				}
				if sink.finished != 0 {
					t.Error("sink finished after a failure")
				}
				close(release)
			})
		}
	}
}

// TestDetectorFailsForGood: the run ends with a typed error, and the sink is not
// finished.
func TestDetectorFailsForGood(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			d := detecttest.New(everything, detecttest.Fail(errFake))
			p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Mode: mode, MaxFailures: 5,
				Detectors: []detect.Detector{d}, LookAhead: 2 * interval})
			sink := &album{t: t}
			err := p.Run(t.Context(), &camera{frames: 1e6, pace: time.Millisecond}, sink)
			var stage *pipeline.StageError
			if !errors.As(err, &stage) || stage.Count != 5 || !errors.Is(err, errFake) {
				t.Errorf("got %v, want 5 failures of the detector", err)
			}
			out := len(sink.seen())
			if st := p.Stats(); st.FramesOut != uint64(out) || sink.finished != 0 {
				t.Errorf("%d frames out, %d counted, finished %d times", out, st.FramesOut, sink.finished)
			}
		})
	}
}

// TestNoDetector: what nobody looks for is hidden with everything outside.
func TestNoDetector(t *testing.T) {
	faces := detecttest.New(detect.Classes(detect.Face), detecttest.Find())
	for _, tt := range []struct {
		name      string
		policy    string
		detectors []detect.Detector
		outside   bool // some of it shown
		inside    bool
	}{
		{"hide all needs none", hideAll, nil, false, true},
		{"detected, none", hideFound, nil, false, true},
		{"detected, faces only", hideFound, []detect.Detector{faces}, false, true},
		{"face inside, none", hideAllFace, nil, false, false},
		{"face inside, faces only", hideAllFace, []detect.Detector{faces}, false, true},
	} {
		for _, mode := range modes {
			t.Run(tt.name+"/"+mode.String(), func(t *testing.T) {
				p := newPipeline(t, pipeline.Config{Policy: policy(t, tt.policy), Mode: mode, Detectors: tt.detectors})
				sink := &album{t: t}
				if err := p.Run(t.Context(), &camera{frames: 5, pace: 4 * time.Millisecond}, sink); err != nil {
					t.Fatal(err)
				}
				for _, s := range sink.seen() {
					if (s.outsideShown() > 0) != tt.outside {
						t.Errorf("frame %d: %d blocks outside shown", s.n, s.outsideShown())
					}
					// Live, the first frames may go out before the first inference.
					if (s.insideShown() > 0) != tt.inside && mode == pipeline.File {
						t.Errorf("frame %d: %d blocks inside shown", s.n, s.insideShown())
					}
				}
			})
		}
	}
	if n := faces.Calls(); n == 0 {
		t.Error("a detector that was needed never ran")
	}
}

// TestUnneededDetectorDoesNotRun shows that a detector of which the policy needs nothing is
// never asked.
func TestUnneededDetectorDoesNotRun(t *testing.T) {
	d := detecttest.New(everything, detecttest.Panic("must not run"))
	for _, mode := range modes {
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Mode: mode, Detectors: []detect.Detector{d}})
		if err := p.Run(t.Context(), &camera{frames: 20}, &album{t: t}); err != nil {
			t.Fatal(err)
		}
		if s := p.Stats().Detectors[0]; s.Running || s.Inferences != 0 {
			t.Errorf("%v: %+v", mode, s)
		}
	}
	if d.Calls() != 0 {
		t.Errorf("ran %d times", d.Calls())
	}
}

// TestFormatChanges: the first frames of a new format are hidden as a whole, and
// those of another aspect ratio until the old one is back.
func TestFormatChanges(t *testing.T) {
	double := image.Pt(2*width, 2*height)
	tall := image.Pt(height, width)
	for _, tt := range []struct {
		name   string
		policy string
		second image.Point
		native bool // the source scales to the first size, and says so
		shown  bool // blocks of the second format are shown in the end
	}{
		{"same aspect, no network", hideAll, double, false, true},
		{"same aspect, networks", hideFound, double, false, true},
		{"rotated", hideFound, tall, false, false},
		{"rotated and scaled by the source", hideFound, tall, true, false},
		{"larger and scaled by the source", hideFound, double, true, true},
	} {
		for _, mode := range modes {
			t.Run(tt.name+"/"+mode.String(), func(t *testing.T) {
				format := func(n int) image.Point {
					if n >= 10 && n < 20 {
						return tt.second
					}
					return image.Pt(width, height)
				}
				c := &camera{frames: 30, pace: 2 * time.Millisecond}
				if tt.native {
					c.native = format
				} else {
					c.size = format
				}
				d := detecttest.New(everything, detecttest.Find())
				p := newPipeline(t, pipeline.Config{Policy: policy(t, tt.policy), Mode: mode, Every: 1,
					Detectors: []detect.Detector{d}, LookAhead: 3 * interval})
				sink := &album{t: t}
				if err := p.Run(t.Context(), c, sink); err != nil {
					t.Fatal(err)
				}
				shown := 0
				for _, s := range sink.seen() {
					blocks := s.insideShown() + s.outsideShown()
					switch {
					case s.n == 10 || s.n == 20:
						if blocks != 0 {
							t.Errorf("first frame %d of a new format: %d blocks shown", s.n, blocks)
						}
					case s.n > 10 && s.n < 20:
						shown += blocks
					}
				}
				if !tt.shown && shown != 0 {
					t.Errorf("%d blocks of a foreign aspect ratio shown", shown)
				}
				if tt.shown && shown == 0 && mode == pipeline.File {
					t.Error("the new format stays hidden")
				}
			})
		}
	}
}

// TestSource: pictures that cannot be decoded or go back in time are dropped and
// counted, too many in a row and any other error end the run with a typed error.
func TestSource(t *testing.T) {
	broken := fmt.Errorf("%w: bits missing", pipeline.ErrPicture)
	t.Run("some broken", func(t *testing.T) {
		c := &camera{frames: 20, fault: func(_ context.Context, n int) error {
			if n%5 == 2 {
				return broken
			}
			return nil
		}}
		checkSource(t, c, 16, 4, nil)
	})
	t.Run("all broken", func(t *testing.T) {
		c := &camera{frames: 1000, fault: func(context.Context, int) error { return broken }}
		checkSource(t, c, 0, 1000, pipeline.ErrPicture)
	})
	t.Run("a long stretch broken", func(t *testing.T) {
		// Far more in a row than any other stage may fail.
		c := &camera{frames: 130, fault: func(_ context.Context, n int) error {
			if n >= 13 && n < 113 {
				return broken
			}
			return nil
		}}
		checkSource(t, c, 30, 100, nil)
	})
	t.Run("all broken, live", func(t *testing.T) {
		c := &camera{frames: 1e6, fault: func(context.Context, int) error { return broken }}
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Mode: pipeline.Live, MaxFailures: 12})
		var stage *pipeline.StageError
		if err := p.Run(t.Context(), c, discard{}); !errors.As(err, &stage) || stage.Count != 12 || !errors.Is(err, pipeline.ErrPicture) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("final error", func(t *testing.T) {
		c := &camera{frames: 20, fault: func(_ context.Context, n int) error {
			if n == 7 {
				return errFake
			}
			return nil
		}}
		checkSource(t, c, 7, 0, errFake)
	})
	t.Run("panic", func(t *testing.T) {
		c := &camera{frames: 20, fault: func(_ context.Context, n int) error {
			if n == 7 {
				panic("fake")
			}
			return nil
		}}
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll)})
		var stage *pipeline.StageError
		if err := p.Run(t.Context(), c, &album{t: t}); !errors.As(err, &stage) || stage.Stage != "source" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("times out of order", func(t *testing.T) {
		times := []int{0, 1, 2, 1, 2, 3, 3, 4, 0, 5}
		c := &camera{frames: len(times), at: func(n int) time.Duration { return time.Duration(times[n]) * interval }}
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll)})
		var got []time.Duration
		sink := &album{t: t, index: func(at time.Duration) int {
			got = append(got, at/interval)
			for n, v := range times {
				if time.Duration(v)*interval == at {
					return n
				}
			}
			return -1
		}}
		if err := p.Run(t.Context(), c, sink); err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			if int(v) != i {
				t.Fatalf("times came out as %v", got)
			}
		}
		if s := p.Stats(); len(got) != 6 || s.FramesLost != 4 {
			t.Errorf("%d out, %d lost", len(got), s.FramesLost)
		}
	})
}

func checkSource(t *testing.T, c *camera, out int, lost uint64, want error) {
	t.Helper()
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll)})
	sink := &album{t: t}
	err := p.Run(t.Context(), c, sink)
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
	var stage *pipeline.StageError
	if want != nil && (!errors.As(err, &stage) || stage.Stage != "source") {
		t.Errorf("error %v does not name the source", err)
	}
	if s := p.Stats(); len(sink.seen()) != out || s.FramesLost != lost {
		t.Errorf("%d frames out, %d lost; want %d and %d", len(sink.seen()), s.FramesLost, out, lost)
	}
	if finished := sink.finished == 1; finished != (want == nil) {
		t.Errorf("finished: %t", finished)
	}
}

// sizer is a detector whose InputSize panics, on the owner's own goroutine.
type sizer struct{ *detecttest.Fake }

func (sizer) InputSize(image.Point) image.Point { panic("fake") }

// TestInspectPanics: the run ends with a typed error, and nothing comes out.
func TestInspectPanics(t *testing.T) {
	for _, mode := range modes {
		d := sizer{detecttest.New(everything, detecttest.Find())}
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Mode: mode, Detectors: []detect.Detector{d}})
		sink := &album{t: t}
		err := p.Run(t.Context(), &camera{frames: 20}, sink)
		var stage *pipeline.StageError
		if !errors.As(err, &stage) || stage.Stage != "inspect" {
			t.Errorf("%v: got %v", mode, err)
		}
		if n := len(sink.seen()); n != 0 || sink.finished != 0 {
			t.Errorf("%v: %d frames came out, finished %d times", mode, n, sink.finished)
		}
	}
}
