package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/bench/internal/leakreport"
)

// full has one of everything, in the shape that the programs write.
var full = map[string]string{
	"leak/last-live.json": `{"sets": [
		{"set": "street", "class": "person", "boxes": 400, "leaked": 3, "leak_rate": 0.0075, "tracks": 9, "tracks_leaking": 2,
		 "tracks_leaking_over_3": 1, "longest_run": 4, "first_exposure_ms": 66.7, "over_hidden": 0.0912, "flickers_per_1000": 1.5,
		 "by_size": {"from_16": {"boxes": 350, "leaked": 1, "leak_rate": 0.0029}}},
		{"set": "car park", "class": "plate", "boxes": 77, "leaked": 0, "leak_rate": 0, "tracks": 0, "by_size": {}}],
		"pictures": [{"set": "street", "class": "person", "measure": "plain", "boxes": 40, "leaked": 2, "leak_rate": 0.05},
			{"set": "mot15_PETS09-S2L1", "class": "person", "measure": "plain", "boxes": 40, "leaked": 9, "leak_rate": 0.225, "over_hidden": 0.0254},
			{"set": "mot15_PETS09-S2L1", "class": "person", "measure": "fixed", "boxes": 40, "leaked": 1, "leak_rate": 0.025, "over_hidden": 0.0254}],
		"runs": [{"set": "street", "mode": "live", "frames_out": 99, "frames_dropped": 5, "failed_closed_share": 0.02, "detector_ms_per_frame": 12.5}],
		"config": {"mode": "live", "networks": "hedge-n", "cores": 2, "lookahead": 8, "go": "go1.26", "platform": "linux/amd64",
		 "models": [{"name": "hedge-n", "sha256": "0123456789abcdef"}], "options": ["-fps", "7"]}}`,
	"leak/ablation.json": `{"variants": [
		{"name": "as it is", "options": null, "sets": [{"set": "street", "class": "person", "boxes": 400, "leaked": 2, "over_hidden": 0.07}]},
		{"name": "no look-ahead | none", "options": ["-lookahead", "0"], "sets": [{"set": "street", "class": "person", "boxes": 400, "leaked": 44, "over_hidden": 0.06}]}]}`,
	"attack/last.json": `{"command": "go run ./bench/attack", "date": "2026-01-02 03:04 UTC", "go": "go1.26", "platform": "linux/amd64",
		"recognition": [
		{"what": "face", "seen": "in the first picture", "fill": "frost (default)", "default": true, "accuracy": 0.0531, "low": 0.04, "high": 0.08, "chance": 0.05, "times_chance": 1.06},
		{"what": "face", "seen": "stands there for 10 min", "fill": "frost (default)", "accuracy": 0.613, "low": 0.5, "high": 0.7, "chance": 0.05, "times_chance": 12.3},
		{"what": "face", "seen": "in the first picture", "fill": "mosaic 16", "warning_example": true, "accuracy": 0.998, "low": 0.9, "high": 1, "chance": 0.05, "times_chance": 20}],
		"background": [
		{"what": "face, near", "seen": "stands there for 20 s", "fill": "background, hide all, found by nobody", "accuracy": 0.1333, "chance": 0.05, "times_chance": 2.67},
		{"what": "face, near", "seen": "stands there for 20 s", "fill": "background, hide all, found", "default": true, "accuracy": 0.04, "chance": 0.05, "times_chance": 0.8},
		{"what": "face, far", "seen": "stands there for 20 s", "fill": "background, hide all, found by nobody", "accuracy": 0.0667, "chance": 0.05, "times_chance": 1.33}],
		"motion": [{"what": "plate", "fill": "solid", "best_one": 0.125, "average": 0.25, "cell_values": 3, "back_projection": 0.375, "back_projection_of_one": 0.5}],
		"detection": [{"set": "street", "fill": "solid", "input": 640, "objects": 61, "hits": 7, "per_1000_objects": 115}],
		"verdicts": [{"bar": "a bar that broke", "kept": false, "why": "for a reason"}, {"bar": "one that held", "kept": true}],
		"notes": ["Twenty faces."]}`,
	"peers/last.json": `{"frames": 150, "machine": {"cpu": "A Processor", "cores": 2, "go": "go1.26", "ffmpeg": "5.1"}, "versions": ["deface 1.5.0"],
		"runs": [
		{"tool": "Hedge", "scope": "all", "clip": "street", "frames_per_second": 21.5, "core_ms_per_frame": 47, "peak_memory_mb": 165,
		 "leak": {"plate": {"boxes": 96, "leaked": 5, "tracks": 16, "tracks_leaking": 1}}, "rest_gone": 0.123},
		{"tool": "other", "scope": "all", "clip": "street", "problem": "does not start"}],
		"damaged": [{"tool": "other", "scope": "all", "exit_code": 3, "frames_in": 71, "frames_out": -1}]}`,
	"speed/last.json": `{"machine": {"cpu": "Another Processor", "cores": 4, "onnx_runtime": "1.30"}, "date": "2026-02-03 04:05 UTC",
		"rows": [
		{"name": "redaction", "value": 2.5, "unit": "x memcpy", "reach": "at most 2 x memcpy", "met": false, "note": "misses"},
		{"name": "a live run", "value": null, "unit": "ms", "reach": "at most 33 ms", "met": null},
		{"name": "motion", "value": 0.39, "unit": "ms", "reach": "at most 0.5 ms", "met": true}],
		"tables": [{"title": "memcpy of the frame (4:2:0)", "columns": ["size", "MB", "ms"], "lines": [["720p", "1.4", "0.1"], ["1080p", "3.1", "0.301"]]},
		 {"title": "Redaction, frost held: x memcpy (ms) by the share hidden", "columns": ["size", "100 %"], "lines": [["1080p", "0.9 (0.25)"]]}],
		"notes": ["A clip."]}`,
	"attack/last.md": "# What an attacker gets\n\nMade by a run.\n\n## Recognition\n\n| face | 5.3 % |\n",
	"speed/last.md":  "# bench/speed\n\n## Targets\n",
	"doorbell/last.json": `{"machine": {"cpu": "A Third Processor", "cores": 2, "chromium": "99.1"}, "date": "2026-03-04 05:06 UTC", "seconds": 61,
		"rows": [{"name": "frames dropped", "value": 7, "unit": "frames", "reach": "at most 0 frames", "met": false, "note": "misses by 7"},
		{"name": "first picture", "value": null, "unit": "s", "reach": "at most 2 s", "met": null, "note": "not measured: no Chromium"},
		{"name": "latency", "value": 61.2, "unit": "ms", "reach": "at most 100 ms", "met": true}],
		"tables": [{"title": "Core time", "columns": ["who", "cores"], "lines": [["doorbell", "0.87"]], "note": "While it was measured."}]}`,
	"doorbell/busy.json": `{"machine": {"cpu": "A Third Processor", "cores": 2}, "date": "2026-03-04 06:06 UTC", "seconds": 61,
		"rows": [{"name": "frames received", "value": 28, "unit": "frames/s", "reach": "at least 29.9 frames/s", "met": false}]}`,
	"doorbell/busy.md": "# bench/doorbell\n\nAnother process takes a third.\n",
	"soak/last.json": `{"machine": {"cpu": "A Fourth Processor", "cores": 2}, "date": "2026-04-05 06:07 UTC", "seed": 7,
		"rows": [{"name": "doorbell under faults", "value": 1, "unit": "h", "reach": "at least 3 h", "met": false},
		{"name": "raw blocks", "value": 0, "unit": "blocks", "reach": "at most 0 blocks", "met": true}]}`,
	"soak/last.md": "# bench/soak\n\n## Targets\n",
	"archive/last.json": `{"machine": {"cpu": "A Fifth Processor", "cores": 2}, "date": "2026-05-06 07:08 UTC",
		"rows": [{"name": "core time of archive against redact-file", "value": 5, "unit": "%", "reach": "at most 3 %", "met": false}]}`,
	"archive/last.md": "# bench/archive\n\n## One recording\n",
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func made(t *testing.T, dir string) string {
	t.Helper()
	if err := run(t.Context(), []string{"-bench", dir}, io.Discard); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "RESULTS.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// section returns what stands below a heading.
func section(page, heading string) string {
	_, rest, _ := strings.Cut(page, "\n## "+heading+"\n")
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

// TestPage: the tables hold the numbers of the files, and what misses its goal
// is listed.
func TestPage(t *testing.T) {
	dir := write(t, full)
	page := made(t, dir)
	for heading, want := range map[string][]string{
		"Machine, date, versions": {"2026-01-02 03:04 UTC", "2026-02-03 04:05 UTC", "A Processor, 2 cores", "A Third Processor, 2 cores", "Chromium 99.1", "deface 1.5.0", "ONNX Runtime 1.30",
			"hedge-n 01234567", "-fps 7", "`bench/leak/ablation.json` | not recorded"},
		"Leak": {"| street | person | 400 | 3 | 0.75 % | - | - | - | - | 0.29 % of 350 | 9 | 2 | 1 | 4 | 66.7 | - | 9.12 % | 1.5 |",
			"| car park | plate | 77 | 0 | 0.00 % | - |", "| street | person | plain | 40 | 2 | 5.00 % |", "99 frames out, 5 dropped, 2.0 % hidden further"},
		"Ablation":           {"| 2 | as it is | street | person | 400 | 2 | 0.50 % |", "| 3 | no look-ahead / none | street | person | 400 | 44 | 11.00 % |"},
		"Attack":             {"Made by a run.\n\n### Recognition\n\n| face | 5.3 % |\n"},
		"Beside other tools": {"Not measured yet."},
		"Speed":              {"`bench/speed/last.md`, of the same run", "### Targets\n"},
		"What is still missed": {"3 of 400 person boxes are shown (0.75 %)", "masks hide 9.12 % of what nobody asked to hide", "a bar that broke; for a reason",
			"stands there for 10 min: named in 61 %", "enters it: face, near, stands there for 20 s, hide all, found by nobody: named in 13 %, 2.7 times chance",
			"Leak as shown, last-live, mot15_PETS09-S2L1: 1 of 40 person boxes are shown (2.50 %); the target is 0.1 %",
			"Over-hiding as shown, last-live, mot15_PETS09-S2L1: 2.54 % of what nobody asked to hide is gone; the target is 2 %", "5 of 96 plate boxes", "redaction is 2.5 x memcpy", "a live run is not measured",
			"frames dropped is 7 frames", "first picture is not measured", "frames received is 28 frames/s on busy cores, the target is at least 29.9", "doorbell under faults is 1 h", "archive against redact-file is 5 %"},
		"Doorbell on busy cores": {"`bench/doorbell/busy.md`, of the same run as `busy.json`", "takes a third"},
		"Hours of faults":        {"`bench/soak/last.md`, of the same run", "### Targets\n"},
		"Archive":                {"`bench/archive/last.md`, of the same run", "### One recording\n"},
	} {
		text := section(page, heading)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("section %q lacks %q:\n%s", heading, w, text)
			}
		}
	}
	if missed := section(page, "What is still missed"); strings.Contains(missed, "one that held") || strings.Contains(missed, "motion") || strings.Contains(missed, "mosaic") || strings.Contains(missed, "face, far") || strings.Contains(missed, "9 of 40") || strings.Contains(missed, "latency") || strings.Contains(missed, "raw blocks") {
		t.Errorf("what is kept is called missed:\n%s", missed)
	}
}

// TestTargets: what the pictures of a set show is held against the targets of that set in that
// mode, and recordings against that of false tracks.
func TestTargets(t *testing.T) {
	share := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		mode, set    string
		leak, over   float64
		hidden       float64
		falseTracks  int
		leaks, overs bool
		hides, falls bool
	}{
		{"recording", "mot15_PETS09-S2L1", 0.0002, 0.0139, 0.5, 2, false, false, false, false},
		{"recording", "mot15_PETS09-S2L1", 0.001, 0.016, 0.5, 3, true, true, false, true},
		{"live", "mot15_PETS09-S2L1", 0.001, 0.016, 0.5, 0, false, false, false, false},
		{"live", "mot15_TUD-Campus", 0.001, 0.021, 0.5, 0, true, true, false, false},
		{"recording", "mot15_TUD-Campus", 0, 0.02, 0.5, 0, false, false, false, false},
		{"recording", "window2_mot15_PETS09-S2L1", 0.003, 0.06, 0.5, 0, false, false, false, false},
		{"recording", "window_mot15_TUD-Campus", 0.004, 0.061, 0.5, 0, true, true, false, false},
		{"recording", "face_video_portrait_1080x608", 0.5, 0.99, 0.5, 0, false, true, false, false},
		{"recording", "tokyo_street_640x360.mp4", 0.5, 0.5, 0.35, 18, false, false, true, true},
		{"recording", "paris_street_1280x720.avi", 0.5, 0.5, 0.34, 0, false, false, false, false},
		{"recording", "people_coco", 0.5, 0.5, 0.5, 0, false, false, false, false},
	} {
		r := results{names: []string{"last.json"}, leaks: []leakreport.Report{{
			Config:   leakreport.Config{Mode: c.mode},
			Pictures: []leakreport.Picture{{Set: c.set, Measure: "plain", LeakRate: share(c.leak), OverHidden: share(c.over)}},
			Runs:     []leakreport.Run{{Set: c.set, HiddenShare: c.hidden, False: c.falseTracks, Judged: 20, Minutes: 2}},
		}}}
		missed := strings.Join(r.missed(), "\n")
		for what, want := range map[string]bool{"Leak as shown": c.leaks, "Over-hiding as shown": c.overs, "Hidden, ": c.hides, "False tracks": c.falls} {
			if strings.Contains(missed, what) != want {
				t.Errorf("%s, %s: missed:\n%s", c.mode, c.set, missed)
			}
		}
	}
}

