package track

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// actor is somebody in a made scene: where they are in a picture and with what
// score they are found there, 0 for not at all.
type actor struct {
	class  detect.Class
	at     func(i int) detect.Box
	score  func(i int) float32
	static bool // no patch moves with them
}

const sceneStep = 100 * time.Millisecond

var sceneSize = image.Pt(640, 480)

func steady(s float32) func(int) float32 { return func(int) float32 { return s } }

// walker walks from (x, y), the upper left corner of a box of 40x100, at a speed in
// pixels per picture.
func walker(x, y, vx, vy float32) func(int) detect.Box {
	return func(i int) detect.Box {
		b := detect.Box{X0: x, Y0: y, X1: x + 40, Y1: y + 100}
		return b.Shift(vx*float32(i), vy*float32(i))
	}
}

func sceneConfig() LinkerConfig {
	c := DefaultLinkerConfig()
	c.Size = sceneSize
	return c
}

// linked plays a scene of n pictures. shift is the camera's, per picture.
func linked(cfg LinkerConfig, n int, shift float64, actors ...actor) *Tracks {
	return linkedEvery(sceneStep, cfg, n, shift, actors...)
}

// linkedEvery plays it with a picture every step.
func linkedEvery(step time.Duration, cfg LinkerConfig, n int, shift float64, actors ...actor) *Tracks {
	cfg.Size = sceneSize
	l := NewLinker(cfg)
	for i := range n {
		o := Observed{Time: time.Duration(i) * step}
		if i > 0 {
			o.Camera = Translation(shift, 0)
		}
		k := Inference{Classes: detect.Classes(detect.Face, detect.Person, detect.Plate)}
		for _, a := range actors {
			b := a.at(i).Intersect(l.whole)
			if s := a.score(i); s > 0 && !b.Empty() {
				k.Detections = append(k.Detections, detect.Detection{Class: a.class, Box: b, Score: s})
			}
			if !a.static && !b.Empty() {
				o.Moved = append(o.Moved, b)
			}
		}
		o.Inferences = []Inference{k}
		l.Add(&o)
	}
	return l.Tracks()
}

// hiddenShare returns what share of b the covers of a picture hide at least: that of
// the best one.
func hiddenShare(p *Tracks, i int, b detect.Box) float32 {
	b = b.Intersect(p.linker.whole)
	if b.Empty() {
		return 1
	}
	best := float32(0)
	for _, o := range p.At(i, nil) {
		best = max(best, o.Padded.Intersect(b).Area()/b.Area())
	}
	return best
}

func believed(p *Tracks) (n int) {
	for _, q := range p.List {
		if q.Believed {
			n++
		}
	}
	return n
}

func walks(at func(int) detect.Box, score func(int) float32) actor {
	return actor{class: detect.Person, at: at, score: score}
}

