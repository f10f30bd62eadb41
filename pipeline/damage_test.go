package pipeline_test

import (
	"context"
	"errors"
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/pipeline"
)

// TestRecordingDamaged: in two passes, too, a long stretch of pictures that cannot be
// decoded is skipped and counted, and a recording without one good picture is an
// error.
func TestRecordingDamaged(t *testing.T) {
	const first, last, n = 20, 119, 140
	source := func() pipeline.Source {
		return &camera{frames: n, fault: func(_ context.Context, i int) error {
			if i >= first && i <= last {
				return pipeline.ErrPicture
			}
			return nil
		}}
	}
	c := pipeline.RecordingConfig{Policy: policy(t, hideFound), Detectors: []detect.Detector{seenIn(n, 0, n-1)}}
	r := newRecording(t, c)
	shots := bothPasses(t, r, source)
	if want := n - (last - first + 1); len(shots) != want || r.Stats().FramesLost != last-first+1 {
		t.Errorf("%d pictures, want %d; %d lost", len(shots), want, r.Stats().FramesLost)
	}
	for _, s := range shots {
		if !hidesSomeone(s) {
			t.Errorf("picture %d: the person is shown", s.n)
		}
	}
	none := &camera{frames: 100, fault: func(context.Context, int) error { return pipeline.ErrPicture }}
	if _, err := newRecording(t, c).Inspect(t.Context(), none, testInput); !errors.Is(err, pipeline.ErrPicture) {
		t.Errorf("without one good picture: %v", err)
	}
}
