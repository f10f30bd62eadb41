package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

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

// check measures the first n recordings of each set together.
func check(t *testing.T, n int, dirs ...string) (*score, *runReport) {
	t.Helper()
	o, err := parse(dirs, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	pl, models, err := o.plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer models.Close()
	all := &score{}
	var last *runReport
	for _, dir := range dirs {
		s, err := loadSet(dir)
		if err != nil {
			t.Fatal(err)
		}
		s.recordings = s.recordings[:min(n, len(s.recordings))]
		sc, run, err := pl.measure(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		all.shown += sc.shown
		all.failed += sc.failed
		for c := range sc.classes {
			all.classes[c].all.boxes += sc.classes[c].all.boxes
			all.classes[c].all.leaked += sc.classes[c].all.leaked
			all.classes[c].tracks = append(all.classes[c].tracks, sc.classes[c].tracks...)
		}
		last = run
	}
	return all, last
}

// TestPeopleOnTUDCampus is a bar for every change: what was measured when it
// was set, and the slack that it has.
func TestPeopleOnTUDCampus(t *testing.T) {
	s, run := check(t, 1, dev(t, "mot15_TUD-Campus"))
	p := &s.classes[detect.Person]
	t.Logf("people: %d of %d leak; hidden %.3f, asked %.3f; failed closed %d of %d",
		p.all.leaked, p.all.boxes, run.HiddenShare, run.AskedShare, s.failed, s.shown)
	if p.all.boxes != 359 || len(p.tracks) != 8 || s.shown != 71 {
		t.Fatalf("measured %d boxes of %d tracks in %d frames, the set has 359 of 8 in 71", p.all.boxes, len(p.tracks), s.shown)
	}
}

// TestPlatesOfParkedCars is a bar as well: 20 pictures, one plate each.
func TestPlatesOfParkedCars(t *testing.T) {
	s, run := check(t, 10, dev(t, "plates_openalpr_eu"), dev(t, "plates_openalpr_us"))
	p := &s.classes[detect.Plate]
	t.Logf("plates: %d of %d leak; failed closed %d of %d; last set hidden %.3f", p.all.leaked, p.all.boxes, s.failed, s.shown, run.HiddenShare)
	if p.all.boxes != 20 {
		t.Fatalf("%d plates, want 20", p.all.boxes)
	}
}
