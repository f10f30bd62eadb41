package pipeline_test

import (
	"context"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/internal/race"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// yard is the recording of a fixed camera: a still texture in which a grey patch
// moves where path says, if it is there, and another where other says.
type yard struct {
	frames int
	path   func(i int) (image.Point, bool)
	other  func(i int) (image.Point, bool)
	shift  func(i int) int // of the whole picture, in pixels
	n      int
}

func (y *yard) Read(_ context.Context, b *pipeline.Buffer) error {
	if y.n == y.frames {
		return io.EOF
	}
	i := y.n
	y.n++
	shift := 0
	if y.shift != nil {
		shift = y.shift(i)
	}
	pic := b.Resize(320, 240)
	for v := range 240 {
		for u := range 320 {
			x := uint32(u+shift) / 4 * 2654435761
			x ^= uint32(v) / 4 * 40503
			x *= 2246822519
			pic.Y[v*pic.YStride+u] = uint8(40 + x>>25)
		}
	}
	for _, path := range []func(int) (image.Point, bool){y.path, y.other} {
		if path == nil {
			continue
		}
		if at, ok := path(i); ok {
			for v := max(at.Y, 0); v < min(at.Y+60, 240); v++ {
				for u := max(at.X, 0); u < min(at.X+24, 320); u++ {
					pic.Y[v*pic.YStride+u] = uint8(60 + 150*((u-at.X)/6%2))
				}
			}
		}
	}
	b.Time = time.Duration(i) * 100 * time.Millisecond
	return nil
}

// hiddenOf is a sink that notes how much of somebody, and of all, is hidden.
type hiddenOf struct {
	walker, whole []float64
	at            func(i int) detect.Box
	i             int
}

func (h *hiddenOf) Write(_ context.Context, f redact.Frame) error {
	h.walker = append(h.walker, f.Mask().HiddenOf(h.at(h.i)))
	h.whole = append(h.whole, f.Mask().Hidden())
	h.i++
	return nil
}

// play runs both passes over yards made anew and returns what was hidden.
func playYard(t *testing.T, c pipeline.RecordingConfig, yards func() *yard, at func(i int) detect.Box) (*hiddenOf, *pipeline.Decision) {
	t.Helper()
	if c.Policy == nil {
		c.Policy = policy(t, `{"version":1,"outside":{"hide":"detected","fill":"solid"}}`)
	}
	r, err := pipeline.NewRecording(c)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := r.Inspect(t.Context(), yards(), testInput)
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	d, err := r.Decide(ev)
	if err != nil {
		t.Fatal(err)
	}
	h := &hiddenOf{at: at}
	if err := r.Redact(t.Context(), yards(), d, h); err != nil {
		t.Fatal(err)
	}
	return h, d
}

// TestRecordingMotion: what walks through a fixed camera's recording and is found by
// nobody is hidden all the way; what stirs in one place for all of it is shown.
func TestRecordingMotion(t *testing.T) {
	race.SkipPixels(t)
	blind := func() []detect.Detector { return []detect.Detector{detecttest.New(everything, detecttest.Find())} }
	walk := func(i int) (image.Point, bool) { return image.Pt(-24+(i-20)*8, 120), i >= 20 && i < 63 }
	box := func(p func(int) (image.Point, bool)) func(int) detect.Box {
		return func(i int) detect.Box {
			at, _ := p(i)
			return detect.Box{X0: float32(at.X), Y0: float32(at.Y), X1: float32(at.X + 24), Y1: float32(at.Y + 60)}
		}
	}
	h, d := playYard(t, pipeline.RecordingConfig{Detectors: blind()}, func() *yard { return &yard{frames: 100, path: walk} }, box(walk))
	if d.Camera != pipeline.FixedCamera || d.MovedAt >= 0 {
		t.Fatalf("%v camera, moved at %v", d.Camera, d.MovedAt)
	}
	for i := 22; i < 61; i++ {
		if h.walker[i] < 0.9 {
			t.Errorf("picture %d: %.2f of the walker hidden", i, h.walker[i])
		}
	}
	for _, i := range []int{0, 10, 19, 90} {
		if h.whole[i] > 0 {
			t.Errorf("picture %d: %.2f hidden, and nobody is there", i, h.whole[i])
		}
	}
	stir := func(i int) (image.Point, bool) { return image.Pt(200+4*(i%3), 100), true }
	h, _ = playYard(t, pipeline.RecordingConfig{Detectors: blind()}, func() *yard { return &yard{frames: 120, path: stir} }, box(stir))
	mean := 0.0
	for _, v := range h.whole {
		mean += v / float64(len(h.whole))
	}
	if mean > 0.005 {
		t.Errorf("what stirs in one place: %.3f of the pictures hidden", mean)
	}
}

// TestRecordingMotionBeside: somebody whom nobody finds is hidden although they walk to and
// fro in one place for the whole recording, if that place is beside somebody who is found:
// what moves near people says nothing of the place.
func TestRecordingMotionBeside(t *testing.T) {
	race.SkipPixels(t)
	const n = 150
	stroll := func(x int) func(i int) (image.Point, bool) {
		return func(i int) (image.Point, bool) {
			step := 7 * i % 90
			return image.Pt(x+min(step, 90-step), 100), true
		}
	}
	box := func(x int) func(i int) detect.Box {
		return func(i int) detect.Box {
			at, _ := stroll(x)(i)
			return detect.Box{X0: float32(at.X), Y0: float32(at.Y), X1: float32(at.X + 24), Y1: float32(at.Y + 60)}
		}
	}
	const found, missed = 100, 140
	script := make([][]detect.Detection, n)
	for i := range script {
		script[i] = []detect.Detection{{Class: detect.Person, Score: 0.9, Box: box(found)(i)}}
	}
	h, d := playYard(t, pipeline.RecordingConfig{Detectors: []detect.Detector{detecttest.New(everything, detecttest.Script(script...))}},
		func() *yard { return &yard{frames: n, path: stroll(found), other: stroll(missed)} }, box(missed))
	if d.Camera != pipeline.FixedCamera {
		t.Fatalf("%v camera", d.Camera)
	}
	for i := 5; i < n; i++ {
		if h.walker[i] < 0.9 {
			t.Errorf("picture %d: %.2f of who is missed hidden", i, h.walker[i])
		}
	}
}

// struckOut takes out the first track of a recording, as a later run does, and returns what
// is hidden then.
func struckOut(t *testing.T, r *pipeline.Recording, film func() pipeline.Source, at func(i int) detect.Box) *hiddenOf {
	t.Helper()
	first, err := r.Inspect(t.Context(), film(), testInput)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	path := filepath.Join(t.TempDir(), "e.jsonl")
	if err := first.Save(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := pipeline.LoadEvidence(strings.NewReader(string(text)+`{"strike":[1]}`), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	d, err := r.Decide(ev)
	if err != nil || d.Camera != pipeline.FixedCamera || len(d.Struck) != 1 {
		t.Fatalf("%v, %v camera, struck %v", err, d.Camera, d.Struck)
	}
	h := &hiddenOf{at: at}
	if err := r.Redact(t.Context(), film(), d, h); err != nil {
		t.Fatal(err)
	}
	return h
}

// TestRecordingShown: somebody who walks and whom a reviewer has taken out is shown, all the
// way, though their motion is no track's any more; somebody else who walks is hidden all
// the same.
func TestRecordingShown(t *testing.T) {
	race.SkipPixels(t)
	walk := func(i int) (image.Point, bool) { return image.Pt(-24+(i-20)*8, 120), i >= 20 && i < 63 }
	box := func(i int) detect.Box {
		at, _ := walk(i)
		return detect.Box{X0: float32(at.X), Y0: float32(at.Y), X1: float32(at.X + 24), Y1: float32(at.Y + 60)}
	}
	const n = 100
	film := func() pipeline.Source { return &yard{frames: n, path: walk} }
	for name, at := range map[string]func(i int) detect.Box{
		"the walker": box, "somebody else": func(int) detect.Box { return detect.Box{X0: 100, Y0: 10, X1: 130, Y1: 80} },
	} {
		script := make([][]detect.Detection, n)
		for i := 23; i < 60; i++ {
			script[i] = []detect.Detection{{Class: detect.Person, Score: 0.9, Box: at(i)}}
		}
		c := pipeline.RecordingConfig{Policy: policy(t, `{"version":1,"outside":{"hide":"detected","fill":"solid"}}`),
			Detectors: []detect.Detector{detecttest.New(everything, detecttest.Script(script...))}}
		r, err := pipeline.NewRecording(c)
		if err != nil {
			t.Fatal(err)
		}
		h := struckOut(t, r, film, box)
		for i := 25; i < 57; i++ {
			if hidden := h.walker[i]; name == "the walker" && hidden > 0.1 || name != "the walker" && hidden < 0.9 {
				t.Errorf("%s taken out: picture %d: %.2f of the walker hidden", name, i, hidden)
			}
		}
	}
}

// TestRecordingCameraReturns: a camera that is moved and put back, more than once, is
// hidden as long as it is away.
func TestRecordingCameraReturns(t *testing.T) {
	race.SkipPixels(t)
	blind := func() []detect.Detector { return []detect.Detector{detecttest.New(everything, detecttest.Find())} }
	twice := func(i int) int {
		if i >= 60 && i < 100 || i >= 180 && i < 220 {
			return 40
		}
		return 0
	}
	h, d := playYard(t, pipeline.RecordingConfig{Detectors: blind(), Camera: pipeline.FixedCamera},
		func() *yard { return &yard{frames: 300, shift: twice} }, func(int) detect.Box { return detect.Box{X1: 1, Y1: 1} })
	if len(d.Elsewhere) != 2 {
		t.Errorf("elsewhere %v", d.Elsewhere)
	}
	for i := range 300 {
		away := twice(i) != 0
		if away && h.whole[i] != 1 || (i < 40 || i > 150 && i < 165 || i > 285) && h.whole[i] == 1 {
			t.Errorf("picture %d: %.2f hidden, and the camera is away %t", i, h.whole[i], away)
		}
	}
}

// TestRecordingCameraMoved: the picture of a fixed camera is hidden as a whole from
// before it is moved; a camera that moves all the time is found out.
func TestRecordingCameraMoved(t *testing.T) {
	race.SkipPixels(t)
	blind := func() []detect.Detector { return []detect.Detector{detecttest.New(everything, detecttest.Find())} }
	nowhere := func(int) detect.Box { return detect.Box{X1: 1, Y1: 1} }
	knocked := func(i int) int {
		if i >= 100 {
			return 40
		}
		return 0
	}
	var events []pipeline.Event
	h, d := playYard(t, pipeline.RecordingConfig{Detectors: blind(), OnEvent: func(e pipeline.Event) { events = append(events, e) }},
		func() *yard { return &yard{frames: 200, shift: knocked} }, nowhere)
	if d.Camera != pipeline.FixedCamera || d.MovedAt < 0 || d.MovedAt > 10*time.Second {
		t.Fatalf("%v camera, moved at %v", d.Camera, d.MovedAt)
	}
	for i := range 200 {
		if i >= 100 && h.whole[i] != 1 || i < 40 && h.whole[i] != 0 {
			t.Errorf("picture %d: %.2f hidden", i, h.whole[i])
		}
	}
	if len(events) != 1 || events[0].Kind != pipeline.CameraMoved || events[0].Reason != pipeline.ReasonCameraMoved {
		t.Errorf("events %+v", events)
	}
	pans := func(i int) int { return 2 * i }
	h, d = playYard(t, pipeline.RecordingConfig{Detectors: blind()}, func() *yard { return &yard{frames: 80, shift: pans} }, nowhere)
	if d.Camera != pipeline.MovingCamera || h.whole[70] != 0 {
		t.Errorf("%v camera, %.2f hidden", d.Camera, h.whole[70])
	}
	// The owner knows better.
	_, d = playYard(t, pipeline.RecordingConfig{Detectors: blind(), Camera: pipeline.MovingCamera}, func() *yard { return &yard{frames: 200, shift: knocked} }, nowhere)
	if d.Camera != pipeline.MovingCamera || d.MovedAt >= 0 {
		t.Errorf("told that it moves: %v, %v", d.Camera, d.MovedAt)
	}
}

// TestRecordingCameraMovedAnyPolicy: a moved camera is noticed though the policy asks for
// nothing to be found, and though the knock is small.
func TestRecordingCameraMovedAnyPolicy(t *testing.T) {
	race.SkipPixels(t)
	for _, by := range []int{6, 40} {
		knocked := func(i int) int {
			if i >= 100 {
				return by
			}
			return 0
		}
		c := pipeline.RecordingConfig{Policy: policy(t, hideAll)}
		h, d := playYard(t, c, func() *yard { return &yard{frames: 200, shift: knocked} }, func(int) detect.Box { return detect.Box{X1: 1, Y1: 1} })
		if d.MovedAt < 0 {
			t.Errorf("by %d pixels: nobody noticed", by)
		}
		for i := range 200 {
			if i >= 100 && h.whole[i] != 1 || i < 40 && h.whole[i] == 1 {
				t.Errorf("by %d pixels: picture %d: %.2f hidden", by, i, h.whole[i])
			}
		}
	}
}

// TestRecordingFilledAfterMove: somebody who fills the picture explains why the place is not
// seen, and nothing once the camera shows another one.
func TestRecordingFilledAfterMove(t *testing.T) {
	race.SkipPixels(t)
	const n = 240
	knocked := func(i int) int {
		if i >= 100 {
			return 40
		}
		return 0
	}
	script := make([][]detect.Detection, n)
	for i := 150; i < 190; i++ {
		script[i] = []detect.Detection{{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 40, Y0: 10, X1: 300, Y1: 240}}}
	}
	c := pipeline.RecordingConfig{Camera: pipeline.FixedCamera, Detectors: []detect.Detector{detecttest.New(everything, detecttest.Script(script...))}}
	h, _ := playYard(t, c, func() *yard { return &yard{frames: n, shift: knocked} }, func(int) detect.Box { return detect.Box{X1: 1, Y1: 1} })
	for i := 100; i < n; i++ {
		if h.whole[i] != 1 {
			t.Errorf("picture %d: %.2f hidden", i, h.whole[i])
		}
	}
}
