package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/bench/internal/program"
	"github.com/hedgecam/hedge/bench/internal/report"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// drawn returns the luma of one of the camera's pictures.
func drawn(t *testing.T, s scene) *image.YCbCr {
	t.Helper()
	list, err := s.loop(rand.New(rand.NewPCG(1, 1)))
	if err != nil || len(list) != looped {
		t.Fatalf("%d pictures: %v", len(list), err)
	}
	pic, err := jpeg.Decode(bytes.NewReader(list[7]))
	if err != nil {
		t.Fatal(err)
	}
	return pic.(*image.YCbCr)
}

// TestLook: raw blocks are found wherever they are, and no fill is taken for one.
func TestLook(t *testing.T) {
	s := scene{image.Pt(640, 368)}
	raw := drawn(t, s)
	if v := s.look(tight(raw, s.size)); !v.shown || v.raw < 500 {
		t.Errorf("the raw picture: %+v", v)
	}
	for _, fill := range []string{"frost", "solid"} {
		f := redacted(t, s, raw, fill)
		luma := tight(f.Picture(), s.size)
		f.Release()
		if v := s.look(luma); !v.shown || v.raw != 0 {
			t.Errorf("under %s: %+v", fill, v)
		}
		// One raw block is enough.
		for y := range side {
			copy(luma[(160+y)*s.size.X+320:][:side], tight(raw, s.size)[(160+y)*s.size.X+320:])
		}
		if v := s.look(luma); v.raw != 1 {
			t.Errorf("one raw block under %s: %+v", fill, v)
		}
	}
}

// redacted hides a drawn scene by most of its policy. The caller releases the frame.
func redacted(t *testing.T, s scene, raw *image.YCbCr, fill string) redact.Frame {
	t.Helper()
	p, err := redact.ParsePolicy(s.policy(most, fill, ""))
	if err != nil {
		t.Fatal(err)
	}
	r, err := redact.New(p, s.size, redact.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	pic := image.NewYCbCr(image.Rectangle{Max: s.size}, image.YCbCrSubsampleRatio420)
	copy(pic.Y, tight(raw, s.size))
	f, err := r.Redact(pic, redact.Scene{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestSnapshots: a raw block in a snapshot is seen, none is seen in a hidden one, and what is
// not given or is no picture is neither.
func TestSnapshots(t *testing.T) {
	s := scene{image.Pt(640, 368)}
	raw := drawn(t, s)
	f := redacted(t, s, raw, "frost")
	defer f.Release()
	hidden := f.Picture()
	leaks := image.NewYCbCr(hidden.Rect, hidden.SubsampleRatio)
	copy(leaks.Cb, hidden.Cb)
	copy(leaks.Cr, hidden.Cr)
	copy(leaks.Y, tight(hidden, s.size))
	for y := 160; y < 160+side; y++ {
		copy(leaks.Y[y*s.size.X+320:][:side], raw.Y[y*raw.YStride+320:])
	}
	var answers [][]byte
	for _, pic := range []image.Image{hidden, leaks} {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, pic, nil); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, b.Bytes())
	}
	asked := 0
	doorbell := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		switch asked {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2, 3:
			_, _ = w.Write(answers[asked-2]) // the look tells
		default:
			_, _ = w.Write([]byte("no picture")) // likewise
		}
	}))
	defer doorbell.Close()
	defer http.DefaultClient.CloseIdleConnections()
	snaps := &snapshots{scene: s, program: &program.Doorbell{Base: doorbell.URL}}
	err := snaps.watch(t.Context())
	if want := (counted{frames: 2, shown: 2, raw: 1, leaking: 1}); err == nil || snaps.seen != want || snaps.absent != 1 {
		t.Errorf("%v, %+v, %d not given", err, snaps.seen, snaps.absent)
	}
}

