package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/track"
)

// writeSet makes a set with two pictures (empty files), and the given labels.
func writeSet(t *testing.T, text, source string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"images/a.jpg": "", "images/b.jpg": "", labels.File: text, "SOURCE.md": source} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBadCommandLine(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "no SET"},
		{"-mode fast x", "-mode fast"},
		{"-moving maybe x", "-moving maybe"},
		{"-reference trio x", "-reference is for"},
		{"-lookahead 5s x", "-lookahead 5s"},
		{"-fps -1 x", "negative"},
		{"-cores 0 x", "positive"},
		{"-classes dog x", "-classes"},
		{"-nosuch x", "not defined"},
		{"nosuchfolder", "is not a set"},
		{"-policy nosuch.json .", "is not a set"},
	} {
		var out bytes.Buffer
		err := run(t.Context(), strings.Fields(c.args), &out)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.args, err, c.want)
		}
	}
	dir := writeSet(t, `{"image":"images/a.jpg","width":64,"height":48,"boxes":[]}`, "")
	for _, c := range []struct{ flag, want string }{
		{"-networks=nosuch", "no set"},
		{"-policy=nosuch.json", "nosuch.json"},
		{"-minscore=person", "NAME=VALUE"},
		{"-track=person.Nonsense=1", "no such field"},
	} {
		if err := run(t.Context(), []string{c.flag, dir}, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.flag, err, c.want)
		}
	}
}

func TestSettings(t *testing.T) {
	scores, err := parseScores("person=0.1,plate=0.5")
	if err != nil || scores[detect.Person] != 0.1 || scores[detect.Plate] != 0.5 || scores[detect.Face] != 0 {
		t.Errorf("scores %v, %v", scores, err)
	}
	set, err := parseTrack("person.Hold=2s,plate.Low=0.05,face.Observations=4")
	if err != nil {
		t.Fatal(err)
	}
	c := track.DefaultConfig()
	if set(&c); c.Class[detect.Person].Hold != 2*time.Second || c.Class[detect.Plate].Low != 0.05 || c.Class[detect.Face].Observations != 4 {
		t.Errorf("track %+v, %v", c, err)
	}
	for _, bad := range []string{"dog.Hold=2s", "person.Hold=x", "person.Low=x", "person.Observations=x", "person=1"} {
		if _, err := parseTrack(bad); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
	for _, bad := range []string{"dog=1", "face=x"} {
		if _, err := parseScores(bad); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

// TestWithoutNetworks runs the whole program on a picture: nothing finds
// anything, so everything is hidden, and the report says that this is why.
func TestWithoutNetworks(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg")
	}
	dir := writeSet(t, `{"image":"images/a.jpg","width":64,"height":48,"boxes":[{"class":"face","x":5,"y":5,"w":20,"h":20}]}
{"image":"images/b.jpg","width":64,"height":48,"boxes":[]}
`, "Labels: class face, complete. class person, too\n")
	for _, name := range []string{"a.jpg", "b.jpg"} {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 64, 48)), nil); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "images", name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "leak.json")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-networks", "none", "-json", file, dir}, &out); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r leakreport.Report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Sets) != 1 || r.Sets[0].Class != "face" || r.Sets[0].Boxes != 1 || r.Sets[0].Leaked != 0 || *r.Sets[0].OverHidden != 1 {
		t.Errorf("sets %+v", r.Sets)
	}
	if len(r.Runs) != 1 || r.Runs[0].FailedClosedShare != 1 || r.Runs[0].Out != 2 || !r.Runs[0].Moving {
		t.Errorf("runs %+v", r.Runs)
	}
	for _, key := range []string{"set", "class", "boxes", "leaked", "leak_rate", "tracks", "tracks_leaking", "longest_run", "first_exposure_ms", "over_hidden", "by_size"} {
		var raw struct{ Sets []map[string]any }
		if err := json.Unmarshal(data, &raw); err != nil {
			t.Fatal(err)
		}
		if _, ok := raw.Sets[0][key]; !ok {
			t.Errorf("JSON has no %q", key)
		}
	}
	if !strings.Contains(out.String(), "failed closed 2 (100.0 %)") {
		t.Errorf("the table hides that all frames failed closed:\n%s", out.String())
	}
	// A label of another size is refused.
	bad := strings.Replace(`{"image":"images/a.jpg","width":64,"height":48,"boxes":[]}`, "64", "65", 1)
	if err := os.WriteFile(filepath.Join(dir, labels.File), []byte(bad), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-networks", "none", dir}, &out); !errors.Is(err, errFrames) {
		t.Errorf("wrong size: got %v", err)
	}
}

func TestWorstOf(t *testing.T) {
	l := func(track, run int, share float64) *leak {
		return &leak{file: "c", run: run, share: share, truth: labels.Truth{Class: detect.Person, Track: track}}
	}
	a, b, c, d := l(1, 9, 0.5), l(1, 9, 0.1), l(2, 3, 0), l(3, 1, 0)
	got := worstOf([]*leak{d, a, c, b}, 2)
	if len(got) != 2 || !got[b] || !got[c] {
		t.Errorf("chosen %v", got)
	}
}

func TestWithoutFolders(t *testing.T) {
	got := withoutFolders([]string{"-json", "/a/b.json", "-worst=/c/d", "-every", "2", "-minscore=plate=0.3", "x/set"})
	want := []string{"-json", "b.json", "-worst=d", "-every", "2", "-minscore=plate=0.3", "set"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
