package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/hedgecam/hedge/examples/internal/eventlog"
	"github.com/hedgecam/hedge/redact"
)

// TestTally: a picture counts once in each row that it belongs to, and what was taken
// is not counted again.
func TestTally(t *testing.T) {
	c := newTally()
	c.add(&seen{Whole: true, Counts: redact.Counts{People: 3, Faces: 1, Failed: true}})
	c.add(&seen{Counts: redact.Counts{Plates: 2, Motion: 1}})
	got := c.take()
	want := eventlog.Counts{From: got.From, Frames: 2, Whole: 1, Closed: 1, Faces: 1, People: 1, Plates: 1, Motion: 1}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if again := c.take(); again.Frames != 0 || again.From.Before(got.From) {
		t.Errorf("taken again: %+v", again)
	}
}

// TestLogForPrograms: the log tells programs of the start, of policies in force, of
// previews and confirmations, and counts every picture, to the last.
func TestLogForPrograms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	var a *app
	var saved *redact.Policy
	t.Cleanup(func() { // runs when the program has ended
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		kinds, frames := map[string]eventlog.Event{}, uint64(0)
		for d := json.NewDecoder(bytes.NewReader(data)); d.More(); {
			var e eventlog.Event
			if err := d.Decode(&e); err != nil {
				t.Fatal(err)
			}
			kinds[e.Kind] = e
			if e.Kind == eventlog.Counted {
				frames += e.Data.Counts.Frames
			}
		}
		for _, k := range []string{eventlog.Started, eventlog.PolicyInForce, eventlog.Preview, eventlog.PreviewOver, eventlog.Confirmed} {
			if _, ok := kinds[k]; !ok {
				t.Errorf("no event %q in %s", k, data)
			}
		}
		if e := kinds[eventlog.PolicyInForce]; e.Data == nil || e.Data.Policy != saved.SHA256() {
			t.Errorf("in force: %+v", e)
		}
		if e := kinds[eventlog.Started]; e.Data == nil || e.Data.Policy != redact.HideEverything().SHA256() || e.Data.Version == "" || len(e.Data.Sum) != 64 {
			t.Errorf("at the start: %+v", e)
		}
		if frames != a.gate.last().Frames || frames == 0 {
			t.Errorf("%d pictures counted of %d", frames, a.gate.last().Frames)
		}
	})
	a, _ = start(t, "-source", "file:"+clip(t), "-events", path)
	eventually(t, "a picture", func() bool { return a.gate.last().Frames > 0 })
	text := []byte(`{"version":1,"property":[[[0,0.5],[1,0.5],[1,1]]]}`)
	if err := a.zones.Preview(text, "me"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.zones.Save(text, a.zones.State().Revision); err != nil {
		t.Fatal(err)
	}
	saved = a.zones.State().Policy
	if err := a.confirm(); err != nil {
		t.Fatal(err)
	}
}