// TestPolicies: policies of the run never show more than the zone that is excepted, and
// none of the broken ones can be used.
func TestPolicies(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	l := &live{scene: scene{image.Pt(1920, 1080)}, inside: `"face","person"`}
	path := filepath.Join(t.TempDir(), "policy.json")
	widest, err := redact.ParsePolicy(l.scene.policy(most, "solid", l.inside))
	if err != nil {
		t.Fatal(err)
	}
	for range 12 {
		good := l.good(r)
		p, err := redact.ParsePolicy(bytes.Replace(good, []byte("frost"), []byte("solid"), 1)) // zones are compared, not fills
		if err != nil {
			t.Fatalf("%v\n%s", err, good)
		}
		if more := p.LooserThan(widest); more != nil {
			t.Fatalf("shows more than it may: %v: %s", more, good)
		}
		bad, what := broken(r, good)
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if p, err := redact.LoadPolicy(path); err == nil {
			t.Fatalf("%s can be used: %s (%+v)", what, bad, p)
		}
	}
}

// TestSingles: of every kind of fault, in both modes, none shows what must be hidden.
func TestSingles(t *testing.T) {
	n := 10 * len(singleKinds)
	if testing.Short() {
		n = len(singleKinds)
	}
	s, err := single(t.Context(), 1, n, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if s.Raw != 0 || s.Back != 0 || s.Frames < 20*n {
		t.Errorf("%d raw blocks, %d times back, %d frames: %+v", s.Raw, s.Back, s.Frames, s.Kinds)
	}
	for _, k := range s.Kinds {
		if k.Count != n/len(singleKinds) || k.Raw != 0 {
			t.Errorf("%+v", k)
		}
	}
}

// TestSinglesSee: the sink of the single faults knows a leak when it sees one, of a
// detector that finds nothing. No frame is hidden because it looked too late.
func TestSinglesSee(t *testing.T) {
	tr := newTrial(1, 0)
	tr.mode = pipeline.File
	tr.kind, tr.all, tr.from, tr.till = singleKind{detector: always(detecttest.Find())}, false, 0, tr.end
	if err := tr.befall(t.Context()); err != nil || tr.frames < 20 || tr.raw < tr.frames {
		t.Errorf("%d raw squares are seen in %d frames: %v", tr.raw, tr.frames, err)
	}
}

// TestRun is a live run as short as it can be, with every kind of fault once. How soon
// anything is back depends on the machine and is not asserted.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the doorbell and has it befallen by every fault for a minute")
	}
	t.Setenv("TMPDIR", t.TempDir())
	r, err := soak(t.Context(), options{seed: 4, least: len(faults), rate: 10, networks: networks.None, size: image.Pt(640, 368), rest: 200 * time.Millisecond, brief: true}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(r.text())
	for _, g := range []int{goalRaw, goalRecordedRaw, goalTimes} {
		if w := r.Rows[g]; w.Value == nil || *w.Value != 0 {
			t.Errorf("%s: %+v", w.Name, w)
		}
	}
	seen, _ := r.live.watcher.count()
	if seen.shown < len(r.live.befallen) || r.live.recorded.seen.shown == 0 || len(r.live.befallen) < len(faults)-1 {
		t.Errorf("%+v over RTSP, %+v recorded, %d faults", seen, r.live.recorded.seen, len(r.live.befallen))
	}
	if s := r.live.snaps.seen; s.shown == 0 || s.raw != 0 {
		t.Errorf("snapshots: %+v", s)
	}
	if list, err := filepath.Glob(filepath.Join(os.TempDir(), "hedge-bench-soak*")); err != nil || len(list) > 0 {
		t.Errorf("left behind: %v (%v)", list, err)
	}
}

// TestPublished: the published result has the rows of this program and its plot.
func TestPublished(t *testing.T) {
	data, err := os.ReadFile("last.json")
	if err != nil {
		t.Fatal(err)
	}
	var got report.Result
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if err := got.Fits(targets[:]); err != nil {
		t.Error(err)
	}
	if svg, err := os.ReadFile("last.svg"); err != nil || !strings.Contains(string(svg), "resident memory") {
		t.Errorf("the plot: %v", err)
	}
}

// TestWrite: a run's result is written with its faults and its plot.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	r := &result{Result: report.New(targets[:]), live: &live{befallen: []befallen{{At: 3, Kind: "camera gone", Recovery: 7}}, samples: []sample{{At: 1, RSS: 100}, {At: 9, RSS: 110}}}}
	if err := r.write(dir, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"last.json": `"camera gone"`, "last.md": "not measured", "last.svg": "#c03020"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