func TestWholeTracks(t *testing.T) {
	gap := func(from, to int, s float32) func(int) float32 {
		return func(i int) float32 {
			if i >= from && i < to {
				return 0
			}
			return s
		}
	}
	for _, c := range []struct {
		name   string
		n      int
		actors []actor
		tracks int // believed; -1: any number
		least  float32
	}{
		{"one walks", 60, []actor{walks(walker(20, 100, 6, 0), steady(0.8))}, 1, 1},
		{"two cross", 60, []actor{walks(walker(20, 100, 8, 0), steady(0.8)), walks(walker(500, 110, -8, 0), steady(0.7))}, 2, 0.95},
		{"a gap of two seconds", 80, []actor{walks(walker(20, 100, 5, 0), gap(30, 50, 0.8))}, 1, 0.95},
		{"two gaps, the person slows down", 90, []actor{walks(func(i int) detect.Box {
			return walker(20, 100, 0, 0)(0).Shift(200*float32(1-math.Exp(-float64(i)/30)), 0)
		}, func(i int) float32 { return gap(20, 30, 1)(i) * gap(50, 65, 0.7)(i) })}, 1, 0.95},
		{"found late, at the edge", 40, []actor{walks(walker(-40, 100, 8, 0), gap(0, 8, 0.8))}, 1, 0.9},
		{"lost early, at the edge", 60, []actor{walks(walker(300, 100, 7, 0), gap(46, 60, 0.8))}, 1, 0.9},
		{"low scores, moving", 60, []actor{walks(walker(20, 100, 6, 0), steady(0.25))}, 1, 1},
		{"every third picture", 60, []actor{walks(walker(20, 100, 6, 0), func(i int) float32 {
			if i%3 == 0 {
				return 0.7
			}
			return 0
		})}, 1, 0.95},
		{"two merge for a second", 70, []actor{
			walks(walker(20, 100, 6, 0), gap(24, 36, 0.8)), walks(walker(420, 104, -6, 0), steady(0.8))}, -1, 0.9},
	} {
		p := linked(DefaultLinkerConfig(), c.n, 0, c.actors...)
		if got := believed(p); c.tracks >= 0 && got != c.tracks {
			t.Errorf("%s: %d tracks, want %d", c.name, got, c.tracks)
		}
		for i := range c.n {
			for k, a := range c.actors {
				if got := hiddenShare(p, i, a.at(i)); got < c.least {
					t.Errorf("%s: picture %d, %d: %.2f hidden", c.name, i, k, got)
				}
			}
		}
	}
}

// TestWholeMistakes: what looks a little like a person is none, however often.
func TestWholeMistakes(t *testing.T) {
	once := func(at int, s float32) func(int) float32 {
		return func(i int) float32 {
			if i == at {
				return s
			}
			return 0
		}
	}
	bush := walker(300, 200, 0, 0)
	for name, c := range map[string]struct {
		a     actor
		shift float64
	}{
		"a bush in every picture":              {actor{class: detect.Person, at: bush, score: steady(0.25), static: true}, 0},
		"a bush past which the camera pans":    {actor{class: detect.Person, at: walker(300, 200, 3, 0), score: steady(0.25), static: true}, 3},
		"one weak find":                        {actor{class: detect.Person, at: bush, score: once(20, 0.3), static: true}, 0},
		"one find of a moment":                 {actor{class: detect.Person, at: bush, score: once(20, 0.55), static: true}, 0},
		"a sign that is a little like a plate": {actor{class: detect.Plate, at: bush, score: steady(0.4)}, 0},
	} {
		p := linked(DefaultLinkerConfig(), 100, c.shift, c.a)
		if len(p.List) == 0 || believed(p) != 0 {
			t.Errorf("%s: %d of %d tracks are believed", name, believed(p), len(p.List))
		}
	}
	confident := actor{class: detect.Person, at: bush, score: steady(0.6), static: true}
	if p := linked(DefaultLinkerConfig(), 100, 0, confident); believed(p) != 1 {
		t.Error("somebody who sits still is not believed")
	}
}

// TestWholeSparse: where pictures are so far apart that who is found in one has gone in the
// next, a find stands for itself.
func TestWholeSparse(t *testing.T) {
	for _, step := range []time.Duration{time.Second, 10 * time.Second} {
		for class, score := range map[detect.Class]float32{detect.Person: 0.4, detect.Face: 0.8, detect.Plate: 0.8} {
			for _, static := range []bool{false, true} {
				at := func(i int) detect.Box {
					return walker(float32(40+170*i%500), float32(30+90*i%300), 0, 0)(0)
				}
				p := linkedEvery(step, DefaultLinkerConfig(), 20, 0, actor{class: class, at: at, score: steady(score), static: static})
				for i := range 20 {
					if got := hiddenShare(p, i, at(i)); got < 0.95 {
						t.Errorf("%v found at %v, a picture every %v: %.2f of it hidden in picture %d", class, score, step, got, i)
					}
				}
			}
		}
	}
}

