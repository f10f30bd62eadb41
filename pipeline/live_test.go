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
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

func TestLiveEnd(t *testing.T) {
	const frames, held = 60, 20
	sink := &album{t: t, fault: func(context.Context, int) error { <-time.After(3 * time.Millisecond); return nil }}
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Mode: pipeline.Live, LookAhead: time.Duration(held) * interval})
	// A frame comes when the one before it was looked through, so that none is lost
	// on the way in.
	c := &camera{frames: frames, fault: func(_ context.Context, n int) error {
		for late := time.Now().Add(10 * time.Second); int(p.Stats().Stages[0].Count) < n && time.Now().Before(late); {
			<-time.After(time.Millisecond)
		}
		return nil
	}}
	if err := p.Run(t.Context(), c, sink); err != nil {
		t.Fatal(err)
	}
	shots := sink.seen()
	if len(shots) < held {
		t.Fatalf("%d frames out", len(shots))
	}
	for i, s := range shots[len(shots)-held:] {
		if want := frames - held + i; s.n != want {
			t.Fatalf("of the last frames out, number %d is %d, want %d", i, s.n, want)
		}
	}
}

func TestLiveDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		person := detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 50, Y0: 10, X1: 62, Y1: 40}}
		d := detecttest.New(everything, detecttest.Slow(60*time.Millisecond, detecttest.Find(person)))
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Mode: pipeline.Live, LookAhead: 2 * interval,
			Detectors: []detect.Detector{d}, TimeToLive: time.Minute})
		sink := &album{t: t}
		start := time.Now()
		if err := p.Run(t.Context(), &camera{frames: 200, pace: 2 * time.Millisecond}, sink); err != nil {
			t.Fatal(err)
		}
		// The camera takes 400 ms, and one inference may be under way at the end.
		if took := time.Since(start); took > 460*time.Millisecond {
			t.Errorf("took %v: frames waited for the detector", took)
		}
		st := p.Stats()
		if k := st.Detectors[0]; k.Inferences < 3 || k.Inferences > 7 || k.Replaced == 0 {
			t.Errorf("%d inferences, %d replaced", k.Inferences, k.Replaced)
		}
		first := -1
		for i, s := range sink.seen() {
			if hidden := !s.shown[3][7]; !hidden {
				t.Fatalf("frame %d: the person is shown", i)
			}
			if first < 0 && s.shown[0][15] {
				first = i
			}
		}
		if first < 0 {
			t.Error("the scenery was never shown: no late result counted")
		}
	})
}

// TestLiveSlowInference: what an inference finds that takes longer than most frames are
// remembered for is hidden, or everything outside is.
func TestLiveSlowInference(t *testing.T) {
	for _, moving := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			person := detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 50, Y0: 10, X1: 62, Y1: 40}}
			d := detecttest.New(everything, detecttest.Slow(2600*time.Millisecond, detecttest.Find(person)))
			p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Mode: pipeline.Live, LookAhead: 300 * time.Millisecond, Moving: moving,
				Detectors: []detect.Detector{d}, Timeout: 5 * time.Second, TimeToLive: 8 * time.Second})
			sink := &album{t: t}
			if err := p.Run(t.Context(), &camera{frames: 400, pace: interval}, sink); err != nil {
				t.Fatal(err)
			}
			scenery := false
			for i, s := range sink.seen() {
				if s.shown[3][7] {
					t.Fatalf("moving %t, frame %d: the person is shown", moving, i)
				}
				scenery = scenery || s.shown[0][15]
			}
			if !scenery {
				t.Errorf("moving %t: the scenery was never shown", moving)
			}
		})
	}
}

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const cost = 10 * time.Millisecond
		var ds []detect.Detector
		for c := range detect.Class(detect.NumClasses) {
			ds = append(ds, detecttest.New(detect.Classes(c), detecttest.Slow(cost, detecttest.Find())))
		}
		const cores = 0.2
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Mode: pipeline.Live, Cores: cores, Detectors: ds})
		start := time.Now()
		if err := p.Run(t.Context(), &camera{frames: 400, pace: 3 * time.Millisecond}, &album{t: t}); err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		var used time.Duration
		for _, k := range p.Stats().Detectors {
			used += k.Time
			if k.Inferences == 0 {
				t.Errorf("%s never looked", k.Name)
			}
		}
		// The bucket's first filling may be used on top, and each detector's newest
		// inference overshoot.
		if most := time.Duration(cores*float64(took+300*time.Millisecond)) + time.Duration(len(ds))*cost; used > most {
			t.Errorf("used %v of core time in %v, more than %v", used, took, most)
		}
	})
}

// TestFormatChangeEnds: once every detector has seen the new format, the property is shown
// again, also of a camera that moves and whose frames wait for their own inference.
func TestFormatChangeEnds(t *testing.T) {
	for name, size := range map[string]image.Point{"larger": image.Pt(2*width, 2*height), "turned and back": image.Pt(height, width)} {
		for _, lookAhead := range []time.Duration{0, 5 * interval, 9 * interval} {
			t.Run(fmt.Sprintf("%s/look-ahead %v", name, lookAhead), func(t *testing.T) {
				t.Parallel()
				ctx, stop := context.WithTimeout(t.Context(), time.Minute)
				defer stop()
				p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Mode: pipeline.Live, LookAhead: lookAhead, Timeout: time.Minute,
					Detectors: []detect.Detector{detecttest.New(everything, detecttest.Find())}})
				sizes := func(n int) image.Point {
					if n >= 10 && (name == "larger" || n < 14) {
						return size
					}
					return image.Pt(width, height)
				}
				shown := false
				sink := pipeline.SinkFunc(func(_ context.Context, f redact.Frame) error {
					pic := f.Picture()
					if n := int(f.Time() / interval); n > 14 && sizes(n) == pic.Rect.Size() && pic.Y[len(pic.Y)-1] != pic.Y[len(pic.Y)-2] {
						shown = true
						stop()
					}
					return nil
				})
				if err := p.Run(ctx, &camera{frames: 1e6, size: sizes, pace: time.Millisecond}, sink); !errors.Is(err, ctx.Err()) || !shown {
					t.Errorf("the property was shown again: %t; %v", shown, err)
				}
			})
		}
	}
}
