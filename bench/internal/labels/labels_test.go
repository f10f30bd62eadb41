package labels

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
		"clip.mp4": "", "images/a.jpg": "", "images/b.jpg": "", File: labels, sourceFile: source,
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
	s, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Recordings) != 2 || s.Name != filepath.Base(dir) {
		t.Fatalf("recordings %d, name %q", len(s.Recordings), s.Name)
	}
	clip, pic := s.Recordings[0], s.Recordings[1]
	if !clip.Clip || pic.Clip || pic.Labels[0].Frame != 1 {
		t.Fatal("clip and picture are not told apart")
	}
	first, second := clip.Labels[0], clip.Labels[1]
	if first.Frame != 1 || first.Labelled || second.Frame != 2 || !second.Labelled || second.Line != 1 {
		t.Fatalf("frames %+v %+v", first, second)
	}
	want := Truth{Class: detect.Person, Box: detect.Box{X0: 1.5, Y0: 2, X1: 11.5, Y1: 22}, Track: 3, Ignore: true}
	if second.Objects[0] != want {
		t.Fatalf("got %+v, want %+v", second.Objects[0], want)
	}
	if o := pic.Labels[0].Objects[0]; o.Track != NoTrack || o.Box.X0 != -1 {
		t.Fatalf("plate %+v", o)
	}
	if s.Facts.Rate != 7 || !s.Facts.Complete.Has(detect.Person) {
		t.Fatalf("facts %+v", s.Facts)
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
		_, err := Load(dir)
		if !errors.Is(err, Err) || errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "line 2:") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n\tgot %v, want line 2 and %q", c.line, err, c.want)
		}
	}
	if _, err := Load(writeSet(t, "\n", "")); !errors.Is(err, Err) {
		t.Errorf("no line: got %v", err)
	}
	if _, err := Load(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no labels: got %v", err)
	}
}

func FuzzParseLine(f *testing.F) {
	for _, c := range badLabels {
		f.Add([]byte(c.line))
	}
	f.Add([]byte(`{"image":"clip.mp4#1","width":64,"height":48,"boxes":[{"class":"face","x":1,"y":1,"w":2,"h":3}]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		file, l, _, err := (&Set{}).parseLine(line)
		if err != nil {
			return
		}
		if !filepath.IsLocal(file) || l.Size.X < 1 || l.Size.Y < 1 || l.Frame < 0 {
			t.Fatalf("accepted %q %+v", file, l)
		}
		for _, o := range l.Objects {
			if o.Class == detect.Vehicle || !o.Box.Finite() || o.Track < NoTrack {
				t.Fatalf("accepted %+v", o)
			}
		}
	})
}

func TestFacts(t *testing.T) {
	person, face := detect.Classes(detect.Person), detect.Classes(detect.Face)
	for text, want := range map[string]Facts{
		"":                                       {},
		"Labels: class person, complete but far": {Complete: person},
		"Labels: class plate, INCOMPLETE; complete in part": {},
		"Labels: class face, partial":                       {},
		"Video: class person, complete":                     {},
		"header says 10 fps, true rate 7.5 fps":             {Rate: 7.5},
		"Labels: class face, complete\nwalking camera":      {Complete: face, Moving: true},
		"real dashcam": {Moving: true},
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
		f := Facts{Complete: c.complete}
		if got := f.JudgesRest(c.hidden); got != c.want {
			t.Errorf("complete %b, hidden %b: got %v", c.complete, c.hidden, got)
		}
	}
}

func TestCompleteFieldWins(t *testing.T) {
	dir := writeSet(t, `{"image":"images/a.jpg","width":64,"height":48,"complete":["face","plate"],"boxes":[]}
{"image":"images/b.jpg","width":64,"height":48,"complete":["face"],"boxes":[]}
`, "Labels: class person, complete\n")
	s, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s.Facts.Complete != detect.Classes(detect.Face) {
		t.Fatalf("complete %b, want only what both lines name", s.Facts.Complete)
	}
}