// TestWholeMistakesOfSome: where networks look at every third picture, those before and after
// a find could have seen it as well.
func TestWholeMistakesOfSome(t *testing.T) {
	l := NewLinker(sceneConfig())
	for i := range 60 {
		o := Observed{Time: time.Duration(i) * 40 * time.Millisecond}
		if i%3 == 0 {
			k := Inference{Classes: detect.Classes(detect.Person)}
			if i == 30 {
				k.Detections = []detect.Detection{{Class: detect.Person, Box: walker(300, 200, 0, 0)(i), Score: 0.45}}
			}
			o.Inferences = []Inference{k}
		}
		l.Add(&o)
	}
	if p := l.Tracks(); len(p.List) != 1 || believed(p) != 0 {
		t.Errorf("%d of %d tracks are believed", believed(p), len(p.List))
	}
}

// TestWholeOfFew: with hardly a picture there are no tracks to go by, and a find
// stands for itself.
func TestWholeOfFew(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 1, 3: 1, 20: 0} {
		a := actor{class: detect.Person, at: walker(300, 200, 0, 0), score: steady(0.32), static: true}
		if got := believed(linked(DefaultLinkerConfig(), n, 0, a)); got != want {
			t.Errorf("%d pictures: %d tracks, want %d", n, got, want)
		}
	}
}

// TestWholeLingers: a track that passes a bush does not stay with it.
func TestWholeLingers(t *testing.T) {
	walk := walker(20, 200, 7, 0)
	a := walks(walk, func(i int) float32 {
		if i < 40 {
			return 0.8
		}
		return 0
	})
	bush := actor{class: detect.Person, at: walker(305, 200, 0, 0), score: func(i int) float32 {
		if i >= 38 {
			return 0.2
		}
		return 0
	}, static: true}
	p := linked(DefaultLinkerConfig(), 200, 0, a, bush)
	for i := range 40 {
		if got := hiddenShare(p, i, walk(i)); got < 0.99 {
			t.Errorf("picture %d: %.2f of the walker hidden", i, got)
		}
	}
	if got := hiddenShare(p, 150, bush.at(0)); got > 0 {
		t.Errorf("the bush is hidden 11 s after the walker has gone: %.2f", got)
	}
}

// TestWholeBoxes: boxes follow without lag, calmly, and are never smaller than the
// observations.
func TestWholeBoxes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	const n = 80
	truth := walker(20, 100, 6, 1)
	seen := make([]detect.Box, n)
	for i := range seen {
		b := truth(i)
		j := func() float32 { return 3 * float32(rnd.NormFloat64()) }
		seen[i] = detect.Box{X0: b.X0 + j(), Y0: b.Y0 + j(), X1: b.X1 + j(), Y1: b.Y1 + j()}
	}
	p := linked(DefaultLinkerConfig(), n, 0, walks(func(i int) detect.Box { return seen[i] }, steady(0.8)))
	if len(p.List) != 1 {
		t.Fatalf("%d tracks", len(p.List))
	}
	lag, rough, raw := 0.0, 0.0, 0.0
	for i := 10; i < n-10; i++ {
		o := p.At(i, nil)
		if len(o) != 1 || !o[0].Padded.Contains(seen[i]) {
			t.Fatalf("picture %d: cover %v is smaller than the observation %v", i, o, seen[i])
		}
		x, _ := p.Box(p.List[0], i).Center()
		want, _ := truth(i).Center()
		got, _ := seen[i].Center()
		lag += float64(x - want)
		rough += math.Abs(float64(x - want))
		raw += math.Abs(float64(got - want))
	}
	if lag /= n - 20; math.Abs(lag) > 0.5 {
		t.Errorf("boxes lag by %.2f pixels", lag)
	}
	if rough > 0.7*raw {
		t.Errorf("smoothed boxes are off by %.2f pixels, observations by %.2f", rough/(n-20), raw/(n-20))
	}
}

// TestWholeBehindSign: who is seen down to a sign in front of them is hidden whole.
func TestWholeBehindSign(t *testing.T) {
	walk := walker(20, 100, 6, 0)
	part := func(i int) detect.Box {
		b := walk(i)
		if i >= 30 && i < 45 {
			b.Y1 -= 45
		}
		return b
	}
	a := walks(part, steady(0.7))
	a.static = true
	p := linked(DefaultLinkerConfig(), 80, 0, a)
	for i := range 80 {
		if got := hiddenShare(p, i, walk(i)); got < 0.97 {
			t.Errorf("picture %d: %.2f hidden", i, got)
		}
	}
}

