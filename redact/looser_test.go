package redact

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// star returns a polygon around a point: corners at rising angles.
func star(rng *rand.Rand, x, y, radius float64, corners int) Polygon {
	var poly Polygon
	for i := range corners {
		a := (float64(i) + 0.8*rng.Float64()) * 2 * math.Pi / float64(corners)
		r := radius * (0.4 + 0.6*rng.Float64())
		poly = append(poly, Point{min(max(x+r*math.Cos(a), 0), 1), min(max(y+r*math.Sin(a), 0), 1)})
	}
	return poly
}

// randomPolicy draws a policy with zones, fills and classes of all kinds.
func randomPolicy(rng *rand.Rand) *Policy {
	for {
		p := &Policy{Version: 1, Outside: Outside{Fill: Fill(rng.IntN(numFills))}, Found: Found{Fill: []Fill{Shown, Background, Solid}[rng.IntN(3)]}}
		zones := func(most int) (list []Polygon) {
			for range rng.IntN(most + 1) {
				list = append(list, star(rng, rng.Float64(), rng.Float64(), 0.2+0.5*rng.Float64(), 3+rng.IntN(4)))
			}
			return list
		}
		p.Property, p.Strip, p.Mask = zones(2), zones(1), zones(1)
		if rng.IntN(8) == 0 {
			p.Property = []Polygon{{{0, 0}, {1, 0}, {1, 1}, {0, 1}}}
		}
		p.Outside.Hide = []Hide{"", HideAll, HideDetected}[rng.IntN(3)]
		p.Visitors = []Visitors{"", VisitorsBox, VisitorsFeet, VisitorsSilhouette}[rng.IntN(4)]
		for _, c := range []detect.Class{detect.Face, detect.Person, detect.Plate} {
			if rng.IntN(3) == 0 {
				p.Inside.Hide = append(p.Inside.Hide, c)
			}
		}
		if p.Validate() == nil {
			return p
		}
	}
}

// changed returns a policy that differs in one part.
func changed(rng *rand.Rand, p *Policy) *Policy {
	for {
		q, other := *p, randomPolicy(rng)
		switch rng.IntN(7) {
		case 0:
			q.Property = nudged(rng, p.Property)
		case 1:
			q.Strip = other.Strip
		case 2:
			q.Mask = nudged(rng, p.Mask)
		case 3:
			q.Outside = other.Outside
		case 4:
			q.Found = other.Found
		case 5:
			q.Inside = other.Inside
		case 6:
			q.Visitors = other.Visitors
		}
		if q.Validate() == nil {
			return &q
		}
	}
}

// nudged moves one point of one polygon a little.
func nudged(rng *rand.Rand, list []Polygon) []Polygon {
	if len(list) == 0 {
		return []Polygon{star(rng, 0.5, 0.5, 0.4, 4)}
	}
	out := append([]Polygon(nil), list...)
	i := rng.IntN(len(out))
	out[i] = append(Polygon(nil), out[i]...)
	pt := &out[i][rng.IntN(len(out[i]))]
	pt.X = min(max(pt.X+(rng.Float64()-0.5)*0.1, 0), 1)
	pt.Y = min(max(pt.Y+(rng.Float64()-0.5)*0.1, 0), 1)
	return out
}

// crowd is a scene with objects of all kinds anywhere.
func crowd(rng *rand.Rand, size image.Point) Scene {
	s := Scene{Level: []Level{HidePolicy, HidePolicy, HidePolicy, HideOutside, HideFrame}[rng.IntN(5)]}
	for range rng.IntN(8) {
		w, h := float32(size.X)*rng.Float32()*0.3, float32(size.Y)*rng.Float32()*0.4
		x, y := rng.Float32()*float32(size.X), rng.Float32()*float32(size.Y)
		b := detect.Box{X0: x, Y0: y, X1: x + w + 2, Y1: y + h + 2}
		s.Objects = append(s.Objects, detect.Object{Class: detect.Class(rng.IntN(detect.NumClasses)), Box: b, Padded: b,
			Score: rng.Float32(), Confirmed: rng.IntN(3) > 0, Age: time.Duration(rng.IntN(600)) * time.Millisecond, Silhouette: body(rng, b)})
	}
	for range rng.IntN(3) {
		x, y := rng.Float32()*float32(size.X), rng.Float32()*float32(size.Y)
		s.Motion = append(s.Motion, detect.Box{X0: x, Y0: y, X1: x + 30, Y1: y + 30})
	}
	return s
}

