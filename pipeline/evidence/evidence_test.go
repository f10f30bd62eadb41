package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/motion"
	"github.com/hedgecam/hedge/internal/atomicfile"
)

func header() Header {
	return Header{Input: Input{Bytes: 1234, Sample: "abcd"}, Size: image.Pt(640, 480),
		Networks: []Network{{Name: "n", SHA256: "57", Classes: []detect.Class{detect.Person, detect.Face}}}}
}

func frames() []Frame {
	return []Frame{
		{Time: 0, Clear: true, Inferences: []Inference{{Scale: 0.667, Found: []detect.Detection{
			{Class: detect.Person, Score: 0.9125, Box: detect.Box{X0: 10.5, Y0: 20, X1: 40, Y1: 100}}}}}},
		{Time: 33366667 * time.Nanosecond, DX: 1.25, DY: -0.5, Clear: true, View: 1, Moved: []detect.Box{{X0: 1, Y0: 2, X1: 3, Y1: 4}},
			Inferences: []Inference{{Found: nil}, {Region: detect.Box{X1: 320, Y1: 240}, Found: []detect.Detection{{Class: detect.Face, Score: 1, Box: detect.Box{X1: 640, Y1: 480}}}}}},
		{Time: time.Second, View: 1, Failed: []int{0}, Mosaic: Mosaic{Number: 1, Pose: motion.Similarity{Turn: 1.01 - 0.002i, Shift: -3.5 + 1.25i},
			Moved: []detect.Box{{X0: 5, Y0: 6, X1: 7, Y1: 8}}}},
	}
}