// TestWholeOwnMotion: who passes before a bush moves, and not the bush; who
// wanders there moves, however weakly they are seen.
func TestWholeOwnMotion(t *testing.T) {
	weak := func(vx float32, static bool) actor {
		return actor{class: detect.Person, at: walker(300, 200, vx, 0), score: steady(0.24), static: static}
	}
	passing := func(x float32) actor { return walks(walker(x, 195, 2, 0), steady(0.9)) }
	for name, c := range map[string]struct {
		a    actor
		want bool
	}{
		"a bush":               {weak(0, true), false},
		"somebody who wanders": {weak(1, false), true},
	} {
		p := linked(DefaultLinkerConfig(), 100, 0, c.a, passing(300), passing(250), passing(200), passing(150))
		got := false
		for _, q := range p.List {
			got = got || q.Moves && q.Score < 0.5
		}
		if got != c.want {
			t.Errorf("%s past which people walk: moves %t, want %t", name, got, c.want)
		}
	}
}

// TestWholeMisses: what so many inferences do not find, with nobody before it, is not there,
// before, between and after its observations; who walks behind somebody stays, and so does
// who was found now and then.
func TestWholeMisses(t *testing.T) {
	const first, last, again, n = 30, 60, 90, 121
	here := walker(300, 200, 0, 0)
	seen := func(every int) func(int) float32 {
		return func(i int) float32 {
			if (i >= first && i <= last || i >= again) && i%every == 0 {
				return 0.8
			}
			return 0
		}
	}
	before := walks(func(i int) detect.Box { return here(i).Grow(0.5, 0.1) }, func(i int) float32 {
		if i > last && i < again {
			return 0.9
		}
		return 0
	})
	// parked is a vehicle that stands before so many of somebody's 40 pixels.
	parked := func(w float32) actor {
		a := walks(walker(260+w, 200, 0, 0), steady(0.9))
		a.class, a.static = detect.Vehicle, true
		return a
	}
	for name, c := range map[string]struct {
		misses int
		actors []actor
		least  int // pictures in the gap, after and before it, in which they are there
		all    bool
	}{
		"time alone":               {0, []actor{walks(here, seen(1))}, 0, true},
		"four inferences":          {4, []actor{walks(here, seen(1))}, 4, false},
		"somebody stands before":   {4, []actor{walks(here, seen(1)), before}, 0, true},
		"most of them in view":     {4, []actor{walks(here, seen(1)), parked(16)}, 4, false},
		"less than half in view":   {4, []actor{walks(here, seen(1)), parked(24)}, 0, true},
		"found in every fifth":     {4, []actor{walks(here, seen(5))}, 0, true},
		"found in two of a second": {12, []actor{walks(here, seen(1))}, 12, false},
	} {
		cfg := DefaultLinkerConfig()
		cfg.Misses = c.misses
		p := linked(cfg, n, 0, c.actors...)
		for i := last + 1; i < again; i++ {
			want := c.all || i <= last+c.least || i >= again-c.least
			if got := hiddenShare(p, i, here(i)) > 0.9; got != want {
				t.Errorf("%s: picture %d of the gap %d to %d: hidden %t, want %t", name, i, last, again, got, want)
			}
		}
		if c.misses == 4 && c.least > 0 && (hiddenShare(p, first-4, here(0)) < 0.9 || hiddenShare(p, first-5, here(0)) > 0.5) {
			t.Errorf("%s: it does not begin with the fourth inference before the first observation", name)
		}
	}
}