// body is a silhouette of somebody in a box, or none.
func body(rng *rand.Rand, b detect.Box) *detect.Silhouette {
	if rng.IntN(3) == 0 {
		return nil
	}
	s := &detect.Silhouette{Region: b, Columns: 24, Rows: 24, Cells: make([]uint8, 24*24)}
	for i := range s.Cells {
		if x, y := i%24-12, i/24-12; x*x+y*y < 100 {
			s.Cells[i] = 255
		}
	}
	return s
}

// masker redacts pictures of a size, and keeps what was done to each block.
type masker struct {
	r    *Redactor
	size image.Point
}

func (s *masker) mask(t *testing.T, scene Scene, ps ...*Policy) (Mask, func()) {
	t.Helper()
	if s.r == nil {
		r, err := New(nil, s.size, DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		s.r = r
	}
	if err := s.r.SetPolicies(ps...); err != nil {
		t.Fatal(err)
	}
	s.r.fills[Background].(*background).forget() // each picture by itself
	f, err := s.r.Redact(image.NewYCbCr(image.Rectangle{Max: s.size}, image.YCbCrSubsampleRatio420), scene)
	if err != nil {
		t.Fatal(err)
	}
	return f.Mask(), f.Release
}

// more finds a block that b shows more of than a.
func more(a, b Mask) (image.Point, bool) {
	n := a.Size()
	for y := range n.Y {
		for x := range n.X {
			if b.At(x, y) < a.At(x, y) {
				return image.Pt(x, y), true
			}
		}
	}
	return image.Point{}, false
}

// TestLooserThan: for random pairs of policies, many of them alike but for one part,
// what the real redactor does to each block is compared in random scenes: a policy
// that shows more of one is called looser, always. One that is looser beside only
// shows nothing more while both are in force.
func TestLooserThan(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	pairs, scenes := 120, 4
	if testing.Short() {
		pairs = 60
	}
	counts := map[string]int{}
	for n := range pairs {
		was := randomPolicy(rng)
		p := randomPolicy(rng)
		if n%4 > 0 {
			p = changed(rng, was)
		}
		size := image.Pt(48+rng.IntN(100), 36+rng.IntN(80)) // one of the camera's own
		looser := p.looserIn(was, []image.Point{size})
		verdict := "no looser"
		if looser != nil {
			verdict = fmt.Sprintf("looser, beside: %t", looser.Beside)
		}
		counts[verdict]++
		a, b, both := masker{size: size}, masker{size: size}, masker{size: size}
		for range scenes {
			scene := crowd(rng, size)
			ca, doneA := a.mask(t, scene, was)
			cb, doneB := b.mask(t, scene, p)
			if at, is := more(ca, cb); is {
				counts["shows more"]++
				if looser == nil {
					t.Fatalf("pair %d, %v: block %v is %v, was %v, and nothing is said\n%s\n%s", n, size, at, cb.At(at.X, at.Y), ca.At(at.X, at.Y), was.Canonical(), p.Canonical())
				}
			}
			cc, doneC := both.mask(t, scene, p, was)
			if at, is := more(ca, cc); is {
				t.Fatalf("pair %d: both together show more at %v", n, at)
			}
			doneA()
			doneB()
			doneC()
		}
	}
	if counts["no looser"] < pairs/20 || counts["shows more"] < pairs/4 {
		t.Errorf("the pairs show too little: %v", counts)
	}
	t.Log(counts)
}

// tighter returns a policy that hides as much as p and more: zones that are shown are
// smaller, zones that are hidden larger or more, more classes, stronger fills.
func tighter(rng *rand.Rand, p *Policy) *Policy {
	for {
		q := *p
		switch rng.IntN(6) {
		case 0:
			q.Property = inwards(rng, p.Property)
		case 1:
			q.Strip = inwards(rng, p.Strip)
		case 2:
			q.Mask = append(append([]Polygon(nil), p.Mask...), star(rng, rng.Float64(), rng.Float64(), 0.3, 5))
		case 3:
			q.Mask = nil // each larger: scaled around a point of its own
			for _, m := range p.Mask {
				grown := Polygon{}
				for _, pt := range m {
					grown = append(grown, Point{min(max(m[0].X+(pt.X-m[0].X)*1.2, 0), 1), min(max(m[0].Y+(pt.Y-m[0].Y)*1.2, 0), 1)})
				}
				if !liesWithin(m.onGrid(), grown.onGrid()) { // not convex there, or cut off
					grown = m
				}
				q.Mask = append(q.Mask, grown)
			}
		case 4:
			q.Inside.Hide = []detect.Class{detect.Face, detect.Person, detect.Plate}
		case 5:
			q.Outside.Fill, q.Found.Fill = Solid, Solid
		}
		if q.Validate() == nil {
			return &q
		}
	}
}

// inwards moves a corner of one polygon into it, or takes it away.
func inwards(rng *rand.Rand, list []Polygon) []Polygon {
	if len(list) == 0 {
		return nil
	}
	out := append([]Polygon(nil), list...)
	i := rng.IntN(len(out))
	small := append(Polygon(nil), out[i]...)
	k := rng.IntN(len(small))
	a, b := small[(k+1)%len(small)], small[(k+2)%len(small)]
	small[k].X += (a.X + b.X - 2*small[k].X) * 0.2 * rng.Float64()
	small[k].Y += (a.Y + b.Y - 2*small[k].Y) * 0.2 * rng.Float64()
	if liesWithin(small.onGrid(), out[i].onGrid()) {
		out[i] = small
	} else if rng.IntN(2) == 0 {
		return append(out[:i:i], out[i+1:]...)
	}
	return out
}

// TestTighterIsNotLooser: what is the same, in other words too, or tighter is never
// called looser, but for what is nothing beside the old policy.
func TestTighterIsNotLooser(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	n := 30
	if testing.Short() {
		n = 12
	}
	free, sizes := 0, []image.Point{{320, 240}, {640, 360}}
	for range n {
		was := randomPolicy(rng)
		same := *was
		same.Property = append([]Polygon(nil), was.Property...)
		for i, poly := range same.Property { // the same lines, from another point on, the other way round
			var back Polygon
			for k := range poly {
				back = append(back, poly[(len(poly)+1-k)%len(poly)])
			}
			same.Property[i] = back
		}
		if l := same.looserIn(was, sizes); l != nil {
			t.Fatalf("the same is looser: %+v\n%s\n%s", l, was.Canonical(), same.Canonical())
		}
		p := tighter(rng, was)
		switch l := p.looserIn(was, sizes); {
		case l == nil:
			free++
		case !l.Beside:
			t.Fatalf("tighter is looser: %v, %+v\n%s\n%s", l.By, l, was.Canonical(), p.Canonical())
		}
	}
	if free < n/4 {
		t.Errorf("only %d of %d are no looser at all", free, n)
	}
	t.Logf("%d of %d no looser at all", free, n)
}

// TestLooserBy: each way, and its words.
func TestLooserBy(t *testing.T) {
	base := `"property":[[[0,0.5],[1,0.5],[1,1],[0,1]]]`
	for _, c := range []struct {
		was, is string
		by      LooserBy
		beside  bool
		none    bool
	}{
		{was: `,"outside":{"fill":"solid"}`, is: `,"outside":{"fill":"frost"}`, by: LooserFill},
		{was: `,"found":{"fill":"solid"},"inside":{"hide":["face"]}`, is: `,"found":{"fill":"background"},"inside":{"hide":["face"]}`, by: LooserFill},
		{was: `,"found":{"fill":"solid"}`, is: `,"found":{"fill":"background"}`, none: true}, // nobody is found
		{was: ``, is: `,"strip":[[[0,0],[1,0],[1,0.6],[0,0.6]]]`, by: LooserZones},
		{was: ``, is: `,"outside":{"hide":"detected"}`, by: LooserZones},
		{was: `,"mask":[[[0.2,0.6],[0.4,0.6],[0.4,0.8]]]`, is: ``, by: LooserZones},
		{was: `,"mask":[[[0.2,0.1],[0.4,0.1],[0.4,0.3]]]`, is: ``, none: true}, // hidden all the same
		{was: `,"visitors":"box"`, is: `,"visitors":"feet"`, by: LooserVisitors},
		{was: `,"visitors":"box"`, is: `,"visitors":"silhouette"`, by: LooserVisitors},
		{was: `,"visitors":"silhouette"`, is: `,"visitors":"feet"`, by: LooserVisitors},
		{was: `,"visitors":"feet"`, is: `,"visitors":"silhouette"`, none: true},
		{was: `,"inside":{"hide":["face","person"]}`, is: `,"inside":{"hide":["person"]}`, by: LooserClasses},
		{was: `,"outside":{"hide":"detected"}`, is: ``, by: LooserOverEdge, beside: true},
		{was: `,"outside":{"hide":"detected"}`, is: `,"inside":{"hide":["face","person","plate"]}`, none: true},
	} {
		was, err := ParsePolicy([]byte(`{"version":1,` + base + c.was + `}`))
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParsePolicy([]byte(`{"version":1,` + base + c.is + `}`))
		if err != nil {
			t.Fatal(err)
		}
		l := p.LooserThan(was)
		if c.none != (l == nil) || l != nil && (l.By != c.by || l.Beside != c.beside || strings.HasPrefix(l.By.String(), "looser(")) {
			t.Errorf("%s -> %s: %+v", c.was, c.is, l)
		}
		if l != nil && l.By == LooserZones && l.At.Empty() {
			t.Errorf("%s -> %s: nowhere", c.was, c.is)
		}
	}
	var none *Policy
	if l := none.LooserThan(&Policy{Version: 1}); l != nil {
		t.Errorf("what hides everything is looser: %+v", l)
	}
	if l := (&Policy{Version: 1, Property: []Polygon{{{0, 0}, {1, 0}, {1, 1}}}}).LooserThan(none); l == nil || l.By != LooserZones {
		t.Errorf("than what hides everything: %+v", l)
	}
}

// TestLooserLarge: policies of very many points are compared by their polygons.
func TestLooserLarge(t *testing.T) {
	was := combs()
	was.Property, was.Strip, was.Mask = was.Property[:6], was.Strip[:6], was.Mask[:6]
	fewer, other := *was, *was
	fewer.Property = was.Property[1:]
	other.Mask = was.Mask[1:]
	if l := fewer.LooserThan(was); l != nil {
		t.Errorf("fewer polygons of property: %+v", l)
	}
	for _, p := range []*Policy{was, &other} {
		old := &fewer
		if p == &other {
			old = was
		}
		if l := p.LooserThan(old); l == nil || l.By != LooserZones || l.Beside {
			t.Errorf("%+v", l)
		}
	}
	fewer.Outside.Fill = Background
	if l := fewer.LooserThan(was); l == nil || l.By != LooserFill {
		t.Errorf("a fill that keeps more: %+v", l)
	}
}

// TestLiesWithin: shared borders are within, a hair beyond is not.
func TestLiesWithin(t *testing.T) {
	ell := []gridPoint{{0, 0}, {100, 0}, {100, 50}, {50, 50}, {50, 100}, {0, 100}}
	for _, c := range []struct {
		p    []gridPoint
		want bool
	}{
		{ell, true},
		{[]gridPoint{{0, 0}, {100, 0}, {100, 50}, {0, 50}}, true},
		{[]gridPoint{{0, 0}, {50, 0}, {50, 100}, {0, 100}}, true},
		{[]gridPoint{{0, 0}, {51, 0}, {51, 100}, {0, 100}}, false},
		{[]gridPoint{{0, 0}, {100, 0}, {0, 100}}, true}, // the corner (50,50) lies on its edge
		{[]gridPoint{{0, 0}, {100, 1}, {0, 100}}, false},
		{[]gridPoint{{10, 10}, {20, 10}, {20, 20}}, true},
		{[]gridPoint{{60, 60}, {70, 60}, {70, 70}}, false},
		{[]gridPoint{{0, 0}, {100, 0}, {100, 50}, {0, 100}}, false},
		{[]gridPoint{{0, 0}, {200, 0}, {0, 200}}, false},
	} {
		if got := liesWithin(c.p, ell); got != c.want {
			t.Errorf("%v: %t", c.p, got)
		}
	}
}
