package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/ort"
)

// dev returns the folder of a development set, or skips the test.
func dev(t *testing.T, name string) string {
	t.Helper()
	data := os.Getenv("HEDGE_DATA")
	if data == "" {
		t.Skip("HEDGE_DATA is not set: it names the folder with the labelled sets")
	}
	if os.Getenv("HEDGE_MODELS") == "" {
		t.Skip("HEDGE_MODELS is not set: it names the folder with the networks' weights")
	}
	if _, err := ort.Library(); err != nil {
		t.Skip(err)
	}
	dir := filepath.Join(data, "dev", name)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skip(err)
	}
	return dir
}

// check measures the first n recordings of each set together. blind, if not
// nil, spoils the plan.
func check(t *testing.T, n int, blind func(*plan), flags []string, dirs ...string) *score {
	t.Helper()
	o, err := parse(append(flags, dirs...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	pl, models, err := o.plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer models.Close()
	if blind != nil {
		blind(pl)
	}
	all := &score{}
	for _, dir := range dirs {
		s, err := labels.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		s.Recordings = s.Recordings[:min(n, len(s.Recordings))]
		sc, _, err := pl.measure(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		all.shown += sc.shown
		all.failed += sc.failed
		all.pixels += sc.pixels
		all.rest += sc.rest
		all.hidden += sc.hidden
		for c := range sc.classes {
			all.classes[c].all.boxes += sc.classes[c].all.boxes
			all.classes[c].all.leaked += sc.classes[c].all.leaked
			all.classes[c].tracks = append(all.classes[c].tracks, sc.classes[c].tracks...)
		}
	}
	if err := pl.save(); err != nil {
		t.Fatal(err)
	}
	return all
}

// bar holds a result against what was measured when the bar was set. Offline
// runs give the same masks every time; the slack is for other versions of
// ffmpeg and ONNX Runtime. Whoever makes a figure better lowers its bar.
func bar(t *testing.T, s *score, c detect.Class, boxes, maxLeaked int, maxExcess float64) {
	t.Helper()
	all := s.classes[c].all
	excess := float64(s.hidden) / float64(s.rest)
	t.Logf("%v: %d of %d leak; of the rest %.1f %% hidden; failed closed %d of %d frames", c, all.leaked, all.boxes, 100*excess, s.failed, s.shown)
	if all.boxes != boxes {
		t.Fatalf("scored %d boxes, the set has %d", all.boxes, boxes)
	}
	if all.leaked > maxLeaked {
		t.Errorf("%d boxes leak, the bar is %d", all.leaked, maxLeaked)
	}
	if excess > maxExcess {
		t.Errorf("%.1f %% of what no label asks for is hidden, the bar is %.1f %%", 100*excess, 100*maxExcess)
	}
	if s.failed > 0 {
		t.Errorf("%d frames failed closed", s.failed)
	}
}

// TestPeopleOnTUDCampus: measured 0 of 359. Not everybody in the clip is
// labelled, so what is hidden besides is only held against itself: measured
// 50 %.
func TestPeopleOnTUDCampus(t *testing.T) {
	if testing.Short() {
		t.Skip("long: runs without -short, and so without the race detector")
	}
	dir, flags := dev(t, "mot15_TUD-Campus"), []string{"-cache", t.TempDir()}
	s := check(t, 1, nil, flags, dir)
	bar(t, s, detect.Person, 359, 1, 0.56)
	if n := len(s.classes[detect.Person].tracks); n != 8 || s.shown != 71 {
		t.Errorf("scored %d tracks in %d frames, the set has 8 in 71", n, s.shown)
	}
	// The same without the voice of the network for people, and of motion: the
	// measure must see the difference.
	blind := check(t, 1, func(pl *plan) {
		pl.Moving = "yes"
		for i, d := range pl.config.Detectors {
			pl.config.Detectors[i] = &deaf{d, detect.Classes(detect.Face, detect.Plate)}
		}
	}, flags, dir)
	if got := blind.classes[detect.Person].all; got.leaked < got.boxes/2 {
		t.Errorf("blind to people, %d of %d leak", got.leaked, got.boxes)
	}
}

// TestPlates: measured 4 of 20, one plate a picture, and 6 % of the rest hidden
// (cars' other plates and people are not labelled).
func TestPlates(t *testing.T) {
	if testing.Short() {
		t.Skip("long: runs without -short, and so without the race detector")
	}
	s := check(t, 10, nil, nil, dev(t, "plates_openalpr_eu"), dev(t, "plates_openalpr_us"))
	bar(t, s, detect.Plate, 20, 5, 0.09)
}
