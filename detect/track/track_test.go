package track

import (
	"errors"
	"image"
	"math"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

const ms = time.Millisecond

var (
	people = detect.Classes(detect.Person)
	frame  = image.Pt(1000, 800)
)

func person(x, y float32, score float32) detect.Detection {
	return detect.Detection{Box: personBox(x, y), Class: detect.Person, Score: score}
}

// personBox is a person 40 x 100 with the middle at (x, y).
func personBox(x, y float32) detect.Box {
	return detect.Box{X0: x - 20, Y0: y - 50, X1: x + 20, Y1: y + 50}
}

// config is for pictures of the tests' size, and so many tracks.
func config(maxTracks int) Config {
	c := DefaultConfig()
	c.Size, c.MaxTracks = frame, maxTracks
	return c
}

func newTracker() *Tracker { return New(config(4096)) }

func infer(at time.Duration, ds ...detect.Detection) Inference {
	return Inference{Time: at, Classes: people, Detections: ds}
}

// walk makes looks at a person who walks at v pixels a second from (x, y).
func walk(t *Tracker, from, till, step time.Duration, x, y, v float32) {
	for at := from; at <= till; at += step {
		t.Update(infer(at, person(x+v*seconds(at-from), y, 0.8)))
	}
}

// one returns the only object at a time.
func one(t *testing.T, tr *Tracker, at time.Duration) detect.Object {
	t.Helper()
	os := tr.At(at, nil)
	if len(os) != 1 {
		t.Fatalf("%d objects at %v, want 1: %+v", len(os), at, os)
	}
	return os[0]
}

func none(t *testing.T, tr *Tracker, at time.Duration) {
	t.Helper()
	if os := tr.At(at, nil); len(os) != 0 {
		t.Fatalf("objects at %v: %+v", at, os)
	}
}

func near(t *testing.T, what string, got, want detect.Box, tol float32) {
	t.Helper()
	for _, d := range []float32{got.X0 - want.X0, got.Y0 - want.Y0, got.X1 - want.X1, got.Y1 - want.Y1} {
		if !(d >= -tol && d <= tol) {
			t.Fatalf("%s is %v, want %v within %v", what, got, want, tol)
		}
	}
}

func TestBetweenObservations(t *testing.T) {
	tr := newTracker()
	walk(tr, 0, 1200*ms, 400*ms, 200, 300, 100)
	for at := time.Duration(0); at <= 1200*ms; at += 50 * ms {
		o := one(t, tr, at)
		want := personBox(200+100*seconds(at), 300)
		near(t, "box", o.Box, want, 0.01)
		if !o.Padded.Contains(want) {
			t.Errorf("at %v the padded box %v leaves out a part of %v", at, o.Padded, want)
		}
		if o.Padded.Area() > 2*want.Area() {
			t.Errorf("at %v the padded box %v is far larger than %v", at, o.Padded, want)
		}
		if !o.Confirmed || o.ID != 1 || o.Score != 0.8 {
			t.Errorf("at %v: %+v", at, o)
		}
		if wantAge := min(at%(400*ms), 400*ms-at%(400*ms)); o.Age != wantAge {
			t.Errorf("age at %v is %v, want %v", at, o.Age, wantAge)
		}
	}
}

func TestBeyondObservations(t *testing.T) {
	tr := newTracker()
	walk(tr, 2000*ms, 3200*ms, 200*ms, 400, 300, 100)
	for at := 3400 * ms; at <= 7000*ms; at += 200 * ms {
		tr.Update(infer(at))
	}
	area := float32(0)
	for at := 3200 * ms; at <= 5000*ms; at += 200 * ms {
		// Walking on is one case, having stopped the other.
		o := one(t, tr, at)
		if went := personBox(400+100*seconds(at-2000*ms), 300); at <= 4200*ms && o.Padded.Intersect(went).Area() < 0.8*went.Area() {
			t.Errorf("at %v the padded box %v has lost %v", at, o.Padded, went)
		}
		if o.Padded.Area() < area {
			t.Errorf("at %v the padded box shrinks", at)
		}
		area = o.Padded.Area()
	}
	anybody(t, tr.At(1600*ms, nil), 0)
	none(t, tr, 6400*ms)
}

func TestLeavesPicture(t *testing.T) {
	tr := newTracker()
	walk(tr, 0, 900*ms, 100*ms, 800, 300, 200) // in the picture until 1.1 s
	for at := 1000 * ms; at <= 4000*ms; at += 100 * ms {
		tr.Update(infer(at))
	}
	if o := one(t, tr, 1000*ms); !o.Padded.Contains(detect.Box{X0: 980, Y0: 250, X1: 1000, Y1: 350}) {
		t.Errorf("cover %v leaves out what is still in the picture", o.Padded)
	}
	none(t, tr, 1300*ms)

	tr = newTracker()
	walk(tr, 0, 900*ms, 100*ms, 500, 300, 200) // far from the edge
	for at := 1000 * ms; at <= 2000*ms; at += 100 * ms {
		tr.Update(infer(at))
	}
	one(t, tr, 2000*ms)
}

func TestAccident(t *testing.T) {
	tr := newTracker()
	for at := -1000 * ms; at < 0; at += 100 * ms {
		tr.Update(infer(at))
	}
	tr.Update(infer(0, person(300, 300, 0.15)))
	one(t, tr, 50*ms) // nobody has looked again yet
	for at := 100 * ms; at <= 2000*ms; at += 100 * ms {
		tr.Update(infer(at))
	}
	o := one(t, tr, 0)
	if o.Confirmed {
		t.Error("one uncertain observation confirms an object")
	}
	if !o.Padded.Contains(personBox(300, 300)) {
		t.Errorf("cover %v leaves out a part of what was seen", o.Padded)
	}
	none(t, tr, 1000*ms)
	none(t, tr, -600*ms)
}

func TestLowScoresKeepAlive(t *testing.T) {
	tr := newTracker()
	walk(tr, 0, 500*ms, 100*ms, 300, 300, 50)
	for at := 600 * ms; at <= 8000*ms; at += 100 * ms {
		d := person(300+50*seconds(at), 300, 0.15)
		tr.Update(infer(at, d))
		if o := one(t, tr, at); o.ID != 1 || !o.Padded.Contains(d.Box) {
			t.Fatalf("at %v: %+v, want track 1 at %v", at, o, d.Box)
		}
	}
}

func TestNotSearchedIsNotMissed(t *testing.T) {
	left := detect.Box{X1: 450, Y1: 800}
	inferences := map[string]Inference{
		"other class":  {Classes: detect.Classes(detect.Face)},
		"other region": {Classes: people, Region: left},
	}
	for name, l := range inferences {
		t.Run(name, func(t *testing.T) {
			tr := newTracker()
			tr.Update(infer(0, person(600, 300, 0.15)))
			for at := 100 * ms; at <= 4000*ms; at += 100 * ms {
				l.Time = at
				tr.Update(l)
			}
			one(t, tr, 4000*ms)
			tr.Update(infer(4100 * ms))
			none(t, tr, 4200*ms)
		})
	}
}

func TestLateInferences(t *testing.T) {
	at := func(i int) time.Duration { return time.Duration(i) * 100 * ms }
	x := func(i int) float32 { return 200 + 10*float32(i) }
	tr := newTracker()
	order := []int{0, 1, 3, 2, 6, 5, 4, 7, 9, 8}
	for _, i := range order {
		tr.Update(infer(at(i), person(x(i), 300, 0.8)))
		tr.Update(Inference{Time: at(i), Classes: detect.Classes(detect.Face)})
	}
	for i := range order {
		o := one(t, tr, at(i))
		near(t, "box", o.Box, personBox(x(i), 300), 0.01)
		if o.Age != 0 {
			t.Errorf("inference %d is lost", i)
		}
	}
}

func TestTilesOfOnePicture(t *testing.T) {
	tr := newTracker()
	walk(tr, 0, 1000*ms, 100*ms, 500, 300, 0)
	whole := personBox(500, 300)
	l, r := whole, whole
	l.X1, r.X0 = 505, 490
	tr.Update(Inference{Time: 1100 * ms, Classes: people, Region: detect.Box{X1: 505, Y1: 800},
		Detections: []detect.Detection{{Box: l, Class: detect.Person, Score: 0.7}}})
	tr.Update(Inference{Time: 1100 * ms, Classes: people, Region: detect.Box{X0: 490, X1: 1000, Y1: 800},
		Detections: []detect.Detection{{Box: r, Class: detect.Person, Score: 0.6}}})
	o := one(t, tr, 1100*ms)
	near(t, "box", o.Box, whole, 0.01)
}

func TestShrinkingBox(t *testing.T) {
	// Someone walks behind a wall: the box ends at the wall, the padded box must not
	// follow at once.
	tr := newTracker()
	walk(tr, 0, 1000*ms, 100*ms, 500, 300, 0)
	part := personBox(500, 300)
	part.Y1 = 290
	for at := 1100 * ms; at <= 1300*ms; at += 100 * ms {
		tr.Update(infer(at, detect.Detection{Box: part, Class: detect.Person, Score: 0.6}))
		whole := personBox(500, 300)
		if o := one(t, tr, at); o.Padded.Intersect(whole).Area() < 0.8*whole.Area() {
			t.Errorf("at %v the padded box %v has let go of %v", at, o.Padded, whole)
		}
	}
	for at := 1400 * ms; at <= 6000*ms; at += 100 * ms {
		tr.Update(infer(at, detect.Detection{Box: part, Class: detect.Person, Score: 0.6}))
	}
	o := one(t, tr, 5000*ms)
	near(t, "cover", o.Padded, part.Grow(tr.cfg.Class[detect.Person].Margin, tr.cfg.Class[detect.Person].Margin), 2)
}

func TestCrossing(t *testing.T) {
	// Ids may swap, the padded box must hold both.
	tr := newTracker()
	a := func(at time.Duration) detect.Box { return personBox(300+100*seconds(at), 300) }
	b := func(at time.Duration) detect.Box { return personBox(700-100*seconds(at), 310) }
	for at := time.Duration(0); at <= 4000*ms; at += 100 * ms {
		l := infer(at, detect.Detection{Box: a(at), Class: detect.Person, Score: 0.9})
		if a(at).IoU(b(at)) < 0.3 {
			l.Detections = append(l.Detections, detect.Detection{Box: b(at), Class: detect.Person, Score: 0.8})
		}
		tr.Update(l)
	}
	for at := time.Duration(0); at <= 4000*ms; at += 50 * ms {
		var m mask
		m.reset(frame)
		for _, o := range tr.At(at, nil) {
			m.fill(o.Padded, 1)
		}
		if s := min(m.share(a(at)), m.share(b(at))); s < 0.95 {
			t.Errorf("at %v only %.2f of one of the two is covered", at, s)
		}
	}
	if n := len(tr.At(4000*ms, nil)); n != 2 {
		t.Errorf("%d objects after crossing, want 2", n)
	}
}

func TestWarp(t *testing.T) {
	// The camera pans: everything moves left by 30 px an inference.
	tr := newTracker()
	for i := range 10 {
		at := time.Duration(i) * 100 * ms
		if i > 0 {
			if err := tr.Warp(at, Translation(-30, 0)); err != nil {
				t.Fatal(err)
			}
		}
		if i < 6 {
			tr.Update(infer(at, person(800-30*float32(i), 300, 0.8)))
		}
	}
	for i := range 10 {
		o := one(t, tr, time.Duration(i)*100*ms)
		near(t, "box", o.Box, personBox(800-30*float32(i), 300), 0.1)
		if i < 6 && o.Padded.W() > 80 {
			t.Errorf("the camera's movement counts as the object's: cover %v", o.Padded)
		}
	}
	// What lies before is unpanned, what was zoomed is zoomed back.
	if err := tr.Warp(1000*ms, Affine{XX: 2, YY: 2, X0: -100, Y0: -300}); err != nil {
		t.Fatal(err)
	}
	o := one(t, tr, 1000*ms)
	near(t, "box", o.Box, detect.Box{X0: 2*510 - 100, Y0: 200, X1: 2*550 - 100, Y1: 400}, 0.1)
	o = one(t, tr, 900*ms)
	near(t, "box", o.Box, personBox(530, 300), 0.1)

	nan := math.NaN()
	for _, m := range []Affine{{}, {XX: nan, YY: 1}, {XX: 1, YY: 1, X0: math.Inf(1)}, {XX: 100, YY: 100}} {
		if err := tr.Warp(1100*ms, m); !errors.Is(err, ErrWarp) {
			t.Errorf("Warp(%v) = %v", m, err)
		}
	}
}

func TestWarpForLong(t *testing.T) {
	tr := newTracker()
	for i := range 20 * maxWarps {
		at := time.Duration(i) * ms
		m := Translation(-1, 0)
		if i%2 == 0 {
			m = Affine{XX: 1.01, YY: 1.01}
		}
		if err := tr.Warp(at, m); err != nil {
			t.Fatal(err)
		}
		if i%10 == 0 {
			tr.Update(infer(at, person(500, 300, 0.8)))
		}
	}
	if len(tr.cam.at) > maxWarps {
		t.Errorf("%d steps are kept", len(tr.cam.at))
	}
	at := time.Duration(20*maxWarps-20*maxWarps%10) * ms
	for _, o := range tr.At(at, nil) {
		if !o.Padded.Finite() || o.Padded.Empty() {
			t.Errorf("cover %v", o.Padded)
		}
	}
}

func TestForgotten(t *testing.T) {
	tr := newTracker()
	walk(tr, 0, 3000*ms, 100*ms, 200, 300, 50)
	want := tr.At(2000*ms, nil)
	tr.Forget(2000 * ms)
	if got := tr.At(2000*ms, nil); len(got) != 1 || got[0] != want[0] {
		t.Errorf("forgetting what was before changes %+v to %+v", want, got)
	}
	if n := len(tr.objects[0].seen); n > 10+1+12+1 {
		t.Errorf("%d observations are kept", n)
	}
	anybody(t, tr.At(1999*ms, nil), 0)
	tr.Forget(time.Hour)
	if len(tr.objects) != 0 {
		t.Error("dead objects are kept")
	}
	walk(tr, time.Hour, time.Hour, 1, 200, 300, 50)
	if o := one(t, tr, time.Hour); o.ID != 2 {
		t.Errorf("id %d after 1", o.ID)
	}
}

// anybody checks that what is behind the first n objects is the whole picture as
// everything that can be hidden for itself.
func anybody(t *testing.T, os []detect.Object, n int) {
	t.Helper()
	whole := detect.Box{X1: 1000, Y1: 800}
	seen := detect.ClassSet(0)
	for _, o := range os[min(n, len(os)):] {
		if o.Padded != whole || o.Box != whole || o.Confirmed {
			t.Errorf("%+v among those that stand for anybody", o)
		}
		seen |= detect.Classes(o.Class)
	}
	if want := detect.Classes(detect.Face, detect.Person, detect.Plate); seen != want {
		t.Errorf("the whole picture counts as %v, want %v", seen, want)
	}
}

// TestOverflow: of whatever class the one too many is, everything that can be hidden
// may be everywhere.
func TestOverflow(t *testing.T) {
	for class := range detect.Class(detect.NumClasses) {
		tr := New(config(10))
		var ds []detect.Detection
		for i := range 11 {
			ds = append(ds, person(50+90*float32(i), 300, 0.9))
		}
		ds[10].Class = class
		l := infer(time.Second, ds...)
		l.Classes = detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle)
		tr.Update(l)
		for _, at := range []time.Duration{500 * ms, time.Second, 2 * time.Second} {
			anybody(t, tr.At(at, nil), 10)
		}
		for i := range 100 {
			at := time.Second + time.Duration(i)*100*ms
			tr.Update(infer(at, ds[:3]...))
		}
		tr.Forget(10 * time.Second)
		whole := detect.Box{X1: 1000, Y1: 800}
		for _, o := range tr.At(10*time.Second, nil) {
			if o.Padded == whole {
				t.Error("everything is still covered")
			}
		}
	}
}

