package track_test

import (
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/track"
)

// TestFewPictures: in a photograph a find counts that one inference alone shows, if it is
// confident; where another shows the place larger, that one must agree, or the first be
// very confident.
func TestFewPictures(t *testing.T) {
	at := detect.Box{X0: 300, Y0: 200, X1: 340, Y1: 240}
	near := detect.Box{X0: 302, Y0: 199, X1: 341, Y1: 242}
	all := detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle)
	around := detect.Box{X0: 260, Y0: 160, X1: 380, Y1: 280}
	cut := detect.Box{X0: 320, Y0: 160, X1: 440, Y1: 280}
	for _, c := range []struct {
		name         string
		class        detect.Class
		whole, again float32 // 0: not found, negative: not looked at
		region       detect.Box
		alone        bool // without what carries it
		want         bool
	}{
		{"person", detect.Person, 0.35, -1, around, false, true},
		{"weak person", detect.Person, 0.2, -1, around, false, false},
		{"weak person, seen again", detect.Person, 0.2, 0.1, around, false, true},
		{"weak person, not seen again", detect.Person, 0.2, 0, around, false, false},
		{"person, not seen again", detect.Person, 0.35, 0, around, false, true},
		{"plate", detect.Plate, 0.55, -1, around, false, true},
		{"plate, not seen again", detect.Plate, 0.7, 0, around, false, false},
		{"plate, hardly seen again", detect.Plate, 0.7, 0.4, around, false, false},
		{"plate, seen again", detect.Plate, 0.6, 0.7, around, false, true},
		{"plate, better seen larger", detect.Plate, 0.3, 0.85, around, false, true},
		{"sure plate, not seen again", detect.Plate, 0.85, 0, around, false, true},
		{"plate, cut off by the other", detect.Plate, 0.6, 0, cut, false, true},
		{"plate of no vehicle", detect.Plate, 0.6, -1, around, true, false},
		{"sure plate of no vehicle", detect.Plate, 0.8, -1, around, true, true},
		{"plate of no vehicle, seen again", detect.Plate, 0.62, 0.7, around, true, true},
		{"weak plate of no vehicle, seen again", detect.Plate, 0.57, 0.7, around, true, false},
		{"weak plate of a vehicle, seen again", detect.Plate, 0.57, 0.7, around, false, true},
		{"face of nobody, not seen again", detect.Face, 0.6, 0, around, true, false},
		{"face of nobody, seen again", detect.Face, 0.62, 0.61, around, true, true},
		{"somebody's face, not seen again", detect.Face, 0.6, 0, around, false, true},
	} {
		whole := track.Inference{Classes: all, Detections: []detect.Detection{{Class: c.class, Score: c.whole, Box: at}}}
		if carrier := map[detect.Class]detect.Class{detect.Face: detect.Person, detect.Plate: detect.Vehicle}; !c.alone && c.class != detect.Person {
			whole.Detections = append(whole.Detections, detect.Detection{Class: carrier[c.class], Score: 0.9, Box: at.Grow(1, 1)})
		}
		o := track.Observed{Time: time.Second, Inferences: []track.Inference{whole}}
		if c.again >= 0 {
			again := track.Inference{Classes: all, Region: c.region}
			if c.again > 0 {
				again.Detections = []detect.Detection{{Class: c.class, Score: c.again, Box: near}}
			}
			o.Inferences = append(o.Inferences, again)
		}
		l := track.NewLinker(track.DefaultLinkerConfig())
		l.Add(&o)
		got := false
		for _, p := range l.Tracks().List {
			got = got || p.Class == c.class && p.Believed
		}
		if got != c.want {
			t.Errorf("%s: believed %t", c.name, got)
		}
	}
}

// TestFewOfOneClass: pictures in which only other classes were looked for come first.
func TestFewOfOneClass(t *testing.T) {
	at := detect.Box{X0: 300, Y0: 200, X1: 340, Y1: 240}
	l := track.NewLinker(track.DefaultLinkerConfig())
	for i := range 6 {
		k := track.Inference{Classes: detect.Classes(detect.Vehicle)}
		if i > 3 {
			k = track.Inference{Classes: detect.Classes(detect.Person), Detections: []detect.Detection{{Class: detect.Person, Score: 0.6, Box: at}}}
		}
		l.Add(&track.Observed{Time: time.Duration(i) * 100 * time.Millisecond, Inferences: []track.Inference{k}})
	}
	if list := l.Tracks().List; len(list) != 1 || !list[0].Believed {
		t.Errorf("%d tracks", len(list))
	}
}
