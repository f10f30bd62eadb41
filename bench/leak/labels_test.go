package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect"
)

// writeSet makes a set with a clip and two pictures (all empty files), and the
// given labels.
func writeSet(t *testing.T, labels, source string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "images"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"clip.mp4": "", "images/a.jpg": "", "images/b.jpg": "", labelFile: labels, sourceFile: source,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoadSet(t *testing.T) {
	dir := writeSet(t, `{"image":"clip.mp4#2","frame":2,"width":64,"height":48,"boxes":[{"class":"head","x":1.5,"y":2,"w":10,"h":20,"track":3,"ignore":true}]}

{"image":"clip.mp4#1","width":64,"height":48,"labelled":false}
{"image":"images/a.jpg","width":30,"height":20,"boxes":[{"class":"plate","x":-1,"y":0,"w":5,"h":4,"text":"AB 1"}],"split":"x"}
`, "true rate 7 fps\nLabels: class person, complete\n")
	s, err := loadSet(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.recordings) != 2 || s.name != filepath.Base(dir) {
		t.Fatalf("recordings %d, name %q", len(s.recordings), s.name)
	}
	clip, pic := s.recordings[0], s.recordings[1]
	if !clip.clip || pic.clip || pic.labels[0].frame != 1 {
		t.Fatal("clip and picture are not told apart")
	}
	first, second := clip.labels[0], clip.labels[1]
	if first.frame != 1 || first.labelled || second.frame != 2 || !second.labelled || second.line != 1 {
		t.Fatalf("frames %+v %+v", first, second)
	}
	want := truth{class: detect.Person, box: detect.Box{X0: 1.5, Y0: 2, X1: 11.5, Y1: 22}, track: 3, ignore: true}
	if second.objects[0] != want {
		t.Fatalf("got %+v, want %+v", second.objects[0], want)
	}
	if o := pic.labels[0].objects[0]; o.track != noTrack || o.box.X0 != -1 {
		t.Fatalf("plate %+v", o)
	}
	if s.facts.rate != 7 || !s.facts.complete.Has(detect.Person) {
		t.Fatalf("facts %+v", s.facts)
	}
}

// badLabels are lines that must be refused, with a part of the reason.
var badLabels = []struct{ line, want string }{
	{`{"image":"clip.mp4#1"`, "unexpected EOF"},
	{`{"image":"clip.mp4#1","width":64,"height":48,"boxes":[]} {}`, "more than one"},
	{`{"image":"clip.mp4#0","width":64,"height":48,"boxes":[]}`, "count from 1"},
	{`{"image":"clip.mp4#x","width":64,"height":48,"boxes":[]}`, "count from 1"},
	{`{"image":"clip.mp4#2","frame":3,"width":64,"height":48,"boxes":[]}`, "not frame 3"},
	{`{"image":"clip.mp4#1","width":0,"height":48,"boxes":[]}`, "must be positive"},
	{`{"image":"clip.mp4#1","width":64,"height":48}`, "empty list"},
	{`{"image":"","width":64,"height":48,"boxes":[]}`, "inside the set"},
	{`{"image":"../x.jpg","width":64,"height":48,"boxes":[]}`, "inside the set"},
	{`{"image":"none.mp4#1","width":64,"height":48,"boxes":[]}`, "no such file"},
	{`{"image":"clip.mp4#9","width":64,"height":48,"boxes":[]}`, "labelled in line 1"},
	{`{"image":"clip.mp4","width":64,"height":48,"boxes":[]}`, "a clip in one line"},
	{`{"image":"clip.mp4#1","width":64,"height":48,"boxes":[{"class":"dog","x":1,"y":1,"w":1,"h":1}]}`, `class "dog"`},
	{`{"image":"clip.mp4#1","width":64,"height":48,"boxes":[{"class":"face","x":1,"y":1,"w":0,"h":1}]}`, "must be positive"},
	{`{"image":"clip.mp4#1","width":64,"height":48,"boxes":[{"class":"face","x":1,"y":1,"w":1}]}`, "all needed"},
	{`{"image":"clip.mp4#1","width":64,"height":48,"boxes":[{"class":"face","x":1e9,"y":1,"w":1,"h":1}]}`, "in no picture"},
	{`{"image":"clip.mp4#1","width":64,"height":48,"boxes":[{"class":"face","x":1,"y":1,"w":1,"h":1,"track":-4}]}`, "track -4"},
	{`{"image":"clip.mp4#1","width":64,"height":48,"boxes":[],"complete":["cat"]}`, `class "cat"`},
}

func TestBadLabels(t *testing.T) {
	for _, c := range badLabels {
		dir := writeSet(t, `{"image":"clip.mp4#9","width":64,"height":48,"boxes":[]}`+"\n"+c.line+"\n", "")
		_, err := loadSet(dir)
		if !errors.Is(err, errLabels) || !strings.Contains(err.Error(), "line 2:") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n\tgot %v, want line 2 and %q", c.line, err, c.want)
		}
	}
	if _, err := loadSet(writeSet(t, "\n", "")); !errors.Is(err, errLabels) {
		t.Errorf("no line: got %v", err)
	}
	if _, err := loadSet(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no labels: got %v", err)
	}
}

func FuzzParseLine(f *testing.F) {
	for _, c := range badLabels {
		f.Add([]byte(c.line))
	}
	f.Add([]byte(`{"image":"clip.mp4#1","width":64,"height":48,"boxes":[{"class":"face","x":1,"y":1,"w":2,"h":3}]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		file, l, _, err := (&set{}).parseLine(line)
		if err != nil {
			return
		}
		if !filepath.IsLocal(file) || l.size.X < 1 || l.size.Y < 1 || l.frame < 0 {
			t.Fatalf("accepted %q %+v", file, l)
		}
		for _, o := range l.objects {
			if o.class == detect.Vehicle || !o.box.Finite() || o.track < noTrack {
				t.Fatalf("accepted %+v", o)
			}
			pixels(o.box, l.size)
		}
	})
}

func TestFacts(t *testing.T) {
	person, face := detect.Classes(detect.Person), detect.Classes(detect.Face)
	for text, want := range map[string]facts{
		"":                                       {},
		"Labels: class person, complete but far": {complete: person},
		"Labels: class plate, INCOMPLETE; complete in part": {},
		"Labels: class face, partial":                       {},
		"Video: class person, complete":                     {},
		"header says 10 fps, true rate 7.5 fps":             {rate: 7.5},
		"Labels: class face, complete\nwalking camera":      {complete: face, moving: true},
		"real dashcam": {moving: true},
	} {
		if got := readFacts(text); got != want {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
	}
	all := detect.Classes(detect.Face, detect.Person, detect.Plate)
	for _, c := range []struct {
		complete, hidden detect.ClassSet
		want             bool
	}{{person, all, true}, {face, all, false}, {face, face, true}, {0, face, false}} {
		f := facts{complete: c.complete}
		if got := f.judgesRest(c.hidden); got != c.want {
			t.Errorf("complete %b, hidden %b: got %v", c.complete, c.hidden, got)
		}
	}
}

func TestCompleteFieldWins(t *testing.T) {
	dir := writeSet(t, `{"image":"images/a.jpg","width":64,"height":48,"complete":["face","plate"],"boxes":[]}
{"image":"images/b.jpg","width":64,"height":48,"complete":["face"],"boxes":[]}
`, "Labels: class person, complete\n")
	s, err := loadSet(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s.facts.complete != detect.Classes(detect.Face) {
		t.Fatalf("complete %b, want only what both lines name", s.facts.complete)
	}
}
