package track

import (
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// fixtures is a tracker in which plates are fixtures after two seconds, and what it has
// been told.
type fixtures struct {
	*Tracker
	t  *testing.T
	at time.Duration
}

var (
	vehiclesToo = detect.Classes(detect.Plate, detect.Vehicle)
	window      = detect.Box{X0: 300, Y0: 200, X1: 420, Y1: 230}
	van         = detect.Detection{Class: detect.Vehicle, Score: 0.5, Box: detect.Box{X0: 260, Y0: 80, X1: 500, Y1: 260}}
)

func weakPlate(b detect.Box) detect.Detection {
	return detect.Detection{Class: detect.Plate, Score: 0.65, Box: b}
}

func newFixtures(t *testing.T, after time.Duration) *fixtures {
	t.Helper()
	c := config(4096)
	c.Class[detect.Plate].Fixture, c.Class[detect.Person].Fixture = after, after
	return &fixtures{Tracker: New(c), t: t}
}

// look makes n inferences a fifth of a second apart.
func (f *fixtures) look(n int, l Inference) {
	for range n {
		l.Time = f.at
		f.Update(l)
		f.at += 200 * ms
	}
}

// hidden checks whether the plate is answered for at the last inference.
func (f *fixtures) hidden(when string, want bool) {
	f.t.Helper()
	got := false
	for _, o := range f.At(f.at-200*ms, nil) {
		got = got || o.Class != detect.Vehicle
	}
	if got != want {
		f.t.Errorf("%s: hidden %t", when, got)
	}
}

// TestFixture: a plate that is seen weakly for so long in one place, and in no vehicle, is
// a thing of the place; it is hidden until then, and as soon as it is seen otherwise.
func TestFixture(t *testing.T) {
	sign := Inference{Classes: vehiclesToo, Detections: []detect.Detection{weakPlate(window)}}
	begin := func(t *testing.T) *fixtures {
		f := newFixtures(t, 2*time.Second)
		for range 10 {
			f.look(1, sign)
			f.hidden("at first", true)
		}
		f.look(1, sign)
		f.hidden("after two seconds", false)
		return f
	}
	with := func(ds ...detect.Detection) Inference { return Inference{Classes: vehiclesToo, Detections: ds} }
	sure := weakPlate(window)
	sure.Score = uncarriedScore
	for name, l := range map[string]Inference{
		"seen clearly":   with(sure),
		"in a vehicle":   with(weakPlate(window), van),
		"elsewhere":      with(weakPlate(window.Shift(50, 0))),
		"nobody looks":   {Classes: detect.Classes(detect.Plate), Detections: []detect.Detection{weakPlate(window)}},
		"in a part, too": {Classes: vehiclesToo, Region: van.Box, Detections: []detect.Detection{weakPlate(window), van}},
	} {
		t.Run(name, func(t *testing.T) {
			f := begin(t)
			f.look(1, l)
			f.hidden("seen otherwise", true)
			f.look(30, sign)
			f.hidden("afterwards", true)
		})
	}
	t.Run("out of sight", func(t *testing.T) {
		f := begin(t)
		f.look(300, with()) // a minute
		f.look(1, sign)
		f.hidden("seen again", false)
		f.look(1, with(sure))
		f.hidden("seen clearly", true)
	})
	t.Run("forgotten", func(t *testing.T) {
		f := begin(t)
		f.at += fixtureHold + time.Second
		f.look(1, with())
		f.look(1, sign)
		f.hidden("seen again", true)
	})
	t.Run("something moves there", func(t *testing.T) {
		f := begin(t)
		f.Stir(f.at, []detect.Box{window.Shift(0, 100), window.Shift(119, 29)})
		for range 11 {
			f.look(1, sign)
			f.hidden("afterwards", true)
		}
		f.look(1, sign)
		f.hidden("two seconds later", false)
	})
	t.Run("a car stops", func(t *testing.T) {
		f := newFixtures(t, 2*time.Second)
		for i := range 10 {
			b := window.Shift(float32(10*i), 0)
			f.Stir(f.at, []detect.Box{b})
			f.look(1, with(weakPlate(b)))
		}
		f.look(60, with(weakPlate(window.Shift(90, 0))))
		f.hidden("at rest", true)
	})
	t.Run("a pole", func(t *testing.T) {
		f := newFixtures(t, 2*time.Second)
		pole := Inference{Classes: people, Detections: []detect.Detection{person(300, 300, 0.35)}}
		f.look(10, pole)
		f.hidden("at first", true)
		f.look(1, pole)
		f.hidden("after two seconds", false)
		f.Stir(f.at, []detect.Box{personBox(310, 350)})
		f.hidden("something moves there", true)
	})
	t.Run("somebody who is never still", func(t *testing.T) {
		f := newFixtures(t, 2*time.Second)
		for range 60 {
			f.Stir(f.at-200*ms, []detect.Box{personBox(300, 260)})
			f.look(1, Inference{Classes: people, Detections: []detect.Detection{person(300, 300, 0.35)}})
			f.hidden("throughout", true)
		}
	})
	t.Run("another beside it", func(t *testing.T) {
		f := begin(t)
		f.look(1, with(weakPlate(window), weakPlate(window.Shift(0, 200))))
		f.hidden("a second one", true)
	})
}

// TestNoFixture: what is not all of it, for as long.
func TestNoFixture(t *testing.T) {
	plain := []detect.Detection{weakPlate(window)}
	for name, l := range map[string]Inference{
		"vehicles are not looked for": {Classes: detect.Classes(detect.Plate), Detections: plain},
		"in parts of the picture":     {Classes: vehiclesToo, Region: van.Box, Detections: plain},
		"in a vehicle":                {Classes: vehiclesToo, Detections: []detect.Detection{plain[0], van}},
		"somebody, clearly":           {Classes: people, Detections: []detect.Detection{person(300, 300, DefaultClass(detect.Person).High)}},
	} {
		f := newFixtures(t, 2*time.Second)
		f.look(60, l)
		f.hidden(name, true)
	}
	f := newFixtures(t, 0)
	f.look(60, Inference{Classes: vehiclesToo, Detections: plain})
	f.hidden("as it is by default", true)

	f = newFixtures(t, 2*time.Second)
	for i := range 60 { // it drives by, and slowly
		f.look(1, Inference{Classes: vehiclesToo, Detections: []detect.Detection{weakPlate(window.Shift(float32(2*i), 0))}})
		f.hidden("a car drives by", true)
	}

	f = newFixtures(t, time.Second)
	for range fixtureObservations - 1 {
		f.look(1, Inference{Classes: vehiclesToo, Detections: plain})
		f.at += time.Second
		f.hidden("seen a few times", true)
	}
}
