package pipeline_test

import (
	"context"
	"errors"
	"image"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// TestFirstPicture: a recording begins with its first picture, in which what was
// found is hidden and the rest is shown, whatever Every and the look-ahead. If the
// first inference fails, what lies outside is hidden until one succeeds.
func TestFirstPicture(t *testing.T) {
	person := image.Rect(40, 10, 56, 40)
	finds := func(_ context.Context, n int, _ *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		return append(dst, detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{
			X0: float32(person.Min.X), Y0: float32(person.Min.Y), X1: float32(person.Max.X), Y1: float32(person.Max.Y)}}), nil
	}
	failsOnce := func(ctx context.Context, n int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		if n == 0 {
			return dst, errors.New("fake")
		}
		return finds(ctx, n, pic, dst)
	}
	for _, tt := range []struct {
		name      string
		every     int
		lookAhead int
		detect    detecttest.Func
		hidden    bool // nothing outside is shown in the first picture
	}{
		{"every picture", 1, 8, finds, false},
		{"no look-ahead", 1, 0, finds, false},
		{"every fourth", 4, 3, finds, false},
		{"as many as fit", 0, 8, finds, false},
		{"first look fails", 1, 8, failsOnce, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &stage{walker: func(int) image.Rectangle { return person }}
			p := newFixed(t, pipeline.Config{Policy: policy(t, hideFound), Every: tt.every, LookAhead: time.Duration(tt.lookAhead) * interval,
				Detectors: []detect.Detector{detecttest.New(everything, tt.detect)}})
			var first redactedShot
			sink := sinkFunc(func(f redact.Frame) {
				if f.Time() == 0 {
					first = redactedShot{seen: true, hidden: f.Mask().Hidden(),
						person: f.Mask().HiddenOf(detect.Box{X0: 40, Y0: 10, X1: 56, Y1: 40})}
				}
				if f.Time() >= 10*interval {
					c.end.Store(true)
				}
			})
			if err := p.Run(t.Context(), c, sink); err != nil {
				t.Fatal(err)
			}
			switch {
			case !first.seen:
				t.Fatal("the first picture did not come out")
			case first.person != 1:
				t.Errorf("%.2f of the person is hidden in the first picture", first.person)
			case !tt.hidden && first.hidden > 0.4:
				t.Errorf("%.2f of the first picture is hidden", first.hidden)
			case tt.hidden && first.hidden < 0.5:
				t.Errorf("%.2f of the first picture is hidden though nobody looked at it", first.hidden)
			}
		})
	}
}

// redactedShot is what a test notes of a frame.
type redactedShot struct {
	seen           bool
	hidden, person float64
}
