package pipeline_test

import (
	"context"
	"image"
	"sync/atomic"
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
)

// TestRecordingWithoutNetworks: nothing looks for people, so all is hidden outside.
func TestRecordingWithoutNetworks(t *testing.T) {
	r := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound)})
	for i, s := range bothPasses(t, r, noise(4)) {
		if s.outsideShown() != 0 || s.insideShown() == 0 {
			t.Errorf("picture %d: %d blocks outside and %d inside shown", i, s.outsideShown(), s.insideShown())
		}
	}
	if !r.Stats().Missing.Has(detect.Person) {
		t.Error("nobody is told that people are not looked for")
	}
}

// TestRecordingOfSome: of several networks only those run that the policy needs.
func TestRecordingOfSome(t *testing.T) {
	for _, camera := range []pipeline.Camera{pipeline.FixedCamera, pipeline.MovingCamera} {
		var networks []detect.Detector
		var ran [3]atomic.Int64
		for i, c := range []detect.Class{detect.Face, detect.Person, detect.Plate} {
			networks = append(networks, detecttest.New(detect.Classes(c), func(_ context.Context, _ int, _ *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
				ran[i].Add(1)
				return append(dst, detect.Detection{Class: c, Score: 0.9, Box: someone.Box}), nil
			}))
		}
		faces := policy(t, `{"version":1,"property":[[[0,0],[1,0],[1,1],[0,1]]],"found":{"fill":"solid"},"inside":{"hide":["face"]}}`)
		r := newRecording(t, pipeline.RecordingConfig{Policy: faces, Detectors: networks, Camera: camera})
		for i, s := range bothPasses(t, r, noise(20)) {
			if !hidesSomeone(s) {
				t.Errorf("%v: picture %d shows the face", camera, i)
			}
		}
		if ran[0].Load() == 0 || ran[1].Load()+ran[2].Load() > 0 {
			t.Errorf("%v: the networks for faces, people and plates ran %d, %d and %d times", camera, ran[0].Load(), ran[1].Load(), ran[2].Load())
		}
	}
}
