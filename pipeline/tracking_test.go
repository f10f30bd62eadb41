package pipeline

import (
	"image"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/motion"
	"github.com/hedgecam/hedge/detect/track"
	"github.com/hedgecam/hedge/redact"
)

// noise is a picture of blocks of so many pixels a side.
func noise(cell int) *image.YCbCr {
	pic := image.NewYCbCr(image.Rect(0, 0, 160, 96), image.YCbCrSubsampleRatio420)
	for i := range pic.Y {
		x, y := uint32(i%pic.YStride/cell), uint32(i/pic.YStride/cell)
		pic.Y[i] = uint8(40 + (x*2654435761^y*40503^uint32(cell)*97777)*2246822519>>24%160)
	}
	return pic
}

func sceneFrame(i int, pic *image.YCbCr) *frame {
	f := &frame{at: time.Duration(i) * 40 * time.Millisecond}
	f.movedAt, f.nextCut = f.at, forever
	f.buf.pic = pic
	return f
}

// TestSceneActivity: a fixed camera's scene is static or not, and what moves in it is
// unexplained until an object stands there; a cut is told of.
func TestSceneActivity(t *testing.T) {
	c := DefaultConfig()
	s := newScene(&c, 0)
	s.restart(image.Pt(160, 96))
	s.watch(true, detect.Person)
	person := detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 30, Y0: 10, X1: 70, Y1: 80}}
	everywhere := func(i int, found ...detect.Detection) *inference {
		return &inference{at: time.Duration(i) * 40 * time.Millisecond, classes: everybody, found: found}
	}
	n := 0
	step := func(pic *image.YCbCr) (*frame, motion.Transition) {
		f := sceneFrame(n, pic)
		transition, err := s.update(f, pic)
		if err != nil {
			t.Fatal(err)
		}
		return f, transition
	}
	for ; n < 100; n++ {
		f, transition := step(noise(8))
		if (transition == motion.Cut) != (n == 0) {
			t.Fatalf("frame %d: %v", n, transition)
		}
		if n == 0 && len(f.moved) == 0 {
			t.Error("nothing of the first picture is unexplained, though nobody has looked")
		}
		s.observe(everywhere(n), image.Pt(160, 96), f)
		if n == 0 && len(f.moved) != 0 {
			t.Errorf("%v of the first picture is unexplained after nothing was found", f.moved)
		}
	}
	if !s.activity.static || s.activity.unexplained {
		t.Errorf("a static scene: %+v", s.activity)
	}
	shifted := noise(8)
	for y := 20; y < 60; y++ {
		for x := 40; x < 60; x++ {
			shifted.Y[y*shifted.YStride+x] ^= 0x60
		}
	}
	f, _ := step(shifted)
	if s.activity.static || !s.activity.unexplained || f.movedAt != f.at {
		t.Errorf("something has come: %+v, moved at %v", s.activity, f.movedAt)
	}
	s.observe(everywhere(n, person), image.Pt(160, 96), f)
	objects := s.objects(f)
	if len(objects) != 1 {
		t.Fatalf("objects %v", objects)
	}
	if s.explain(f, objects, true); len(f.moved) != 0 {
		t.Errorf("%v is unexplained though somebody stands there", f.moved)
	}
	n++
	if _, transition := step(noise(5)); transition != motion.Cut || !s.activity.jumped || s.cutAt != time.Duration(n)*40*time.Millisecond {
		t.Errorf("another picture: %v, %+v, cut at %v", transition, s.activity, s.cutAt)
	}
	s.watch(false, detect.Person)
	if s.watches() {
		t.Error("motion is watched though nobody needs it")
	}
	s.moving = true
	if s.watch(true, detect.Person); s.watches() {
		t.Error("motion is watched though the camera moves")
	}
}