func written(t testing.TB, fs []Frame) string {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, header())
	if err != nil {
		t.Fatal(err)
	}
	for i := range fs {
		if err := w.Frame(&fs[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.End(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func readAll(text string) (fs []Frame, e Edits, h Header, err error) {
	r, err := NewReader(strings.NewReader(text))
	if err != nil {
		return nil, e, h, err
	}
	for {
		var f Frame
		switch err := r.Next(&f); {
		case errors.Is(err, io.EOF):
			return fs, r.Edits(), r.Header(), nil
		case err != nil:
			return nil, e, h, err
		}
		fs = append(fs, f)
	}
}

func TestRoundTrip(t *testing.T) {
	text := written(t, frames())
	got, _, h, err := readAll(text)
	if err != nil {
		t.Fatal(err)
	}
	h.Networks[0].set = 0
	if !reflect.DeepEqual(h, header()) {
		t.Errorf("header %+v", h)
	}
	// What is empty and what is nil are the same here.
	if a, b := fmt.Sprint(got), fmt.Sprint(frames()); a != b {
		t.Errorf("read\n%s\nwrote\n%s", a, b)
	}
	want := `{"frame":1,"t":0,"looks":[{"net":0,"scale":0.667,"found":[["person",10.5,20,40,100,0.9125]]}],"shift":[0,0]}`
	if lines := strings.Split(text, "\n"); lines[1] != want || lines[4] != `{"end":3}` {
		t.Errorf("lines %q", lines)
	}
}

// TestViewReturns: a camera that was moved may show its first place again, and then
// another one, which is not one that was left.
func TestViewReturns(t *testing.T) {
	for _, c := range []struct {
		views []int
		line  int // that is refused; 0: none
	}{
		{[]int{0, 1, 1, 0, 0, 2, 0, 3, 3}, 0},
		{[]int{1, 0, 2}, 0},
		{[]int{0, 1, 0, 1}, 5},
		{[]int{0, 1, 2, 1}, 5},
		{[]int{0, 2}, 3},
		{[]int{0, -1}, 3},
	} {
		var text strings.Builder
		text.WriteString(strings.SplitAfter(written(t, nil), "\n")[0])
		for i, v := range c.views {
			fmt.Fprintf(&text, "{\"frame\":%d,\"t\":%d,\"view\":%d}\n", i+1, i, v)
		}
		fmt.Fprintf(&text, "{\"end\":%d}\n", len(c.views))
		fs, _, _, err := readAll(text.String())
		var e *Error
		if c.line == 0 && (err != nil || len(fs) != len(c.views)) || c.line != 0 && (!errors.As(err, &e) || e.Line != c.line) {
			t.Errorf("views %v: %v, want line %d", c.views, err, c.line)
		}
	}
}

func TestEdits(t *testing.T) {
	text := written(t, frames()) + `
{"strike":[3,17]}

{"add":{"class":"plate","boxes":[[0.5,1,2,3,4],[1,2,3,4,5]]}}
{"strike":[4]}
`
	_, e, _, err := readAll(text)
	want := Edits{Strike: []uint64{3, 17, 4}, Add: []Added{{Class: detect.Plate, Boxes: []Place{
		{time.Second / 2, detect.Box{X0: 1, Y0: 2, X1: 3, Y1: 4}}, {time.Second, detect.Box{X0: 2, Y0: 3, X1: 4, Y1: 5}}}}},
		Changes: []Change{{Strike: []uint64{3, 17}}, {Strike: []uint64{4}}}}
	if err != nil || !reflect.DeepEqual(e, want) {
		t.Errorf("%+v, %v", e, err)
	}
}

// nonsense is evidence that is refused, and the line that is wrong.
var nonsense = []struct {
	name string
	was  string // in the good text
	is   string
	line int
	says string
}{
	{"another version", `"version":1`, `"version":2`, 1, "version 2"},
	{"no evidence", `"hedge":"evidence"`, `"hedge":"policy"`, 1, "not Hedge's evidence"},
	{"no size", `"width":640`, `"width":0`, 1, "0x480"},
	{"a field nobody knows", `"frame":1`, `"colour":1,"frame":1`, 2, "colour"},
	{"a class nobody knows", `"person",10.5`, `"dog",10.5`, 2, "dog"},
	{"a class the network does not find", `"person",10.5`, `"plate",10.5`, 2, "plate"},
	{"a box outside", `10.5,20,40,100`, `10.5,20,940,100`, 2, "within 640x480"},
	{"a box inside out", `10.5,20,40,100`, `50.5,20,40,100`, 2, "within 640x480"},
	{"a score", `0.9125`, `1.9`, 2, "score"},
	{"not a number", `0.9125`, `NaN`, 2, ""},
	{"a find cut short", `100,0.9125`, `100`, 2, "class, x0"},
	{"a network that is not there", `"failed":[0]`, `"failed":[3]`, 4, "network 3"},
	{"a look of a network that is not there", `{"net":0,"part"`, `{"net":-1,"part"`, 3, "network -1"},
	{"a picture left out", `{"frame":2`, `{"frame":3`, 3, "picture 3"},
	{"time runs back", `"t":1,`, `"t":0.01,`, 4, "not after"},
	{"a time that is none", `"t":1,`, `"t":-1,`, 4, "time"},
	{"a view that jumps", `"view":1,"failed"`, `"view":3,"failed"`, 4, "view 3"},
	{"pictures cut off", `{"end":3}`, `{"end":4}`, 5, "4 pictures"},
	{"cut off", "{\"end\":3}\n", ``, 5, "cut off"},
	{"half a line", `"failed":[0]}`, `"fai`, 4, ""},
	{"a picture behind the end", `{"end":3}`, "{\"end\":3}\n{\"frame\":4,\"t\":2}", 6, "behind the end"},
	{"an empty track", `{"end":3}`, "{\"end\":3}\n{\"add\":{\"class\":\"person\",\"boxes\":[]}}", 6, "without a box"},
	{"an added box outside", `{"end":3}`, "{\"end\":3}\n{\"add\":{\"class\":\"person\",\"boxes\":[[0,1,2,9999,4]]}}", 6, "within"},
	{"two values", `{"end":3}`, `{"end":3}{}`, 5, "more than one"},
	{"a mosaic that jumps", `"mosaic":{"n":1`, `"mosaic":{"n":3`, 4, "mosaic 3 comes after mosaic 0"},
	{"a mosaic that is none", `"mosaic":{"n":1`, `"mosaic":{"n":0`, 4, "mosaic 0"},
	{"a pose that is none", `"pose":[1.01`, `"pose":[0`, 4, "pose"},
	{"a patch outside", `[[5,6,7,8]]`, `[[5,6,7,800]]`, 4, "within 640x480"},
	{"a scale that is none", `"scale":0.667`, `"scale":-1`, 2, "scale"},
	{"a shift beyond all", `[1.25,-0.5]`, `[1e9,0]`, 3, "shift"},
}

func TestNonsense(t *testing.T) {
	good := written(t, frames())
	for _, c := range nonsense {
		text := strings.Replace(good, c.was, c.is, 1)
		if text == good {
			t.Errorf("%s: nothing was changed", c.name)
		}
		_, _, _, err := readAll(text)
		var e *Error
		if !errors.As(err, &e) || e.Line != c.line || !strings.Contains(e.Error(), c.says) {
			t.Errorf("%s: %v, want line %d and %q", c.name, err, c.line, c.says)
		}
	}
	for _, text := range []string{"", "\n", "video", "{}"} {
		if _, err := NewReader(strings.NewReader(text)); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

// TestThinBox: rounding never makes a box vanish.
func TestThinBox(t *testing.T) {
	fs := []Frame{{Inferences: []Inference{{Found: []detect.Detection{
		{Class: detect.Person, Score: 0.5, Box: detect.Box{X0: 639.96, Y0: 479.99, X1: 640, Y1: 480}}}}}}}
	got, _, _, err := readAll(written(t, fs))
	if err != nil || got[0].Inferences[0].Found[0].Box != (detect.Box{X0: 639.9, Y0: 479.9, X1: 640, Y1: 480}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestLog(t *testing.T) {
	dir := t.TempDir()
	for _, limit := range []int{1 << 20, 10} {
		l := NewLog(dir, limit)
		var want bytes.Buffer
		for i := range 20 {
			line := fmt.Sprintf("line %d\n", i)
			want.WriteString(line)
			if _, err := l.Write([]byte(line)); err != nil {
				t.Fatal(err)
			}
		}
		if (l.file != nil) != (limit == 10) {
			t.Errorf("limit %d: spilled %t", limit, l.file != nil)
		}
		for range 2 {
			if got, err := io.ReadAll(l.Reader()); err != nil || !bytes.Equal(got, want.Bytes()) {
				t.Errorf("limit %d: read %q, %v", limit, got, err)
			}
		}
		// The file has no name, so that nothing stays whatever happens.
		if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
			t.Errorf("limit %d: in the folder: %v, %v", limit, names, err)
		}
		if err := errors.Join(l.Close(), l.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestSave(t *testing.T) {
	l := NewLog(t.TempDir(), 0)
	defer l.Close()
	if _, err := l.Write([]byte("x\n")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "e.jsonl")
	if err := l.Save(path); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "x\n" {
		t.Errorf("%q, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Save(path); !errors.Is(err, atomicfile.ErrExists) {
		t.Errorf("a file that exists: %v", err)
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != "mine" {
		t.Errorf("%q, %v", got, err)
	}
	if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

func TestSample(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, size := range []int{1, 1000, 3 << 20, 12 << 20} {
		data := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		write := func() Input {
			t.Helper()
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			in, err := Sample(path)
			if err != nil {
				t.Fatal(err)
			}
			return in
		}
		was := write()
		if err := was.Check(path); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		data[size/2] ^= 1
		if size <= 2<<20 || size/2%samplePiece < samplePiece/2 {
			if err := write().Compare(was); size <= 3<<20 && !errors.Is(err, ErrChanged) {
				t.Errorf("%d bytes: a change in the middle: %v", size, err)
			}
		}
		data[size/2] ^= 1
		data[size-1] ^= 1
		write()
		if err := was.Check(path); !errors.Is(err, ErrChanged) {
			t.Errorf("%d bytes: a change at the end: %v", size, err)
		}
		data = append(data, 0)
		write()
		if err := was.Check(path); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), "bytes") {
			t.Errorf("%d bytes: one more: %v", size, err)
		}
	}
	if _, err := Sample(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// FuzzReader: what is read once is written and read again the same, and nothing
// makes the reader panic.
func FuzzReader(f *testing.F) {
	good := written(f, frames())
	f.Add(good)
	for _, c := range nonsense {
		f.Add(strings.Replace(good, c.was, c.is, 1))
	}
	f.Fuzz(func(t *testing.T, text string) {
		fs, _, h, err := readAll(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("not an evidence error: %v", err)
			}
			return
		}
		var b bytes.Buffer
		w, err := NewWriter(&b, h)
		if err != nil {
			t.Fatal(err)
		}
		for i := range fs {
			if err := w.Frame(&fs[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.End(); err != nil {
			t.Fatal(err)
		}
		if again, _, _, err := readAll(b.String()); err != nil || len(again) != len(fs) {
			t.Fatalf("%v: %s", err, b.String())
		}
	})
}

// TestApplyRounds: the times of a change are those of pictures, to the nanosecond: the last
// one is included.
func TestApplyRounds(t *testing.T) {
	for i := range 20000 {
		at := time.Duration(i) * 40 * time.Millisecond
		e := Apply([]Change{{Times: &ChangedTimes{Track: 3, From: at.Seconds(), To: at.Seconds()}}})
		if got := e.Times[0]; got.From != at || got.To != at {
			t.Fatalf("%v is from %v to %v", at, got.From, got.To)
		}
	}
}
