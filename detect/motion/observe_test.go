package motion

import (
	"testing"

	"github.com/hedgecam/hedge/detect"
)

// known returns a model that inferences have passed the bare scene to, at frame 40.
func known(s *scene) *Model {
	m := New(DefaultConfig())
	run(m, s, 0, 40, nil)
	m.Observe(at(38), sceneBox, nil)
	return m
}

func hiddenShare(m *Model, b detect.Box, objects []detect.Object) float64 {
	return covered(boxesOf(m.Unexplained(nil, objects)), sceneW, sceneH, b)
}

func TestNewcomerWhoStandsIsNotAbsorbed(t *testing.T) {
	long(t)
	s := newScene(1)
	m := known(s)
	stand := func(n int) { s.walker(min(100+(n-40)*4, 300), 220) }
	box := detect.Box{X0: 300, Y0: 220, X1: 320, Y1: 276}
	run(m, s, 40, 40+30*25, stand)
	if c := hiddenShare(m, box, nil); c < 0.95 {
		t.Fatalf("25 s after somebody came and stood, with no inference, %.2f of him are hidden", c)
	}
	if m.Static() {
		t.Error("a patch waits to be observed, but the scene is static")
	}

	// One inference that finds him: he stays known, and hidden by whoever tracks him.
	him := []detect.Object{{Class: detect.Person, Box: box, Padded: box.Grow(0.4, 0.2)}}
	n := 40 + 30*25
	m.Observe(at(n-3), sceneBox, him)
	run(m, s, n, n+15, stand)
	if !m.Static() {
		t.Error("somebody who stands and was found needs no inference, but the scene is not static")
	}
	if got := m.Unexplained(nil, him); len(got) != 0 {
		t.Error("unexplained beside an object that covers all: ", got)
	}
	if c := hiddenShare(m, box, nil); c < 0.95 {
		t.Errorf("without the object %.2f of him are hidden", c)
	}

	// Inferences that find nothing take their time, and then he is background.
	n += 15
	for i := range 4 {
		m.Observe(at(n+i-4), sceneBox, nil)
	}
	run(m, s, n, n+5, stand)
	if c := hiddenShare(m, box, nil); c < 0.95 {
		t.Errorf("four inferences in a row were enough to show %.2f", 1-c)
	}
	for i := range 30 {
		run(m, s, n+5+10*i, n+15+10*i, stand)
		m.Observe(at(n+10+10*i), sceneBox, nil)
	}
	if got := m.Patches(nil); len(got) != 0 {
		t.Error("inferences in vain for 10 s left patches: ", got)
	}
	// He goes: the uncovered floor is a change that must be observed again.
	run(m, s, n+305, n+335, nil)
	if c := hiddenShare(m, box, nil); c < 0.8 {
		t.Errorf("of the place that somebody left %.2f are hidden", c)
	}
}

// TestLateInference: an inference is about the cells as they were at its time.
func TestLateInference(t *testing.T) {
	s := newScene(1)
	m := known(s)
	m.cfg.Inferences, m.cfg.InferenceSpan = 1, 0
	// Somebody jumps from A to B between frames 99 and 100.
	place := func(n int) {
		if n < 100 {
			s.walker(100, 220)
		} else {
			s.walker(400, 220)
		}
	}
	b := detect.Box{X0: 400, Y0: 220, X1: 420, Y1: 276}
	run(m, s, 40, 101, place)
	m.Observe(at(85), sceneBox, nil) // a quarter of a second round it holds only A
	run(m, s, 101, 120, place)
	if c := hiddenShare(m, b, nil); c < 0.95 {
		t.Errorf("an inference on a picture from before he came shows %.2f of him", 1-c)
	}
	if m.grid.inferences[cellAt(m, 110, 250)] == 0 {
		t.Error("the inference did not count where he was then")
	}
}

func TestTree(t *testing.T) {
	long(t)
	s, m := newScene(1), New(DefaultConfig())
	tree := detect.Box{X0: 470, Y0: 90, X1: 590, Y1: 200}
	watch := func(from, to int, draw func(n int)) (hidden float64) {
		for n := from; n < to; n++ {
			run(m, s, n, n+1, draw)
			if n%5 == 0 {
				m.Observe(at(n-4), sceneBox, nil)
			}
			hidden += hiddenShare(m, tree, nil) / float64(to-from)
		}
		return hidden
	}
	quiet := func(n int) { s.leaves(0, 0) }
	wind := func(n int) { s.leaves(n, 1) }
	watch(0, 60, quiet)
	first := watch(60, 100, wind)
	watch(100, 310, wind)
	later := watch(310, 390, wind)
	if first < 0.3 || later > 0.06 {
		t.Errorf("a tree that starts to wave is hidden to %.2f, after inferences to %.2f; want at least 0.3 and at most 0.06", first, later)
	}
	// Somebody passes before it.
	seen, n := 0.0, 390
	for x := 430; x < 610; x, n = x+4, n+1 {
		var b detect.Box
		watch(n, n+1, func(n int) {
			s.leaves(n, 1)
			b = s.walker(x, 150)
		})
		seen += hiddenShare(m, b, nil) / 45
	}
	if seen < 0.6 {
		t.Errorf("somebody before a tree that waves is hidden to %.2f", seen)
	}
	// Forgotten: after a quiet minute the wind is news.
	watch(n, n+45*30, quiet)
	if again := watch(n+45*30, n+46*30, wind); again < 0.2 {
		t.Errorf("a tree that waves after a quiet time is hidden to %.2f", again)
	}
}

// TestHeldByDetections: objects explain only cells wholly within their cover.
func TestObjectsExplain(t *testing.T) {
	s := newScene(1)
	m := known(s)
	var b detect.Box
	run(m, s, 40, 80, func(n int) { b = s.walker(100+(n-40)*3, 220) })
	if c := hiddenShare(m, b, nil); c < 0.9 {
		t.Fatalf("a walker is hidden to %.2f", c)
	}
	upper := detect.Box{X0: b.X0 - 40, Y0: b.Y0 - 40, X1: b.X1 + 40, Y1: b.Y0 + 28}
	objects := []detect.Object{{Padded: upper}}
	mask := boxesOf(m.Unexplained(nil, objects))
	in := upper
	in.Y1 -= 6
	if c := covered(mask, sceneW, sceneH, in); c != 0 {
		t.Errorf("%.2f of the padded box is unexplained", c)
	}
	legs := b
	legs.Y0 += 28
	if c := covered(mask, sceneW, sceneH, legs); c < 0.9 {
		t.Errorf("%.2f of what the padded box leaves out is hidden", c)
	}
}

func cellAt(m *Model, x, y float32) int {
	cw, ch := m.cellSize()
	return m.grid.at(int(x/cw), int(y/ch))
}