// TestMisses: an uncertain object is over when so many inferences have not found
// it, and begins no earlier than so many inferences did not; time alone ends one that is
// confirmed, or if no number is given.
func TestMisses(t *testing.T) {
	for _, tt := range []struct {
		name          string
		misses, seen  int
		before, after int // inferences, from the observations, up to which it is there
	}{
		{"once, three inferences", 3, 1, 3, 3},
		{"once, six inferences", 6, 1, 6, 6},
		{"once, any", 0, 1, 9, 9},
		{"confirmed", 3, 3, 9, 9},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const first, step = 30, 70 * ms
			c := config(4096)
			c.Class[detect.Person].Misses = tt.misses
			tr := New(c)
			for n := range 60 {
				l := infer(time.Duration(n) * step)
				if n >= first && n < first+tt.seen {
					l = infer(l.Time, person(500, 400, 0.6))
				}
				tr.Update(l)
			}
			there := func(n int) bool { return len(tr.At(time.Duration(n)*step, nil)) > 0 }
			last := first + tt.seen - 1
			for n := range 10 {
				if got, want := there(first-n), n <= tt.before; got != want {
					t.Errorf("%d looks before the first observation: there %t, want %t", n, got, want)
				}
				if got, want := there(last+n), n <= tt.after; got != want {
					t.Errorf("%d looks after the last observation: there %t, want %t", n, got, want)
				}
			}
		})
	}
}

// TestZeroMeansZero: a field that is set to 0 is not the default.
func TestZeroMeansZero(t *testing.T) {
	tr := New(Config{Size: frame})
	tr.Update(infer(0, person(300, 300, 0.8)))
	if len(tr.At(0, nil)) != 3 {
		t.Errorf("with room for no track %+v, want the whole picture as each class", tr.At(0, nil))
	}

	c := config(10)
	k := &c.Class[detect.Person]
	k.Margin, k.Hold, k.HoldUncertain, k.BackFill, k.BackFillUncertain = 0, 0, 0, 0, 0
	k.Jitter, k.Speed = 0, 0
	tr = New(c)
	tr.Update(infer(0, person(300, 300, 0.8)))
	tr.Update(infer(100 * ms))
	tr.Update(infer(-100 * ms))
	o := one(t, tr, 0)
	near(t, "padded box without a margin", o.Padded, personBox(300, 300), 0)
	none(t, tr, 101*ms)
	none(t, tr, -1*ms)
}
