package pipeline_test

import (
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/detect/track"
	"github.com/hedgecam/hedge/pipeline"
)

// TestMoreThanTheTrackerHolds: one object too many, of whatever class, hides all that
// any policy asks to hide.
func TestMoreThanTheTrackerHolds(t *testing.T) {
	const hidePlates = `{"version": 1, ` + zones + `, "outside": {"hide": "all", "fill": "solid"}, "found": {"fill": "solid"}, "inside": {"hide": ["plate"]}}`
	for name, text := range map[string]string{"outside": hideFound, "faces inside": hideAllFace, "plates inside": hidePlates} {
		for class := range detect.Class(detect.NumClasses) {
			t.Run(name+"/"+class.String(), func(t *testing.T) {
				var ds []detect.Detection
				for i := range 5 {
					x := float32(4 + 24*i)
					ds = append(ds, detect.Detection{Class: detect.Vehicle, Score: 0.9, Box: detect.Box{X0: x, Y0: 60, X1: x + 16, Y1: 76}})
				}
				ds[4].Class = class
				p := newPipeline(t, pipeline.Config{Policy: policy(t, text), Track: func(c *track.Config) { c.MaxTracks = 4 },
					Detectors: []detect.Detector{detecttest.New(everything, detecttest.Find(ds...))}})
				sink := &album{t: t}
				if err := p.Run(t.Context(), &camera{frames: 12}, sink); err != nil {
					t.Fatal(err)
				}
				if len(sink.seen()) != 12 {
					t.Fatalf("%d frames", len(sink.seen()))
				}
				for _, s := range sink.seen() {
					if n := s.outsideShown() + s.insideShown(); n != 0 {
						t.Fatalf("frame %d: %d blocks shown", s.n, n)
					}
				}
			})
		}
	}
}