// TestBackgroundNeedsSound: the plate learns from frames that all detectors have watched,
// and begins anew after one that they have not, and at another place.
func TestBackgroundNeedsSound(t *testing.T) {
	b := background{span: time.Second}
	finds := []detect.ClassSet{detect.Classes(detect.Vehicle), detect.Classes(detect.Face, detect.Person), detect.Classes(detect.Plate)}
	b.require(everybody, finds, 0)
	if len(b.networks) != 2 || b.networks[0] != 1 || b.networks[1] != 2 {
		t.Fatalf("the plate's networks are %v", b.networks)
	}
	show := func(i int, sound bool) {
		at := time.Duration(i) * 100 * time.Millisecond
		for _, d := range []int{0, 1, 2} {
			b.observe(&inference{detector: d, at: at, classes: finds[d], toFrame: mapping{sx: 1, sy: 1}})
		}
		b.frame(noise(8), redact.Scene{Time: at}, sound)
	}
	for i := 1; i <= 60; i++ {
		show(i, true)
	}
	if got := b.watched(6 * time.Second); got != 5900*time.Millisecond {
		t.Errorf("watched for %v", got)
	}
	if b.known() < 0.99 {
		t.Errorf("%.2f of an empty place is known", b.known())
	}
	show(61, false)
	if b.watched(6200*time.Millisecond) != 0 {
		t.Error("watched over a failure")
	}
	b.forget(6200 * time.Millisecond)
	if b.known() != 0 {
		t.Errorf("%.2f is known of another place", b.known())
	}
	b.require(0, finds, 7*time.Second)
	if b.plate != nil || b.known() != 0 {
		t.Error("there is a plate that nobody needs")
	}
}

// TestSceneShrinks: the padded box of who comes nearer and goes again follows their size on a
// moving camera in Live mode; on a fixed one, and in a file, it lags, and hides more.
func TestSceneShrinks(t *testing.T) {
	excess := func(moving bool, mode Mode) float32 {
		c := DefaultConfig()
		c.Moving, c.Mode = moving, mode
		s := newScene(&c, 0)
		s.restart(image.Pt(640, 480))
		var last detect.Box
		for i := range 31 {
			side := 100 - 2*float32(i) // a person goes away: a third of the size in three seconds
			last = detect.Box{X0: 320 - side/2, Y0: 240 - side, X1: 320 + side/2, Y1: 240 + side}
			s.tracker.Update(track.Inference{Time: time.Duration(i) * 100 * time.Millisecond, Classes: everybody,
				Detections: []detect.Detection{{Class: detect.Person, Score: 0.9, Box: last}}})
		}
		got := s.tracker.At(3*time.Second, nil)
		if len(got) != 1 || got[0].Padded.Intersect(last) != last {
			t.Fatalf("moving %t: %+v does not cover %v", moving, got, last)
		}
		return got[0].Padded.Area() / last.Area()
	}
	live := excess(true, Live)
	if fixed, file := excess(false, Live), excess(true, File); live > 1.5 || live > 0.8*fixed || live > 0.8*file {
		t.Errorf("covers are %.2f times the box, %.2f on a fixed camera, %.2f in a file", live, fixed, file)
	}
}

// TestSceneFixture: what looks a little like a plate and stays where it is, in no vehicle,
// is hidden for a while by a fixed camera, and for as long as it is seen by one that moves.
func TestSceneFixture(t *testing.T) {
	for _, moving := range []bool{false, true} {
		c := DefaultConfig()
		c.Moving, c.Mode = moving, Live
		s := newScene(&c, 0)
		s.restart(image.Pt(640, 480))
		window := detect.Detection{Class: detect.Plate, Score: 0.65, Box: detect.Box{X0: 100, Y0: 50, X1: 220, Y1: 80}}
		for i := range 100 {
			at := time.Duration(i) * 100 * time.Millisecond
			s.observe(&inference{at: at, classes: everybody | detect.Classes(detect.Vehicle), found: []detect.Detection{window}}, image.Pt(640, 480), nil)
			if hidden := len(s.tracker.At(at, nil)) > 0; hidden != (moving || at < fixedFixture) {
				t.Errorf("moving %t, after %v: hidden %t", moving, at, hidden)
			}
		}
	}
}