// TestNegatives: of pictures without anybody few may have anything hidden.
func TestNegatives(t *testing.T) {
	for hiding, want := range map[uint64]bool{5: false, 6: true} {
		r := results{names: []string{"last-false.json"}, leaks: []leakreport.Report{{
			Config: leakreport.Config{Mode: "recording"}, Runs: []leakreport.Run{{Set: "negatives", Out: 100, Hiding: hiding}}}}}
		if missed := strings.Join(r.missed(), "\n"); strings.Contains(missed, "Negatives") != want {
			t.Errorf("%d of 100: missed:\n%s", hiding, missed)
		}
	}
}

// TestPartsMissing: the page says which files are not there.
func TestPartsMissing(t *testing.T) {
	dir := write(t, full)
	made(t, dir)
	for _, name := range []string{"leak/last-live.json", "leak/ablation.json", "attack/last.json", "peers/last.json", "speed/last.json", "doorbell/last.json", "doorbell/busy.json", "soak/last.json", "archive/last.json"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		said := strings.Replace(name, "last-live", "last", 1)
		if page := made(t, dir); strings.Count(page, "`bench/"+said+"` is not there") != 2 {
			t.Errorf("without %s the page does not say so twice:\n%s", name, page)
		}
	}
}

// TestPublished: everything that is published can be read.
func TestPublished(t *testing.T) {
	r, err := read(t.Context(), "..")
	if err != nil || len(r.missing) > 0 {
		t.Fatalf("%v, missing %v", err, r.missing)
	}
	page, err := r.page("..")
	if err != nil {
		t.Fatal(err)
	}
	was, err := os.ReadFile(filepath.Join("..", "RESULTS.md"))
	if err != nil {
		t.Fatal(err)
	}
	// What stands above the first section depends on the day of the commit.
	if section(page, "Leak") != section(string(was), "Leak") || section(page, "What is still missed") != section(string(was), "What is still missed") {
		t.Error("RESULTS.md is not of these results: make results")
	}
}

func TestBadResults(t *testing.T) {
	for name, text := range map[string]string{"leak/last.json": "{", "attack/last.json": "[]", "speed/last.json": `{"rows": 3}`} {
		err := run(t.Context(), []string{"-bench", write(t, map[string]string{name: text})}, io.Discard)
		if err == nil || !strings.Contains(err.Error(), filepath.FromSlash(name)) || !strings.Contains(err.Error(), "run the program") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := run(t.Context(), []string{"x"}, io.Discard); err == nil {
		t.Error("an argument was accepted")
	}
}
