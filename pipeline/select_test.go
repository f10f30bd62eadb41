package pipeline_test

import (
	"context"
	"errors"
	"image"
	"sync"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
)

// choosy is a detector that looks only for what was selected.
type choosy struct {
	*detecttest.Fake
	fault func(wanted detect.ClassSet) error

	mu       sync.Mutex
	selected []detect.ClassSet
	looks    int
}

func newChoosy(found ...detect.Detection) *choosy {
	c := &choosy{}
	c.Fake = detecttest.New(everything, func(_ context.Context, _ int, _ *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.looks++
		for _, d := range found {
			// Vehicles come with whatever is selected, as from a branch that finds two classes.
			if d.Class == detect.Vehicle || len(c.selected) == 0 || c.selected[len(c.selected)-1].Has(d.Class) {
				dst = append(dst, d)
			}
		}
		return dst, nil
	})
	return c
}

func (c *choosy) Select(wanted detect.ClassSet) error {
	if c.fault != nil {
		if err := c.fault(wanted); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.selected = append(c.selected, wanted)
	return nil
}

// TestOnlyWhatThePolicyNeeds: a detector that can leave classes out is asked for
// those of the policy only. When the policy comes to need more, nothing of what was
// not looked for before is shown, and the detector is asked for the rest.
func TestOnlyWhatThePolicyNeeds(t *testing.T) {
	person := detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 50, Y0: 10, X1: 62, Y1: 40}}
	face := detect.Detection{Class: detect.Face, Score: 0.9, Box: detect.Box{X0: 50, Y0: 60, X1: 62, Y1: 75}}
	car := detect.Detection{Class: detect.Vehicle, Score: 0.9, Box: detect.Box{X0: 90, Y0: 10, X1: 120, Y1: 30}}
	for _, mode := range modes {
		for _, lookAhead := range []int{0, 4} {
			c := newChoosy(person, face, car)
			p := newPipeline(t, pipeline.Config{Mode: mode, Policy: policy(t, hideAllFace), LookAhead: time.Duration(lookAhead) * interval, Every: 1, Detectors: []detect.Detector{c}})
			sink := &album{t: t}
			// The camera ends when both policies have been seen at work.
			changed, done := -1, false
			cam := &camera{frames: 100_000, fault: func(_ context.Context, n int) error {
				seen := sink.seen()
				switch {
				case changed < 0 && len(seen) > 0 && seen[len(seen)-1].insideShown() > 0:
					changed = n
					return p.SetPolicy(policy(t, hideFound))
				case changed >= 0 && !done && len(seen) > 0 && seen[len(seen)-1].outsideShown() > 0:
					done = true
					p.Stop()
				}
				return nil
			}}
			if err := p.Run(t.Context(), cam, sink); err != nil {
				t.Fatal(err)
			}
			for _, s := range sink.seen() {
				if s.shown[3][7] {
					t.Errorf("look-ahead %d, frame %d (policy changed at %d): the person is shown", lookAhead, s.n, changed)
				}
				if s.n < changed-8 && s.outsideShown() > 0 {
					t.Errorf("look-ahead %d, frame %d: outside shown before the policy changed", lookAhead, s.n)
				}
			}
			if !done {
				t.Errorf("look-ahead %d: the scenery was never shown", lookAhead)
			}
			want := []detect.ClassSet{detect.Classes(detect.Face), everything}
			if len(c.selected) != 2 || c.selected[0] != want[0] || c.selected[1] != want[1] {
				t.Errorf("look-ahead %d: selected %v, want %v", lookAhead, c.selected, want)
			}
		}
	}
}

// TestVehiclesToo: where people and plates are hidden, vehicles are asked for as well: they say
// what is a plate.
func TestVehiclesToo(t *testing.T) {
	for text, want := range map[string]detect.ClassSet{
		`{"version":1,"outside":{"hide":"detected"}}`:                                               everything,
		`{"version":1,"property":[[[0,0],[1,0],[1,1],[0,1]]],"inside":{"hide":["plate"]}}`:          detect.Classes(detect.Plate),
		`{"version":1,"property":[[[0,0],[1,0],[1,1],[0,1]]],"inside":{"hide":["person"]}}`:         detect.Classes(detect.Person),
		`{"version":1,"property":[[[0,0],[1,0],[1,1],[0,1]]],"inside":{"hide":["person","plate"]}}`: detect.Classes(detect.Person, detect.Plate, detect.Vehicle),
	} {
		c := newChoosy()
		p := newPipeline(t, pipeline.Config{Policy: policy(t, text), Every: 1, Detectors: []detect.Detector{c}})
		if err := p.Run(t.Context(), &camera{frames: 3}, &album{t: t}); err != nil {
			t.Fatal(err)
		}
		if got := append([]detect.ClassSet{everything}, c.selected...); got[len(got)-1] != want {
			t.Errorf("%s: asked for %v, want %v", text, got[len(got)-1], want)
		}
	}
}

// TestSelectFails: a detector that cannot be had for what the policy needs is one
// that fails: everything outside is hidden, and the Run ends.
func TestSelectFails(t *testing.T) {
	broken := errors.New("no such branch")
	c := newChoosy()
	c.fault = func(detect.ClassSet) error { return broken }
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Every: 1, MaxFailures: 3, Detectors: []detect.Detector{c}})
	sink := &album{t: t}
	err := p.Run(t.Context(), &camera{frames: 50}, sink)
	var stage *pipeline.StageError
	if !errors.As(err, &stage) || !errors.Is(err, broken) || stage.Count != 3 {
		t.Errorf("%v, want a *StageError of 3 failures that wraps %v", err, broken)
	}
	for _, s := range sink.seen() {
		if s.outsideShown() > 0 {
			t.Errorf("frame %d: outside shown", s.n)
		}
	}
	if c.looks != 0 {
		t.Errorf("%d looks with what was not selected", c.looks)
	}
}

// TestRecordingAsksForAll: a detector that an earlier Run left looking for faces
// looks for everything in the first pass over a recording.
func TestRecordingAsksForAll(t *testing.T) {
	const n = 20
	c := newChoosy(detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 50, Y0: 10, X1: 62, Y1: 40}})
	if err := c.Select(detect.Classes(detect.Face)); err != nil {
		t.Fatal(err)
	}
	r := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound), Detectors: []detect.Detector{c}})
	ev, err := r.Inspect(t.Context(), &camera{frames: n}, testInput)
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	for _, s := range secondPass(t, r, ev, &camera{frames: n}) {
		if s.shown[3][7] {
			t.Errorf("frame %d: the person is shown", s.n)
		}
	}
	if last := c.selected[len(c.selected)-1]; last != everything {
		t.Errorf("asked for %v, want %v", last, everything)
	}
}
