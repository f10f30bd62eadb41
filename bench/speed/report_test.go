package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/bench/internal/command"
)

// Every goal is measured by exactly one part, so that no row of the result can
// be forgotten.
func TestEveryGoalHasAPart(t *testing.T) {
	var parted [goalCount]int
	for _, p := range parts {
		for _, g := range p.goals {
			parted[g]++
		}
	}
	names := map[string]bool{}
	for g, n := range parted {
		if n != 1 {
			t.Errorf("%q is measured by %d parts", reaches[g].Name, n)
		}
		if reaches[g].Name == "" || reaches[g].Unit == "" || names[reaches[g].Name] {
			t.Errorf("goal %d has no name of its own, or no unit: %+v", g, reaches[g])
		}
		names[reaches[g].Name] = true
	}
}

func TestRows(t *testing.T) {
	r := newReport(1)
	r.measured(goalFull, 1.5, "well")
	r.measured(goalBlur, 3, "")
	r.measured(goalHeap, math.NaN(), "")
	r.skip([]goal{goalFull, goalRate}, "no ffmpeg")
	path := filepath.Join(t.TempDir(), "a.json")
	if err := command.WriteJSON(path, &r); err != nil {
		t.Fatal(err)
	}
	got := readResult(t, path)
	if len(got.Rows) != int(goalCount) {
		t.Fatalf("%d rows, want %d", len(got.Rows), goalCount)
	}
	if w := got.Rows[goalFull]; w.Value == nil || *w.Value != 1.5 || w.Met == nil || !*w.Met || w.Note != "well" {
		t.Errorf("met row: %+v", w)
	}
	if w := got.Rows[goalBlur]; w.Met == nil || *w.Met || !strings.Contains(w.Note, "misses by 80 %") || w.Reach != "at least 15 x faster" {
		t.Errorf("missed row: %+v", w)
	}
	if w := got.Rows[goalRate]; w.Value != nil || w.Met != nil || w.Note != "not measured: no ffmpeg" {
		t.Errorf("row left out: %+v", w)
	}
	if w := got.Rows[goalHeap]; w.Value != nil || w.Met != nil {
		t.Errorf("row that is not a number: %+v", w)
	}
	if md := r.markdown(); !strings.Contains(md, "| "+reaches[goalFull].Name+" | 1.50 x memcpy | at most 2 x memcpy | yes | well |") {
		t.Errorf("the row is not in the Markdown:\n%s", md)
	}
}

// The published result has the rows of this program.
func TestLast(t *testing.T) {
	got := readResult(t, "last.json")
	if len(got.Rows) != int(goalCount) {
		t.Fatalf("%d rows, want %d: publish again", len(got.Rows), goalCount)
	}
	for g, w := range got.Rows {
		r := reaches[g]
		if w.Name != r.Name || w.Reach != r.Text() {
			t.Errorf("row %d is %q, %q; the program says %q, %q: publish again", g, w.Name, w.Reach, r.Name, r.Text())
		}
		if w.Value != nil && r.Met(*w.Value) != *w.Met {
			t.Errorf("%s: %v is said to be met = %v", w.Name, *w.Value, *w.Met)
		}
	}
	if got.Machine.CPU == "" || got.Date == "" {
		t.Error("machine or date is missing")
	}
}

func readResult(t *testing.T, path string) (r report) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}
