package pipeline_test

import (
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// TestRecordingSlack: on a moving camera the cover of a small object is larger by some pixels,
// and that of a large one by its margin alone, not by both.
func TestRecordingSlack(t *testing.T) {
	large := detect.Box{X0: 80, Y0: 20, X1: 240, Y1: 220}
	unmargined := func(o *redact.Options) { o.Margin = 0 }
	small := detect.Box{X0: 100, Y0: 100, X1: 124, Y1: 160}
	for _, c := range []struct {
		name   string
		object detect.Box
		strip  detect.Box // beside it
		redact func(*redact.Options)
		hidden float64
	}{
		{"a large one's margin", large, detect.Box{X0: 74, Y0: 60, X1: 80, Y1: 180}, nil, 1},
		{"beyond it", large, detect.Box{X0: 64, Y0: 60, X1: 70, Y1: 180}, nil, 0},
		{"beside a small one", small, detect.Box{X0: 96, Y0: 120, X1: 100, Y1: 140}, nil, 1},
		{"beyond that", small, detect.Box{X0: 90, Y0: 120, X1: 94, Y1: 140}, nil, 0},
		{"a large one without a margin", large, detect.Box{X0: 76, Y0: 60, X1: 80, Y1: 180}, unmargined, 1},
	} {
		found := detecttest.Find(detect.Detection{Class: detect.Person, Score: 0.9, Box: c.object})
		cfg := pipeline.RecordingConfig{Detectors: []detect.Detector{detecttest.New(everything, found)}, Camera: pipeline.MovingCamera, Redact: c.redact}
		h, _ := playYard(t, cfg, func() *yard { return &yard{frames: 12} }, func(int) detect.Box { return c.strip })
		for i, got := range h.walker {
			if got != c.hidden {
				t.Errorf("%s: picture %d: %.2f hidden, want %v", c.name, i, got, c.hidden)
			}
		}
	}
}
