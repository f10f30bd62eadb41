package pipeline_test

import (
	"context"
	"image"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/internal/race"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// TestLiveMovingContinues: in Live mode somebody before a camera that moves is covered with
// what is around, continued, and no plate is learned; before one that is fixed the place is
// shown as it was seen empty.
func TestLiveMovingContinues(t *testing.T) {
	race.SkipPixels(t)
	const comes, frames = 180, 220 // the plate is known after twice its span, of which a sixth is more than an interval
	person := detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 100, Y0: 100, X1: 124, Y1: 160}}
	for _, moving := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := detecttest.New(everything, func(_ context.Context, _ int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
				if pic.Y[pic.YOffset(pic.Rect.Min.X+108, pic.Rect.Min.Y+110)] < 200 {
					return dst, nil // the yard is darker than the person's stripes
				}
				return append(dst, person), nil
			})
			p := newFixed(t, pipeline.Config{Policy: policy(t, showPlace), Mode: pipeline.Live, Moving: moving, LookAhead: 300 * time.Millisecond, PlateSpan: 8 * time.Second,
				Detectors: []detect.Detector{d}})
			src := &yard{frames: frames, path: func(i int) (image.Point, bool) { return image.Pt(100, 100), i >= comes }}
			var s stripes
			sink := sinkFunc(func(f redact.Frame) {
				if f.Mask().At(56, 65) == redact.Background {
					_ = s.Write(t.Context(), f) // it has no error
				}
			})
			paced := pipeline.SourceFunc(func(ctx context.Context, b *pipeline.Buffer) error {
				<-time.After(100 * time.Millisecond)
				return src.Read(ctx, b)
			})
			if err := p.Run(t.Context(), paced, sink); err != nil {
				t.Fatal(err)
			}
			if known := p.Stats().PlateKnown; moving && known != 0 || !moving && known < 0.5 {
				t.Errorf("moving %t: %.2f of the place is known", moving, known)
			}
			if len(s.contrast) < (frames-comes)/2 {
				t.Fatalf("moving %t: in %d pictures the person is covered with the background", moving, len(s.contrast))
			}
			for i, c := range s.contrast {
				if smooth := c <= 20; smooth != moving {
					t.Errorf("moving %t: picture %d of the person has a contrast of %d", moving, i, c)
				}
			}
		})
	}
}
