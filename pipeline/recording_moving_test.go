package pipeline_test

import (
	"errors"
	"image"
	"math"
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/detect/track"
	"github.com/hedgecam/hedge/internal/race"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

// TestRecordingSlack: on a moving camera the cover of a small object is larger by some pixels,
// and that of a large one by its margin alone, not by both.
func TestRecordingSlack(t *testing.T) {
	large := detect.Box{X0: 80, Y0: 20, X1: 240, Y1: 220}
	unmargined := func(l *track.LinkerConfig) { l.Class[detect.Person].Margin = 0 }
	small := detect.Box{X0: 100, Y0: 100, X1: 124, Y1: 160}
	for _, c := range []struct {
		name   string
		object detect.Box
		strip  detect.Box // beside it
		track  func(*track.LinkerConfig)
		hidden float64
	}{
		{"a large one's margin", large, detect.Box{X0: 74, Y0: 60, X1: 80, Y1: 180}, nil, 1},
		{"beyond it", large, detect.Box{X0: 64, Y0: 60, X1: 70, Y1: 180}, nil, 0},
		{"beside a small one", small, detect.Box{X0: 96, Y0: 120, X1: 100, Y1: 140}, nil, 1},
		{"beyond that", small, detect.Box{X0: 90, Y0: 120, X1: 94, Y1: 140}, nil, 0},
		{"a large one without a margin", large, detect.Box{X0: 76, Y0: 60, X1: 80, Y1: 180}, unmargined, 1},
	} {
		found := detecttest.Find(detect.Detection{Class: detect.Person, Score: 0.9, Box: c.object})
		cfg := pipeline.RecordingConfig{Detectors: []detect.Detector{detecttest.New(everything, found)}, Camera: pipeline.MovingCamera, Track: c.track}
		h, _ := playYard(t, cfg, func() *yard { return &yard{frames: 12} }, func(int) detect.Box { return c.strip })
		for i, got := range h.walker {
			if got != c.hidden {
				t.Errorf("%s: picture %d: %.2f hidden, want %v", c.name, i, got, c.hidden)
			}
		}
	}
}

// TestRecordingTurningCamera: who walks before a camera that turns, and is found by nobody,
// is hidden as they are before a fixed one, and the place is shown.
func TestRecordingTurningCamera(t *testing.T) {
	race.SkipPixels(t)
	turn := func(i int) int { return 400 + int(40*math.Sin(float64(i)/6)) }
	walk := func(i int) (image.Point, bool) { return image.Pt(500+5*i-turn(i), 120), i >= 20 && i < 60 }
	box := func(i int) detect.Box {
		at, _ := walk(i)
		return detect.Box{X0: float32(at.X), Y0: float32(at.Y), X1: float32(at.X + 24), Y1: float32(at.Y + 60)}
	}
	cfg := pipeline.RecordingConfig{Detectors: []detect.Detector{detecttest.New(everything, detecttest.Find())}}
	h, d := playYard(t, cfg, func() *yard { return &yard{frames: 80, path: walk, shift: turn} }, box)
	if d.Camera != pipeline.MovingCamera {
		t.Fatalf("%v camera", d.Camera)
	}
	in := detect.Box{X1: 320, Y1: 240}
	for i := range h.whole {
		_, walks := walk(i)
		switch {
		case walks && i >= 22 && in.Contains(box(i)):
			if h.walker[i] < 0.9 || h.whole[i] > 0.1 {
				t.Errorf("picture %d: %.2f of the walker and %.3f of all hidden", i, h.walker[i], h.whole[i])
			}
		case !walks && (i < 20 || i > 65) && h.whole[i] > 0.01:
			t.Errorf("picture %d: %.3f hidden, and nobody is there", i, h.whole[i])
		}
	}
}

// TestRecordingTurningBeforeCar: a parked car explains nothing of who walks before it, though
// the camera's turns move it in the picture.
func TestRecordingTurningBeforeCar(t *testing.T) {
	race.SkipPixels(t)
	turn := func(i int) int { return 400 + int(40*math.Sin(float64(i)/6)) }
	walk := func(i int) (image.Point, bool) { return image.Pt(500+4*i-turn(i), 120), i >= 20 && i < 60 }
	box := func(i int) detect.Box {
		at, _ := walk(i)
		return detect.Box{X0: float32(at.X), Y0: float32(at.Y), X1: float32(at.X + 24), Y1: float32(at.Y + 60)}
	}
	car := func(i int) detect.Box {
		x := float32(550 - turn(i))
		return detect.Box{X0: x, Y0: 90, X1: x + 160, Y1: 200}
	}
	var script [][]detect.Detection
	for i := range 80 {
		script = append(script, []detect.Detection{{Class: detect.Vehicle, Score: 0.9, Box: car(i)}})
	}
	cfg := pipeline.RecordingConfig{Detectors: []detect.Detector{detecttest.New(everything, detecttest.Script(script...))}}
	h, d := playYard(t, cfg, func() *yard { return &yard{frames: 80, path: walk, shift: turn} }, box)
	if d.Camera != pipeline.MovingCamera {
		t.Fatalf("%v camera", d.Camera)
	}
	before := 0
	for i := range h.walker {
		if _, walks := walk(i); !walks || i < 25 || !car(i).Contains(box(i)) {
			continue
		}
		before++
		if h.walker[i] < 0.9 {
			t.Errorf("picture %d: %.2f of the walker hidden", i, h.walker[i])
		}
	}
	if before < 15 {
		t.Errorf("the walker is before the car in %d pictures", before)
	}
}

// TestRecordingToldOtherwise: evidence of a camera that was said to move lacks what a fixed
// one needs, and is refused for one. Where nothing is said now, it is of a moving camera.
func TestRecordingToldOtherwise(t *testing.T) {
	of := func(c pipeline.Camera) *pipeline.Recording {
		r, err := pipeline.NewRecording(pipeline.RecordingConfig{Camera: c, Policy: policy(t, hideFound),
			Detectors: []detect.Detector{detecttest.New(everything, detecttest.Find())}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const anyone, fixed, moving = pipeline.AnyCamera, pipeline.FixedCamera, pipeline.MovingCamera
	for _, c := range []struct{ made, told, want pipeline.Camera }{
		{moving, fixed, anyone}, {fixed, moving, anyone}, // refused
		{moving, anyone, moving}, {fixed, anyone, fixed}, {anyone, fixed, fixed}, {anyone, moving, moving}, {moving, moving, moving},
	} {
		ev, err := of(c.made).Inspect(t.Context(), &yard{frames: 20}, testInput)
		if err != nil {
			t.Fatal(err)
		}
		d, err := of(c.told).Decide(ev)
		var refused *evidence.Error
		if c.want == anyone != errors.As(err, &refused) || err == nil && d.Camera != c.want {
			t.Errorf("evidence of a %v camera, said to be %v: %+v, %v", c.made, c.told, d, err)
		}
		if err := ev.Close(); err != nil {
			t.Error(err)
		}
	}
}
