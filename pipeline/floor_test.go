package pipeline_test

import (
	"context"
	"image"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// all is a policy that shows everything.
const all = `{"version": 1, "property": [[[0,0],[1,0],[1,1],[0,1]]]}`

// TestFloor: whatever the policy and a preview show, what the floor hides is hidden,
// until there is none.
func TestFloor(t *testing.T) {
	sink, own := &album{t: t}, &previews{album{t: t}}
	floor := policy(t, hideAll)
	p := newPipeline(t, pipeline.Config{Policy: policy(t, all), Floor: []*redact.Policy{floor}, LookAhead: 3 * interval})
	c := &camera{frames: 120, pace: time.Millisecond}
	c.fault = func(_ context.Context, n int) error {
		switch n {
		case 20:
			return p.SetPreview(policy(t, all), own)
		case 40:
			return p.SetPolicy(policy(t, all)) // ends the preview
		case 50:
			return p.SetPreview(policy(t, all), own)
		case 70:
			return p.SetFloor(floor, policy(t, `{"version": 1, "property": [[[0,0],[0.5,0],[0.5,1],[0,1]]], "outside": {"fill": "solid"}, "found": {"fill": "solid"}}`))
		case 90:
			return p.SetFloor()
		}
		return nil
	}
	if err := p.SetFloor(&redact.Policy{Version: 9}); err == nil {
		t.Error("an invalid floor was taken")
	}
	if _, err := pipeline.New(pipeline.Config{Floor: []*redact.Policy{{Version: 9}}}); err == nil {
		t.Error("an invalid floor was configured")
	}
	if err := p.Run(t.Context(), c, sink); err != nil {
		t.Fatal(err)
	}
	check := func(what string, s shot) {
		up, down := s.outsideShown(), s.insideShown()
		switch {
		case s.n < 90 && up > 0:
			t.Errorf("%s %d: %d blocks shown that the floor hides", what, s.n, up)
		case s.n >= 70 && s.n < 90 && down != count(leftOf(s)):
			t.Errorf("%s %d: %d blocks shown, left half %d", what, s.n, down, count(leftOf(s)))
		case s.n >= 94 && up == 0:
			t.Errorf("%s %d: hidden without a floor", what, s.n)
		case s.n > 5 && down == 0:
			t.Errorf("%s %d: nothing is shown", what, s.n)
		}
	}
	for _, s := range sink.seen() {
		check("frame", s)
	}
	for _, s := range own.seen() {
		check("preview", s)
	}
	if n := len(own.seen()); n < 5 {
		t.Errorf("%d pictures of previews", n)
	}
}

// TestFloorOfStill: who draws sees the place as far as the floor shows it.
func TestFloorOfStill(t *testing.T) {
	nobody := detecttest.New(everything, detecttest.Find())
	p := newPipeline(t, pipeline.Config{Policy: policy(t, all), Floor: []*redact.Policy{policy(t, hideAll)}, Detectors: []detect.Detector{nobody}, Every: 1, PlateSpan: plateSpan})
	cam := &place{}
	ran := make(chan error, 1)
	go func() { ran <- p.Run(t.Context(), cam, discard{}) }()
	begun(p)
	still := stillAfter(t.Context(), t, p, nobody, 150)
	checkStill(t, still, map[image.Point]bool{{0, 0}: true, {7, 2}: true, {0, 4}: false, {7, 4}: false})
	still.Release()
	cam.end.Store(true)
	if err := <-ran; err != nil {
		t.Fatal(err)
	}
}