// TestLoosePlates: in Live mode, by day, a weak plate counts if it may be that of a
// vehicle.
func TestLoosePlates(t *testing.T) {
	plate := func(score float32) detect.Detection {
		return detect.Detection{Class: detect.Plate, Score: score, Box: detect.Box{X0: 100, Y0: 150, X1: 160, Y1: 170}}
	}
	car := detect.Detection{Class: detect.Vehicle, Score: 0.3, Box: detect.Box{X0: 50, Y0: 60, X1: 210, Y1: 190}}
	all := everybody | detect.Classes(detect.Vehicle)
	for _, tt := range []struct {
		name string
		mode Mode
		day  bool
		job  inference
		want bool
	}{
		{"alone", Live, true, inference{classes: all, found: []detect.Detection{plate(0.55)}}, false},
		{"alone, in a file", File, true, inference{classes: all, found: []detect.Detection{plate(0.55)}}, true},
		{"alone, in the dark", Live, false, inference{classes: all, found: []detect.Detection{plate(0.55)}}, true},
		{"alone, and clearer", Live, true, inference{classes: all, found: []detect.Detection{plate(0.65)}}, true},
		{"in a vehicle", Live, true, inference{classes: all, found: []detect.Detection{plate(0.35), car}}, true},
		{"beside a vehicle", Live, true, inference{classes: all, found: []detect.Detection{plate(0.55), {Class: detect.Vehicle, Score: 0.9, Box: car.Box.Shift(300, 0)}}}, false},
		{"where vehicles are not looked for", Live, true, inference{classes: everybody, found: []detect.Detection{plate(0.35)}}, true},
		{"in a part of the picture", Live, true, inference{classes: all, region: car.Box, found: []detect.Detection{plate(0.35)}}, true},
	} {
		for _, moving := range []bool{false, true} {
			c := DefaultConfig()
			c.Moving, c.Mode = moving, tt.mode
			s := newScene(&c, 0)
			s.restart(image.Pt(640, 480))
			s.day = tt.day
			s.observe(&tt.job, image.Pt(640, 480), nil)
			got := false
			for _, o := range s.tracker.At(0, nil) {
				got = got || o.Class == detect.Plate
			}
			if got != tt.want {
				t.Errorf("%s, moving %t: hidden %t", tt.name, moving, got)
			}
		}
	}
}

// TestSceneStill: what looks a little like somebody and has been there from the beginning
// without any motion is hidden for ten minutes (here: one), and again as soon as something moves
// there; somebody who has come is hidden for as long as they are found, and in the dark
// everybody is.
func TestSceneStill(t *testing.T) {
	weak := detect.Detection{Class: detect.Person, Score: 0.35, Box: detect.Box{X0: 40, Y0: 16, X1: 72, Y1: 80}}
	plain := func() *image.YCbCr { return noise(8) }
	changed := func() *image.YCbCr {
		pic := plain()
		for y := 20; y < 76; y++ {
			for x := 44; x < 68; x++ {
				pic.Y[y*pic.YStride+x] ^= 0x60
			}
		}
		return pic
	}
	dark := func() *image.YCbCr {
		pic := plain()
		for i := range pic.Y {
			pic.Y[i] /= 2
		}
		return pic
	}
	const step, minutes, forEver = 2 * time.Second, 30, 1e6 // between pictures; pictures in a minute
	for name, tt := range map[string]struct {
		comes, shown int // the first picture that shows them, and the first in which they are no longer hidden
		before, then func() *image.YCbCr
	}{
		"from the beginning": {0, minutes, nil, plain},
		"comes":              {20, forEver, plain, changed},
		"in the dark":        {0, forEver, nil, dark},
	} {
		t.Run(name, func(t *testing.T) {
			c := DefaultConfig()
			c.Mode = Live
			c.Track = func(k *track.Config) {
				if got := k.Class[detect.Person].Fixture; got != stillFixture {
					t.Errorf("after %v somebody still counts as a thing of the place", got)
				}
				k.Class[detect.Person].Fixture = time.Minute
			}
			s := newScene(&c, 0)
			s.restart(image.Pt(160, 96))
			s.watch(true, detect.Person)
			hidden := func(n int, pic *image.YCbCr) bool {
				f := sceneFrame(0, pic)
				f.at = time.Duration(n) * step
				if _, err := s.update(f, pic); err != nil {
					t.Fatal(err)
				}
				job := &inference{at: f.at, classes: everybody}
				if n >= tt.comes {
					job.found = []detect.Detection{weak}
				}
				s.observe(job, image.Pt(160, 96), f)
				return len(s.tracker.At(f.at, nil)) > 0
			}
			for n := range 3 * minutes {
				pic := tt.then
				if n < tt.comes {
					pic = tt.before
				}
				want := n >= tt.comes && n < tt.shown
				if got := hidden(n, pic()); got != want {
					t.Fatalf("after %v: hidden %t", time.Duration(n)*step, got)
				}
			}
			if !hidden(3*minutes, changed()) {
				t.Error("something moves there, and it is shown")
			}
		})
	}
}