// TestWholeReturns: who goes and comes back elsewhere is hidden where they went and where
// they came, and not on the straight way between.
func TestWholeReturns(t *testing.T) {
	const last, again = 30, 41
	at := func(i int) detect.Box {
		if i > last {
			return walker(360, 200, 0, 0)(i)
		}
		return walker(300, 200, 0, 0)(i)
	}
	cfg := DefaultLinkerConfig()
	cfg.Misses = 4
	p := linked(cfg, 80, 0, walks(at, func(i int) float32 {
		if i > last && i < again {
			return 0
		}
		return 0.8
	}))
	if n := believed(p); n != 1 {
		t.Fatalf("%d tracks, want 1 that is bridged", n)
	}
	for _, i := range []int{last + 1, last + 4, again - 4, again - 1} {
		b := at(last)
		if i > last+4 {
			b = at(again)
		}
		if got := hiddenShare(p, i, b); got < 0.99 {
			t.Errorf("picture %d of the gap %d to %d: %.2f of them hidden", i, last, again, got)
		}
	}
}

// TestWholeBows: observations that show only a part of somebody are followed where they
// lead away from the full ones: nothing is hidden where nobody is.
func TestWholeBows(t *testing.T) {
	way := func(i int) float32 { return 300 - 5*float32(20-max(20-i, i-20, 0)) }
	p := linked(DefaultLinkerConfig(), 60, 0, walks(func(i int) detect.Box {
		b := walker(way(i), 200, 0, 0)(i)
		if i >= 8 && i <= 32 {
			b.Y0 += 25
		}
		return b
	}, steady(0.8)))
	if n := believed(p); n != 1 {
		t.Fatalf("%d tracks, want 1", n)
	}
	if got := hiddenShare(p, 20, walker(way(8), 200, 0, 0)(0)); got > 0.2 {
		t.Errorf("%.2f of where nobody is hidden", got)
	}
	if got := hiddenShare(p, 20, walker(way(20), 225, 0, 0)(0)); got < 0.7 {
		t.Errorf("%.2f of them hidden", got)
	}
}

// TestWholeSure: a confident observation is covered whole in its own picture, also where the
// track's other observations say that the object is elsewhere, or is larger.
func TestWholeSure(t *testing.T) {
	tall := detect.Box{X0: 300, Y0: 100, X1: 380, Y1: 340}
	aside := map[int]float32{28: 40, 29: 80, 30: 120, 31: 80, 32: 40}
	at := func(i int) detect.Box {
		if x, ok := aside[i]; ok {
			return detect.Box{X0: 300 - x, Y0: 130, X1: 380 - x, Y1: 310}
		}
		return tall
	}
	p := linked(DefaultLinkerConfig(), 60, 0, walks(at, steady(0.8)))
	for i := range 60 {
		if got := hiddenShare(p, i, at(i)); got < 1 {
			t.Errorf("picture %d: %.2f of the observation hidden", i, got)
		}
	}
	cfg := DefaultLinkerConfig()
	cfg.Slack = 6
	p = linked(cfg, 60, 0, walks(func(int) detect.Box { return tall }, steady(0.8)))
	if got, want := p.At(30, nil)[0].Padded, (detect.Box{X0: 294, Y0: 88, X1: 386, Y1: 352}); got != want {
		t.Errorf("the padded box with slack is %v, want %v", got, want)
	}
}

// TestWholeCamera: a camera that pans and shakes does not break tracks.
func TestWholeCamera(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	l := NewLinker(sceneConfig())
	at := make([]detect.Box, 60)
	x := float32(0)
	for i := range at {
		o := Observed{Time: time.Duration(i) * sceneStep}
		if i > 0 {
			dx := 4 + 40*rnd.NormFloat64()
			o.Camera = Translation(dx, 0)
			x += float32(dx)
		}
		at[i] = walker(250, 100, -4, 0)(i).Shift(x, 0)
		k := Inference{Classes: detect.Classes(detect.Person)}
		if b := at[i].Intersect(l.whole); !b.Empty() && i%2 == 0 {
			k.Detections = []detect.Detection{{Class: detect.Person, Box: b, Score: 0.7}}
		}
		o.Inferences = []Inference{k}
		l.Add(&o)
	}
	p := l.Tracks()
	for i, b := range at {
		if got := hiddenShare(p, i, b); got < 0.9 {
			t.Errorf("picture %d: %.2f hidden", i, got)
		}
	}
}
