package pipeline_test

import (
	"context"
	"errors"
	"image"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/internal/race"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

const showPlace = `{"version":1,"outside":{"hide":"detected"},"found":{"fill":"background"}}`

// emptyYard compares what goes out with the yard as it is when nobody is there.
type emptyYard struct {
	empty *image.YCbCr
	wrong []int // samples of luma that differ by more than 2, by picture
	whole int   // pictures hidden as a whole
}

func (e *emptyYard) Write(_ context.Context, f redact.Frame) error {
	n := 0
	pic := f.Picture()
	for y := range pic.Rect.Dy() {
		for x := range pic.Rect.Dx() {
			if d := int(pic.Y[y*pic.YStride+x]) - int(e.empty.Y[y*e.empty.YStride+x]); d < -2 || d > 2 {
				n++
			}
		}
	}
	e.wrong = append(e.wrong, n)
	if f.Hidden() {
		e.whole++
	}
	return nil
}

func newEmptyYard(t *testing.T) *emptyYard {
	t.Helper()
	var b pipeline.Buffer
	if err := (&yard{frames: 1}).Read(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return &emptyYard{empty: b.Resize(320, 240)}
}

// TestRecordingShowsThePlace: somebody who is there from the first picture on and
// walks away leaves the empty yard in every picture, the first one too, now and in a
// later run without a network; who stands all the time is continued, not shown.
func TestRecordingShowsThePlace(t *testing.T) {
	race.SkipPixels(t)
	const n = 120
	at := func(i int) (image.Point, bool) { return image.Pt(60+4*i, 120), 60+4*i < 320 }
	script := make([][]detect.Detection, n)
	for i := range script {
		if p, ok := at(i); ok {
			script[i] = []detect.Detection{{Class: detect.Person, Score: 0.9, Box: detect.Box{
				X0: float32(p.X), Y0: float32(p.Y), X1: float32(min(p.X+24, 320)), Y1: float32(p.Y + 60)}}}
		}
	}
	source := func() pipeline.Source { return &yard{frames: n, path: at} }
	c := pipeline.RecordingConfig{Policy: policy(t, showPlace), Length: n * 100 * time.Millisecond,
		Detectors: []detect.Detector{detecttest.New(everything, detecttest.Script(script...))}}
	r, err := pipeline.NewRecording(c)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := r.Inspect(t.Context(), source(), testInput)
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	check := func(name string, r *pipeline.Recording, ev *pipeline.Evidence) {
		t.Helper()
		d, err := r.Decide(ev)
		if err != nil {
			t.Fatal(err)
		}
		if d.BackgroundKnown() < 0.99 {
			t.Errorf("%s: %.3f of the place is known", name, d.BackgroundKnown())
		}
		sink := newEmptyYard(t)
		if err := r.Redact(t.Context(), source(), d, sink); err != nil {
			t.Fatal(err)
		}
		for i, wrong := range sink.wrong {
			if wrong != 0 {
				t.Errorf("%s: picture %d: %d samples are not the empty yard's", name, i, wrong)
			}
		}
	}
	check("first run", r, ev)

	path := filepath.Join(t.TempDir(), "e.jsonl")
	if err := ev.Save(path); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	again, err := pipeline.LoadEvidence(f, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	c.Detectors = nil
	later, err := pipeline.NewRecording(c)
	if err != nil {
		t.Fatal(err)
	}
	if !later.NeedsBackground(again) || r.NeedsBackground(ev) {
		t.Error("only evidence of an earlier run needs the pictures again")
	}
	if err := later.LearnBackground(t.Context(), source(), again); err != nil {
		t.Fatal(err)
	}
	check("later run", later, again)
}

// TestRecordingNeverEmpty: of somebody who never leaves nothing is shown, and the
// report can tell how much of the place was never seen.
func TestRecordingNeverEmpty(t *testing.T) {
	const n = 80
	at := func(int) (image.Point, bool) { return image.Pt(100, 100), true }
	person := detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 100, Y0: 100, X1: 124, Y1: 160}}
	r, err := pipeline.NewRecording(pipeline.RecordingConfig{Policy: policy(t, showPlace), Length: 8 * time.Second,
		Detectors: []detect.Detector{detecttest.New(everything, detecttest.Find(person))}})
	if err != nil {
		t.Fatal(err)
	}
	ev, err := r.Inspect(t.Context(), &yard{frames: n, path: at}, testInput)
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	d, err := r.Decide(ev)
	if err != nil {
		t.Fatal(err)
	}
	if k := d.BackgroundKnown(); k < 0.8 || k > 0.99 {
		t.Errorf("%.3f of the place is known", k)
	}
	sink := &stripes{}
	if err := r.Redact(t.Context(), &yard{frames: n, path: at}, d, sink); err != nil {
		t.Fatal(err)
	}
	if len(sink.contrast) != n {
		t.Fatalf("%d pictures", len(sink.contrast))
	}
	if k := r.Stats().PlateKnown; k != d.BackgroundKnown() {
		t.Errorf("the stats have %.3f of the place known, the decision %.3f", k, d.BackgroundKnown())
	}
	for i, c := range sink.contrast {
		if c > 20 {
			t.Errorf("picture %d: stripes of %d levels are left of the person", i, c)
		}
	}
}

// stripes is a sink that measures the contrast of the walker's stripes at 100,100.
type stripes struct{ contrast []int }

func (s *stripes) Write(_ context.Context, f redact.Frame) error {
	pic, most := f.Picture(), 0
	for y := 104; y < 156; y++ {
		for x := 103; x < 115; x++ {
			d := int(pic.Y[y*pic.YStride+x]) - int(pic.Y[y*pic.YStride+x+6])
			most = max(most, d, -d)
		}
	}
	s.contrast = append(s.contrast, most)
	return nil
}

// TestPlaceCutOff: a recording that is shorter when the place is looked for again.
func TestPlaceCutOff(t *testing.T) {
	r, err := pipeline.NewRecording(pipeline.RecordingConfig{Policy: policy(t, showPlace),
		Detectors: []detect.Detector{detecttest.New(everything, detecttest.Find())}})
	if err != nil {
		t.Fatal(err)
	}
	ev, err := r.Inspect(t.Context(), &yard{frames: 20}, testInput)
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	if err := r.LearnBackground(t.Context(), &yard{frames: 10}, ev); !errors.Is(err, pipeline.ErrCutOff) {
		t.Errorf("%v", err)
	}
}
