package pipeline

import (
	"image"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

// TestPlateAfterFewPictures: a camera makes one picture a second, and 25 when somebody
// comes whom no detector finds. Who stays for four seconds enters no plate.
func TestPlateAfterFewPictures(t *testing.T) {
	const full = 128
	pic := image.NewYCbCr(image.Rect(0, 0, full, full), image.YCbCrSubsampleRatio420)
	b := background{span: 30 * time.Second}
	b.require(everybody, []detect.ClassSet{everybody}, -1)
	var c clock
	stamp := time.Duration(0)
	var found []detect.Detection
	show := func(step time.Duration, n int) float64 {
		for range n {
			stamp += step
			at := c.next(stamp)
			b.frame(pic, redact.Scene{Time: at}, true)
			b.observe(&inference{at: at, toFrame: mapping{sx: 1, sy: 1}, found: found})
		}
		return b.known()
	}
	// Somebody who is found keeps the plate from knowing a place.
	found = []detect.Detection{{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 40, Y0: 40, X1: 80, Y1: 100}}}
	known := show(time.Second, 200)
	if known < 0.5 || known > 0.9 {
		t.Fatalf("%.2f of the place are known", known)
	}
	found = nil
	if got := show(40*time.Millisecond, 100); got > known {
		t.Errorf("%.2f of the place are known after 4 s, %.2f before", got, known)
	}
	if got := show(40*time.Millisecond, 40*25); got != 1 {
		t.Errorf("%.2f of the place are known after 40 s more", got)
	}
}
