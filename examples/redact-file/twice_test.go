package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/recording"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

const (
	foundPolicy = `{"version": 1, "outside": {"hide": "detected"}}`
	solidPolicy = `{"version": 1, "outside": {"hide": "detected"}, "found": {"fill": "solid"}}`
)

// byHand writes evidence of a clip as if a network had looked at every picture and
// found one person, who walks.
func byHand(t *testing.T, clip, path string, frames int) string {
	t.Helper()
	in, err := evidence.Sample(clip)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `{"hedge":"evidence","version":1,"input":{"bytes":%d,"sample_sha256":%q},"width":192,"height":128,"networks":[{"name":"hand","classes":["face","person","plate","vehicle"]}]}`+"\n", in.Bytes, in.Sample)
	for i := range frames {
		x := 20 + 4*(i%30)
		fmt.Fprintf(&b, `{"frame":%d,"t":%.1f,"looks":[{"net":0,"found":[["person",%d,40,%d,100,0.9]]}],"shift":[0,0]}`+"\n", i+1, float64(i)/10, x, x+24)
	}
	fmt.Fprintf(&b, `{"end":%d}`+"\n", frames)
	return write(t, path, b.String())
}

func readReport(t *testing.T, path string) (r report) {
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

// TestEvidenceInsteadOfNetworks: with evidence no network is needed; tracks are
// listed, struck out and added.
func TestEvidenceInsteadOfNetworks(t *testing.T) {
	needFFmpeg(t)
	t.Setenv("HEDGE_ORT_LIB", filepath.Join(t.TempDir(), "none.so")) // not asked for
	dir, out := t.TempDir(), t.TempDir()
	in := clip(t, filepath.Join(dir, "in.mp4"))
	p := write(t, filepath.Join(dir, "p.json"), foundPolicy)
	ev := byHand(t, in, filepath.Join(dir, "e.jsonl"), 10)
	was, err := os.ReadFile(ev)
	if err != nil {
		t.Fatal(err)
	}
	hidden := map[string]float64{}
	for name, edit := range map[string]string{
		"found":  "",
		"struck": `{"strike":[1]}`,
		"added":  `{"add":{"class":"person","boxes":[[0,100,10,180,100],[0.9,100,10,180,100]]}}`,
	} {
		write(t, ev, string(was)+edit+"\n")
		o, rep, sheet := filepath.Join(out, name+".mp4"), filepath.Join(out, name+".json"), filepath.Join(out, name+".png")
		args := []string{"-in", in, "-out", o, "-policy", p, "-evidence", ev, "-report", rep}
		if name != "struck" {
			args = append(args, "-tracks", sheet)
		}
		code, said := runProgram(t, args...)
		if code != exitDone {
			t.Fatalf("%s: exit code %d: %s", name, code, said)
		}
		r := readReport(t, rep)
		hidden[name] = r.HiddenShare
		if r.Networks != networks.None || r.Provider != "" {
			t.Errorf("%s: networks %q by %q", name, r.Networks, r.Provider)
		}
		if r.Frames.Out != 10 || r.Camera != "fixed" || (r.Struck == 1) != (name == "struck") || (r.Added == 1) != (name == "added") {
			t.Errorf("%s: report %+v", name, r)
		}
		if name == "struck" {
			continue
		}
		if !strings.Contains(said, "person") || !strings.Contains(said, "0:00.9") {
			t.Errorf("%s: no table of tracks:\n%s", name, said)
		}
		f, err := os.Open(sheet)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(f); err != nil {
			t.Errorf("%s: sheet: %v", name, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if hidden["struck"] != 0 || hidden["found"] < 0.05 || hidden["added"] < hidden["found"]+0.2 {
		t.Errorf("hidden %v", hidden)
	}
}

// TestNoTracks: a recording in which nobody is found has no sheet of tracks, which is said and
// is no error.
func TestNoTracks(t *testing.T) {
	needFFmpeg(t)
	dir, out := t.TempDir(), t.TempDir()
	in := clip(t, filepath.Join(dir, "in.mp4"))
	p := write(t, filepath.Join(dir, "p.json"), foundPolicy)
	ev := byHand(t, in, filepath.Join(dir, "e.jsonl"), 10)
	data, err := os.ReadFile(ev)
	if err != nil {
		t.Fatal(err)
	}
	write(t, ev, regexp.MustCompile(`"found":\[\[.*?\]\]`).ReplaceAllString(string(data), `"found":[]`))
	rep, sheet := filepath.Join(dir, "r.json"), filepath.Join(out, "t.png")
	code, said := runProgram(t, "-in", in, "-out", filepath.Join(out, "o.mp4"), "-policy", p, "-evidence", ev, "-tracks", sheet, "-report", rep)
	if code != exitDone || !strings.Contains(said, "no track is hidden") || !strings.Contains(said, sheet) {
		t.Errorf("exit code %d: %s", code, said)
	}
	if r := readReport(t, rep); r.Error != "" || r.Frames.Out != 10 {
		t.Errorf("report %+v", r)
	}
	if got := remains(t, out); len(got) != 1 || got[0] != "o.mp4" {
		t.Errorf("written: %v", got)
	}
}

// TestEvidenceIsWritten by a first run, and never replaced.
func TestEvidenceIsWritten(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	in := clip(t, filepath.Join(dir, "in.mp4"))
	p := write(t, filepath.Join(dir, "p.json"), foundPolicy)
	ev := filepath.Join(dir, "e.jsonl")
	run := func(out string) (int, string) {
		return runProgram(t, "-in", in, "-out", filepath.Join(dir, out), "-policy", p, "-networks", "none", "-evidence", ev)
	}
	if code, said := run("a.mp4"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, said)
	}
	was, err := os.ReadFile(ev)
	if err != nil || strings.Count(string(was), "\n") != 12 {
		t.Fatalf("%v: evidence\n%s", err, was)
	}
	if code, said := run("b.mp4"); code != exitDone {
		t.Fatalf("again: exit code %d: %s", code, said)
	}
	if now, err := os.ReadFile(ev); err != nil || !bytes.Equal(now, was) {
		t.Errorf("the evidence was changed: %v", err)
	}
}

// TestEvidenceRefused: evidence of something else, or nonsense, is refused with its
// line, and nothing is written.
func TestEvidenceRefused(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	in := clip(t, filepath.Join(dir, "in.mp4"))
	other := clip(t, filepath.Join(dir, "other.mp4"), "-crf", "40")
	p := write(t, filepath.Join(dir, "p.json"), foundPolicy)
	good, err := os.ReadFile(byHand(t, in, filepath.Join(dir, "good.jsonl"), 10))
	if err != nil {
		t.Fatal(err)
	}
	change := func(was, is string) string { return strings.Replace(string(good), was, is, 1) }
	foreign, err := os.ReadFile(byHand(t, other, filepath.Join(dir, "foreign.jsonl"), 10))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		says []string
	}{
		"another file":    {string(foreign), []string{"line 1", "not the one"}},
		"another size":    {change(`"width":192`, `"width":256`), []string{"line 1", "256x128"}},
		"another version": {change(`"version":1`, `"version":7`), []string{"line 1", "version 7"}},
		"nonsense":        {change(`"frame":3`, `"frame":33`), []string{"line 4", "picture 33"}},
		"cut off":         {change("{\"end\":10}\n", ""), []string{"line 12", "cut off"}},
		"empty":           {"", []string{"line 1", "empty"}},
		"a policy":        {foundPolicy, []string{"line 1"}},
	} {
		ev, out := write(t, filepath.Join(dir, "e.jsonl"), c.text), t.TempDir()
		code, said := runProgram(t, "-in", in, "-out", filepath.Join(out, "o.mp4"), "-policy", p, "-evidence", ev)
		if code != exitFailed {
			t.Errorf("%s: exit code %d", name, code)
		}
		for _, want := range append(c.says, "e.jsonl", "name another file with -evidence, or delete this one") {
			if !strings.Contains(said, want) {
				t.Errorf("%s: does not say %q:\n%s", name, want, said)
			}
		}
		if got := remains(t, out); len(got) != 0 {
			t.Errorf("%s: left behind: %v", name, got)
		}
		if now, err := os.ReadFile(ev); err != nil || string(now) != c.text {
			t.Errorf("%s: the evidence was changed", name)
		}
	}
	// Evidence is an input: it is never written over.
	ev := write(t, filepath.Join(dir, "e.mp4"), string(good))
	if code, said := runProgram(t, "-in", in, "-out", ev, "-policy", p, "-evidence", ev, "-force"); code != exitUsage || !strings.Contains(said, "e.mp4") {
		t.Errorf("evidence as output: exit code %d: %s", code, said)
	}
	// What has no second reading has no evidence.
	closed := write(t, filepath.Join(dir, "closed.json"), closedPolicy)
	if code, said := runProgram(t, "-in", in, "-out", filepath.Join(dir, "x.mp4"), "-policy", closed, "-evidence", filepath.Join(dir, "new.jsonl")); code != exitFailed || !strings.Contains(said, "-evidence") {
		t.Errorf("nothing looked for: exit code %d: %s", code, said)
	}
}

// TestEvidenceOfLess: evidence that ends before the recording does, or goes on after
// it, is not of it.
func TestEvidenceOfLess(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	in := filepath.Join(dir, "in.mp4")
	ff(t, "-f", "lavfi", "-i", "testsrc2=size=192x128:rate=10:duration=6", in)
	p := write(t, filepath.Join(dir, "p.json"), foundPolicy)
	for _, n := range []int{10, 80} {
		out := t.TempDir()
		ev := byHand(t, in, filepath.Join(t.TempDir(), "e.jsonl"), min(n, 40))
		if n > 60 {
			ev = byHand(t, in, ev, n)
		}
		code, said := runProgram(t, "-in", in, "-out", filepath.Join(out, "o.mp4"), "-policy", p, "-evidence", ev)
		if got := remains(t, out); code != exitFailed || len(got) != 0 {
			t.Errorf("%d pictures of 60: exit code %d, left %v: %s", n, code, got, said)
		}
	}
}

// TestChangedBetweenPasses: an output is not finished if the recording is no longer
// the one that was looked at.
func TestChangedBetweenPasses(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "in.mp4"), "one")
	in, err := evidence.Sample(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, "two")
	c := recording.Checked{Sink: &output{}, Input: in, Path: path} // no encoder: finishing it would panic
	if err := c.Finish(t.Context()); !errors.Is(err, evidence.ErrChanged) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
}

