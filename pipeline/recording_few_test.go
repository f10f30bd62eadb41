package pipeline_test

import (
	"context"
	"errors"
	"image"
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
)

// TestRecordingOfFew: one picture, two, and none.
func TestRecordingOfFew(t *testing.T) {
	for _, n := range []int{1, 2} {
		for _, camera := range []pipeline.Camera{pipeline.FixedCamera, pipeline.MovingCamera} {
			r := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound), Detectors: []detect.Detector{seenIn(n, 0, n-1)}, Camera: camera})
			shots := bothPasses(t, r, noise(n))
			if len(shots) != n || !hidesSomeone(shots[0]) || !hidesSomeone(shots[n-1]) {
				t.Errorf("%d pictures, %v camera: %d came out", n, camera, len(shots))
			}
			if !shots[0].shown[0][15] {
				t.Errorf("%d pictures, %v camera: the first is hidden where nobody is", n, camera)
			}
		}
	}
	r := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound)})
	if _, err := r.Inspect(t.Context(), &camera{}, testInput); !errors.Is(err, pipeline.ErrPicture) {
		t.Errorf("no picture: %v", err)
	}
}

// TestRecordingLooksAgain: in a photograph a doubtful find is looked at once more, larger.
// It is hidden if it is found there too, and shown if not.
func TestRecordingLooksAgain(t *testing.T) {
	find := detect.Detection{Class: detect.Person, Score: 0.2, Box: detect.Box{X0: 50, Y0: 18, X1: 58, Y1: 24}}
	for _, n := range []int{1, 3} {
		for _, again := range []bool{true, false} {
			det := detecttest.New(everything, func(_ context.Context, _ int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
				switch size := pic.Rect.Size(); {
				case size == image.Pt(width, height):
					return append(dst, find), nil
				case again:
					cx, cy := float32(size.X)/2, float32(size.Y)/2
					return append(dst, detect.Detection{Class: detect.Person, Score: 0.2, Box: detect.Box{X0: cx - 4, Y0: cy - 3, X1: cx + 4, Y1: cy + 3}}), nil
				}
				return dst, nil
			})
			r := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound), Detectors: []detect.Detector{det}})
			shots := bothPasses(t, r, noise(n))
			if calls := det.Calls(); calls != 2*n {
				t.Errorf("%d pictures: %d inferences", n, calls)
			}
			if len(shots) != n || shots[0].shown[2][6] == again || shots[n-1].shown[2][6] == again || !shots[0].shown[0][15] {
				t.Errorf("%d pictures, found again %t: hidden %v", n, again, len(shots) == n && !shots[0].shown[2][6])
			}
		}
	}
}
