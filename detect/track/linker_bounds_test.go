package track

import (
	"math"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// TestWholeCapacity: with more objects than can be followed, or kept in memory, the
// whole picture is one of each class that may have to be hidden.
func TestWholeCapacity(t *testing.T) {
	var crowd []actor
	for i := range 10 {
		crowd = append(crowd, walks(walker(float32(60*i), 100, 0, 0), func(k int) float32 {
			if k < 10 && i > 2 {
				return 0
			}
			return 0.8
		}))
	}
	whole := detect.Box{X1: 640, Y1: 480}
	for name, bound := range map[string]func(*LinkerConfig){
		"tracks": func(c *LinkerConfig) { c.MaxTracks = 4 },
		"memory": func(c *LinkerConfig) { c.MaxObservations = 40 },
	} {
		cfg := DefaultLinkerConfig()
		bound(&cfg)
		p := linked(cfg, 30, 0, crowd...)
		if got := hiddenShare(p, 5, whole); got > 0.1 {
			t.Errorf("%s: with room for all %.2f is hidden", name, got)
		}
		for i := 12; i < 30; i++ {
			var classes detect.ClassSet
			for _, o := range p.At(i, nil) {
				if o.Padded == whole {
					classes |= detect.Classes(o.Class)
				}
			}
			if want := detect.Classes(hidable[:]...); classes != want {
				t.Errorf("%s: picture %d: the whole picture is %v, want %v", name, i, classes, want)
			}
		}
	}
	p := linked(DefaultLinkerConfig(), 3, 0)
	for _, i := range []int{-1, 3} {
		if got := hiddenShare(p, i, whole); got != 1 {
			t.Errorf("picture %d is none, and %.2f is hidden", i, got)
		}
	}
}

// TestWholeNumbers: the same evidence gives the same numbers.
func TestWholeNumbers(t *testing.T) {
	scene := func() *Tracks {
		return linked(DefaultLinkerConfig(), 50, 0, walks(walker(20, 100, 6, 0), steady(0.8)),
			walks(walker(500, 300, -4, 0), steady(0.6)), walks(walker(200, 20, 0, 3), steady(0.3)))
	}
	a, b := scene(), scene()
	if len(a.List) != 3 {
		t.Fatalf("%d tracks", len(a.List))
	}
	for i := range a.List {
		p, q := a.List[i], b.List[i]
		if p.ID != uint64(i+1) || p.ID != q.ID || p.First != q.First || p.Last != q.Last || a.Box(p, 25) != b.Box(q, 25) {
			t.Errorf("track %d: %+v and %+v", i, p, q)
		}
	}
}

// TestWholeNonsense: detections that make no sense are ignored.
func TestWholeNonsense(t *testing.T) {
	nan := float32(math.NaN())
	l := NewLinker(sceneConfig())
	for i := range 10 {
		l.Add(&Observed{Time: time.Duration(i) * sceneStep, Inferences: []Inference{{Classes: detect.Classes(detect.Person), Detections: []detect.Detection{
			{Class: detect.Person, Score: nan, Box: detect.Box{X1: 10, Y1: 10}},
			{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: nan, X1: 10, Y1: 10}},
			{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 700, X1: 710, Y1: 10}},
			{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 20, X1: 10, Y1: 10}},
			{Class: 9, Score: 0.9, Box: detect.Box{X1: 10, Y1: 10}},
		}}}})
	}
	if p := l.Tracks(); len(p.List) != 0 {
		t.Errorf("%d tracks", len(p.List))
	}
}

// TestWholeSlack: padded boxes reach as far as Slack or their margin, whichever is more.
func TestWholeSlack(t *testing.T) {
	cfg := DefaultLinkerConfig()
	cfg.Slack = 6
	for _, c := range []struct{ box, want detect.Box }{
		{detect.Box{X0: 300, Y0: 200, X1: 320, Y1: 240}, detect.Box{X0: 294, Y0: 194, X1: 326, Y1: 246}},
		{detect.Box{X0: 300, Y0: 100, X1: 360, Y1: 300}, detect.Box{X0: 294, Y0: 90, X1: 366, Y1: 310}},
	} {
		p := linked(cfg, 20, 0, walks(func(int) detect.Box { return c.box }, steady(0.8)))
		if got := p.At(10, nil)[0].Padded; got != c.want {
			t.Errorf("the padded box of %v is %v, want %v", c.box, got, c.want)
		}
	}
}