// TestInterruptedInEitherPass: an interrupt in the first pass or in the second leaves nothing, and
// no evidence either.
func TestInterruptedInEitherPass(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	in := filepath.Join(dir, "in.mp4")
	ff(t, "-f", "lavfi", "-i", "testsrc2=size=192x128:rate=10:duration=400", "-preset", "ultrafast", in)
	p := write(t, filepath.Join(dir, "p.json"), foundPolicy)
	known := byHand(t, in, filepath.Join(dir, "known.jsonl"), 4000)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for name, evidence := range map[string]string{"first pass": "new.jsonl", "second pass": ""} {
		out := t.TempDir()
		ev := known
		if evidence != "" {
			ev = filepath.Join(out, evidence)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var said bytes.Buffer
		code := make(chan int, 1)
		go func() {
			code <- run(ctx, []string{"-in", in, "-out", filepath.Join(out, "o.mp4"), "-policy", p, "-networks", "none", "-evidence", ev}, &said)
		}()
		// The encoder's part file is there while the work goes on.
		for working := false; !working; {
			select {
			case c := <-code:
				t.Fatalf("%s: ended with %d before it was interrupted: %s", name, c, said.String())
			default:
			}
			parts, err := filepath.Glob(filepath.Join(out, ".*.part"))
			if err != nil {
				t.Fatal(err)
			}
			working = len(parts) > 0
		}
		cancel()
		if c := <-code; c != exitInterrupted {
			t.Errorf("%s: exit code %d: %s", name, c, said.String())
		}
		if got := remains(t, out); len(got) != 0 {
			t.Errorf("%s: left behind: %v", name, got)
		}
	}
	if got := remains(t, os.Getenv("XDG_CACHE_HOME")); len(got) != 0 {
		t.Errorf("left in the cache: %v", got)
	}
}

// TestPlaceKnown: the report has how much of the place was seen empty wherever the policy shows
// it, also where that is nothing, and the program says so if a fixed camera saw little of it.
func TestPlaceKnown(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	in := filepath.Join(dir, "in.mp4")
	ff(t, "-f", "lavfi", "-i", "testsrc2=size=192x128:rate=10:duration=0.1", "-vf", "loop=39:1:0,setpts=N/10/TB", "-r", "10", in)
	good := byHand(t, in, filepath.Join(dir, "good.jsonl"), 40)
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	people := regexp.MustCompile(`\["person",.*?\]`)
	for name, c := range map[string]struct {
		find, policy string
		args         []string
		known, least float64
		none, says   bool
	}{
		"somebody stands there":  {`["person",20,40,30,70,0.9]`, foundPolicy, nil, 0.99, 0.9, false, false},
		"the place is full":      {`["person",0,0,192,128,0.9]`, foundPolicy, nil, 0, 0, false, true},
		"a half is full":         {`["person",0,0,96,128,0.9]`, foundPolicy, nil, 0.5, 0.3, false, true},
		"the camera moves":       {`["person",0,0,192,128,0.9]`, foundPolicy, []string{"-moving"}, 0, 0, false, false},
		"the place is not shown": {`["person",0,0,192,128,0.9]`, solidPolicy, nil, 0, 0, true, false},
	} {
		ev := write(t, filepath.Join(dir, "e.jsonl"), strings.ReplaceAll(people.ReplaceAllString(string(data), c.find), `"net":0`, `"net":0,"scale":1`))
		rep := filepath.Join(dir, "r.json")
		code, said := runProgram(t, append([]string{"-in", in, "-out", filepath.Join(dir, "o.mp4"), "-evidence", ev, "-report", rep, "-force",
			"-policy", write(t, filepath.Join(dir, "p.json"), c.policy)}, c.args...)...)
		if code != exitDone {
			t.Fatalf("%s: exit code %d: %s", name, code, said)
		}
		known := readReport(t, rep).PlaceKnown
		switch {
		case c.none != (known == nil):
			t.Errorf("%s: known %v", name, known)
		case known != nil && (*known < c.least || *known > c.known):
			t.Errorf("%s: %.3f of the place is known", name, *known)
		}
		if strings.Contains(said, "of the place was ever seen empty") != c.says {
			t.Errorf("%s: said %s", name, said)
		}
	}
}
