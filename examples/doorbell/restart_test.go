package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/examples/internal/eventlog"
	"github.com/hedgecam/hedge/examples/internal/live"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// restartScene is a doorbell of which only the restarts and their events work.
type restartScene struct {
	*app
	t   *testing.T
	out *safeBuffer
}

func newRestartScene(t *testing.T) *restartScene {
	t.Helper()
	s := &restartScene{app: &app{}, t: t, out: &safeBuffer{}}
	var err error
	if s.log, err = eventlog.Open("-", s.out, func(eventlog.Event) {}); err != nil {
		t.Fatal(err)
	}
	s.events = live.NewEvents(s.log.AddData)
	return s
}

// lines ends the scene and returns its events.
func (s *restartScene) lines() (all []eventlog.Event) {
	s.t.Helper()
	if err := s.Close(); err != nil {
		s.t.Fatal(err)
	}
	for d := json.NewDecoder(&s.out.b); d.More(); {
		var e eventlog.Event
		if err := d.Decode(&e); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// TestRestarts: the rests of a pipeline that fails soon after its start grow up to a minute,
// and begin anew once it has run for a minute.
func TestRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRestartScene(t)
		ran := []time.Duration{0, time.Second, 0, 0, 0, 0, 0, time.Minute, 0}
		want := []float64{2, 4, 8, 16, 32, 60, 60, 2, 4} // seconds
		ctx, cancel := context.WithCancel(t.Context())
		n, ended := 0, time.Time{}
		err := s.pump(ctx, func(context.Context) error {
			if n > 0 {
				if rest := time.Since(ended).Seconds(); rest != want[n-1] {
					t.Errorf("rest %d: %v s, want %v", n, rest, want[n-1])
				}
			}
			if n == len(ran) {
				cancel()
				return context.Canceled
			}
			<-time.After(ran[n])
			n++
			ended = time.Now()
			return errors.New("no luck")
		})
		if err != nil || n != len(ran) {
			t.Errorf("%d starts, %v", n, err)
		}
		s.lines()
	})
}

// TestNetworkFailsForAnHour: a network that fails at once makes few lines in an hour, while
// the state follows every change; when it works again, that is what is told last.
func TestNetworkFailsForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRestartScene(t)
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		runs := 0
		run := func(ctx context.Context) error {
			if s.halted() != "" || s.closedBecause() != pipeline.NoReason {
				t.Errorf("while it runs: %q, %v", s.halted(), s.closedBecause())
			}
			if runs++; time.Since(began) > time.Hour { // it works
				<-ctx.Done()
				return ctx.Err()
			}
			s.happens(pipeline.Event{Kind: pipeline.FailedClosed, Reason: pipeline.ReasonDetectorFailed})
			for range 30 {
				s.happens(pipeline.Event{Kind: pipeline.DetectorFailed, Detector: "hedge-n", Err: errors.New("no luck")})
				<-time.After(time.Second / 30)
			}
			if s.closedBecause() != pipeline.ReasonDetectorFailed {
				t.Errorf("after it failed: %v", s.closedBecause())
			}
			return errors.New("no luck")
		}
		done := make(chan error)
		go func() { done <- s.pump(ctx, run) }()
		<-time.After(2 * time.Hour)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		last := map[string]string{}
		all := s.lines()
		for _, e := range all {
			switch e.Kind {
			case live.Stopped, live.Started:
				last["run"] = e.Kind
			case pipeline.FailedClosed.String(), pipeline.Recovered.String():
				last["closed"] = e.Kind
			}
		}
		if runs < 55 || len(all) > 60 {
			t.Errorf("%d lines of %d runs: %+v", len(all), runs, all)
		}
		if last["run"] != live.Started || last["closed"] != pipeline.Recovered.String() {
			t.Errorf("told last: %v", last)
		}
	})
}

// TestStuckNetwork: a network that does not return, as one that hangs in native code, ends the
// program so that it is started again: a further start of the pipeline would wait for it, too.
func TestStuckNetwork(t *testing.T) {
	s := newRestartScene(t)
	release := make(chan struct{})
	defer close(release)
	stuck := detecttest.New(detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle), detecttest.Stuck(release, time.Minute))
	policy := redact.HideEverything()
	policy.Outside.Hide = redact.HideDetected
	p, err := pipeline.New(pipeline.Config{Policy: policy, Mode: pipeline.Live, Detectors: []detect.Detector{stuck},
		Timeout: 20 * time.Millisecond, MaxFailures: 2, OnEvent: s.happens})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	began := time.Now()
	source := pipeline.SourceFunc(func(ctx context.Context, b *pipeline.Buffer) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
		b.Resize(64, 48)
		b.Time = time.Since(began)
		return nil
	})
	sink := pipeline.SinkFunc(func(_ context.Context, f redact.Frame) error {
		if f.Mask().Hidden() != 1 {
			t.Error("a picture was shown that no network has seen")
		}
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	runs := 0
	err = s.pump(ctx, func(ctx context.Context) error {
		if runs++; runs > 1 {
			cancel()
		}
		return p.Run(ctx, source, sink)
	})
	var stage *pipeline.StageError
	if !errors.Is(err, pipeline.ErrStuck) || !errors.As(err, &stage) || stage.Count != 2 || runs != 1 || live.ExitCode(err) != live.ExitFailed {
		t.Errorf("%d runs, exit code %d: %v", runs, live.ExitCode(err), err)
	}
	if all := s.lines(); !slices.ContainsFunc(all, func(e eventlog.Event) bool {
		return e.Kind == live.Stopped && strings.Contains(e.Text, "only a new start")
	}) {
		t.Errorf("the log does not say so: %+v", all)
	}
}
