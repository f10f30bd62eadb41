package ffmpeg

import (
	"image"
	"testing"
	"time"

	"github.com/hedgecam/hedge/redact"
)

// newFramer returns a function that makes frames of a policy that shows
// everything: their samples are those of the picture.
func newFramer(t testing.TB, size image.Point) func(*image.YCbCr, time.Duration) redact.Frame {
	t.Helper()
	policy := &redact.Policy{Version: 1, Property: []redact.Polygon{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}}}}
	r, err := redact.New(policy, size, redact.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	return func(p *image.YCbCr, at time.Duration) redact.Frame {
		f, err := r.Redact(p, redact.Scene{Time: at})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
}
