package pipeline

import (
	"image"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// TestLoosePlates: live, on a moving camera, an uncertain plate counts if it lies in a
// vehicle. A sure one always does, and so does any where the vehicle may be cut off or is
// not looked for, and on a fixed camera.
func TestLoosePlates(t *testing.T) {
	plate := func(score float32) detect.Detection {
		return detect.Detection{Class: detect.Plate, Score: score, Box: detect.Box{X0: 300, Y0: 200, X1: 340, Y1: 212}}
	}
	car := detect.Detection{Class: detect.Vehicle, Score: 0.3, Box: detect.Box{X0: 260, Y0: 120, X1: 400, Y1: 220}}
	aside := detect.Detection{Class: detect.Vehicle, Score: 0.9, Box: detect.Box{X0: 10, Y0: 120, X1: 150, Y1: 220}}
	both := detect.Classes(detect.Plate, detect.Vehicle)
	moving := Config{Mode: Live, Moving: true}
	for name, c := range map[string]struct {
		config  Config
		classes detect.ClassSet
		region  detect.Box
		found   []detect.Detection
		want    bool
	}{
		"a sign":                   {moving, both, detect.Box{}, []detect.Detection{plate(0.55)}, false},
		"a sign beside a car":      {moving, both, detect.Box{}, []detect.Detection{plate(0.55), aside}, false},
		"on a car":                 {moving, both, detect.Box{}, []detect.Detection{plate(0.55), car}, true},
		"sure":                     {moving, both, detect.Box{}, []detect.Detection{plate(0.65)}, true},
		"in a region":              {moving, both, detect.Box{X0: 200, Y0: 100, X1: 500, Y1: 300}, []detect.Detection{plate(0.55)}, true},
		"nobody looks for cars":    {moving, detect.Classes(detect.Plate), detect.Box{}, []detect.Detection{plate(0.55)}, true},
		"a recording read once":    {Config{Mode: File, Moving: true}, both, detect.Box{}, []detect.Detection{plate(0.55)}, true},
		"the camera does not move": {Config{Mode: Live}, both, detect.Box{}, []detect.Detection{plate(0.55)}, true},
	} {
		s := newScene(&c.config, 10)
		s.restart(image.Pt(640, 360))
		s.observe(&inference{at: time.Second, classes: c.classes, region: c.region, found: c.found}, image.Pt(640, 360), nil)
		got := false
		for _, o := range s.objects(&frame{at: time.Second}) {
			got = got || o.Class == detect.Plate
		}
		if got != c.want {
			t.Errorf("%s: hidden %t, want %t", name, got, c.want)
		}
	}
}

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
