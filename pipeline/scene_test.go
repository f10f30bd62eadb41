package pipeline

import (
	"image"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// TestFarAhead: with a far look-ahead, what leaves doubt ends sooner on a moving camera, and
// faces and plates grow less; with a near one they do not.
func TestFarAhead(t *testing.T) {
	sign := detect.Box{X0: 300, Y0: 200, X1: 340, Y1: 240}
	for ahead, want := range map[time.Duration]struct {
		last  int     // inference, of 100 ms, after which it is hidden no more
		width float32 // of a face lost for a while
	}{
		300 * time.Millisecond: {movingMisses, 60},
		time.Second:            {farMisses, 40},
	} {
		s := newScene(&Config{Mode: Live, Moving: true, LookAhead: ahead}, 10)
		s.restart(image.Pt(640, 360))
		all := detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle)
		face := detect.Box{X0: 100, Y0: 100, X1: 130, Y1: 130}
		at := func(i int) time.Duration { return time.Duration(i) * 100 * time.Millisecond }
		for i := range 30 {
			job := &inference{at: at(i), classes: all}
			if i < 5 {
				job.found = append(job.found, detect.Detection{Class: detect.Face, Score: 0.9, Box: face})
			}
			if i == 2 || i == 4 {
				job.found = append(job.found, detect.Detection{Class: detect.Person, Score: 0.35, Box: sign})
			}
			s.observe(job, image.Pt(640, 360), nil)
		}
		last, widest := 0, float32(0)
		for i := 4; i < 30; i++ {
			for _, o := range s.objects(&frame{at: at(i)}) {
				if o.Class == detect.Person {
					last = i - 4
				} else {
					widest = max(widest, o.Padded.W())
				}
			}
		}
		if last != want.last || widest < want.width-8 || widest > want.width+8 {
			t.Errorf("look-ahead %v: hidden for %d inferences more, at most %.0f wide, want %d and about %.0f", ahead, last, widest, want.last, want.width)
		}
	}
}
