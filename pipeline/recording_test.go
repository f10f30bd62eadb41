package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/detect/track"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/evidence"
	"github.com/hedgecam/hedge/redact"
)

var testInput = evidence.Input{Bytes: 1, Sample: "00"}

// newRecording is a recording of a moving camera: noise pictures are all motion.
func newRecording(t testing.TB, c pipeline.RecordingConfig) *pipeline.Recording {
	t.Helper()
	if c.Camera == pipeline.AnyCamera {
		c.Camera = pipeline.MovingCamera
	}
	adjust := c.Track
	c.Track = func(l *track.LinkerConfig) {
		if adjust != nil {
			adjust(l)
		}
		for i := range l.Class {
			l.Class[i].Margin = 0
		}
	}
	r, err := pipeline.NewRecording(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// bothPasses runs a recording of the pictures of a source that is made anew for each
// pass.
func bothPasses(t *testing.T, r *pipeline.Recording, source func() pipeline.Source) []shot {
	t.Helper()
	ev, err := r.Inspect(t.Context(), source(), testInput)
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	return secondPass(t, r, ev, source())
}

func secondPass(t *testing.T, r *pipeline.Recording, ev *pipeline.Evidence, src pipeline.Source) []shot {
	t.Helper()
	d, err := r.Decide(ev)
	if err != nil {
		t.Fatal(err)
	}
	sink := &album{t: t}
	if err := r.Redact(t.Context(), src, d, sink); err != nil {
		t.Fatal(err)
	}
	if sink.finished != 1 {
		t.Errorf("finished %d times", sink.finished)
	}
	return sink.seen()
}

func noise(n int) func() pipeline.Source {
	return func() pipeline.Source { return &camera{frames: n} }
}

// someone is a person whose middle is in the block of row 3 and column 7, outside of
// the property.
var someone = detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 50, Y0: 10, X1: 62, Y1: 40}}

// timeAlone ends tracks by time alone: whether a picture of noise looks as if the camera
// moved is chance.
func timeAlone(c *track.LinkerConfig) { c.Misses = 0 }

func hidesSomeone(s shot) bool { return !s.shown[3][7] }

// seenIn finds someone in the pictures from first to last.
func seenIn(n, first, last int) detect.Detector {
	script := make([][]detect.Detection, n)
	for i := first; i <= last; i++ {
		script[i] = []detect.Detection{someone}
	}
	return detecttest.New(everything, detecttest.Script(script...))
}

// TestRecordingWholeTracks: every picture comes out once, in order, and who is seen
// late, lost early and missed for a second is hidden all the time.
func TestRecordingWholeTracks(t *testing.T) {
	const n = 90
	script := make([][]detect.Detection, n)
	for i := 6; i < 80; i++ {
		if i < 30 || i >= 55 {
			script[i] = []detect.Detection{someone}
		}
	}
	for _, copies := range []int{0, 2} {
		c := pipeline.RecordingConfig{Policy: policy(t, hideFound), Track: timeAlone}
		// Each detector answers by the picture's content, so that copies agree.
		c.Detectors = []detect.Detector{byPicture(script)}
		for range copies {
			c.Copies = append(c.Copies, []detect.Detector{byPicture(script)})
		}
		shots := bothPasses(t, newRecording(t, c), noise(n))
		if len(shots) != n {
			t.Fatalf("%d copies: %d pictures", copies, len(shots))
		}
		for i, s := range shots {
			if s.n != i || !hidesSomeone(s) {
				t.Errorf("%d copies: picture %d came out as %d, hidden %t", copies, s.n, i, hidesSomeone(s))
			}
			if !s.shown[0][15] {
				t.Errorf("%d copies: picture %d: scenery far from the person is hidden", copies, i)
			}
		}
	}
}

// byPicture finds what a script says of a noise picture, told by its first samples.
func byPicture(script [][]detect.Detection) detect.Detector {
	known := map[[16]byte]int{}
	pic := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	for i := range script {
		raw(pic, i)
		known[[16]byte(pic.Y[:16])] = i
	}
	return detecttest.New(everything, func(_ context.Context, _ int, p *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		i, ok := known[[16]byte(p.Y[:16])]
		if !ok {
			return dst, errors.New("a picture that is not of the recording")
		}
		return append(dst, script[i]...), nil
	})
}

// TestRecordingFails: where a detector fails in the first pass, everything outside is
// hidden in the second, from the last good look before to the next one after.
func TestRecordingFails(t *testing.T) {
	good := detecttest.Find()
	for name, fault := range faults {
		for _, every := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/every %d", name, every), func(t *testing.T) {
				t.Parallel()
				from, to := 3, 3
				if every == 3 {
					// The looks are at 0, 3, 6, 9 and 12; that at 9 fails.
					from, to = 7, 11
				}
				synctest.Test(t, func(t *testing.T) {
					d := detecttest.New(everything, detecttest.Steps([]detecttest.Func{good, good, good, fault, good}...))
					r := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound), Every: every, Detectors: []detect.Detector{d}})
					for i, s := range bothPasses(t, r, noise(15)) {
						if hidden := s.outsideShown() == 0; hidden != (i >= from && i <= to) {
							t.Errorf("picture %d: hidden outside %t", i, hidden)
						}
						if s.insideShown() == 0 {
							t.Errorf("picture %d: the property is hidden", i)
						}
					}
					if st := r.Stats(); st.Detectors[0].Failures != 1 || st.FramesFailedClosed != uint64(to-from+1) {
						t.Errorf("stats %+v", st)
					}
				})
			})
		}
	}
}

// TestRecordingStops: a detector that fails all the time ends the first pass with an
// error that names it; so does one that never returns.
func TestRecordingStops(t *testing.T) {
	for name, f := range map[string]detecttest.Func{
		"fails": detecttest.Fail(errFake),
		"hangs": detecttest.Hang(),
	} {
		r := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound), MaxFailures: 3, Timeout: patience("hang"),
			Detectors: []detect.Detector{detecttest.New(everything, f)}})
		_, err := r.Inspect(t.Context(), &camera{frames: 50}, testInput)
		var stage *pipeline.StageError
		if !errors.As(err, &stage) || stage.Stage != detecttest.New(everything, f).Name() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRecordingEvidence: a later run without a network hides the same; tracks struck
// out are shown, and tracks added by hand are hidden.
func TestRecordingEvidence(t *testing.T) {
	const n = 40
	first := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound), Detectors: []detect.Detector{seenIn(n, 0, n-1)}})
	ev, err := first.Inspect(t.Context(), &camera{frames: n}, testInput)
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	path := filepath.Join(t.TempDir(), "e.jsonl")
	if err := ev.Save(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	was := secondPass(t, first, ev, &camera{frames: n})
	for name, c := range map[string]struct {
		edit    string
		hidden  bool // someone is hidden
		added   bool // the block in row 1 and column 1 is hidden in pictures 10 to 20
		strikes int
	}{
		"as it is":     {"", true, false, 0},
		"struck out":   {`{"strike":[1]}`, false, false, 1},
		"no such":      {`{"strike":[99]}`, true, false, 0},
		"no such time": {`{"times":{"track":99,"from":0,"to":1}}`, true, false, 0},
		"restored":     {"{\"strike\":[1]}\n{\"restore\":[1]}", true, false, 0},
		"at no time":   {`{"times":{"track":1,"from":100,"to":200}}`, false, false, 0},
		"added":        {`{"add":{"class":"person","boxes":[[0.4,8,8,15,15],[0.8,8,8,15,15]]}}`, true, true, 0},
		"another each": {"{\"strike\":[1]}\n{\"add\":{\"class\":\"face\",\"boxes\":[[0.4,8,8,15,15],[0.8,8,8,15,15]]}}", false, true, 1},
	} {
		later := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound)})
		ev, err := pipeline.LoadEvidence(io.MultiReader(bytes.NewReader(text), strings.NewReader(c.edit)), "", 0)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		d, err := later.Decide(ev)
		if err != nil || len(d.Struck) != c.strikes || strings.HasPrefix(name, "no such") != (len(d.Unknown) == 1) {
			t.Errorf("%s: %v, struck %v, unknown %v", name, err, d.Struck, d.Unknown)
		}
		for i, s := range secondPass(t, later, ev, &camera{frames: n}) {
			if hidesSomeone(s) != c.hidden {
				t.Errorf("%s: picture %d: someone hidden %t", name, i, hidesSomeone(s))
			}
			if got := !s.shown[1][1]; got != (c.added && i >= 10 && i <= 20) {
				t.Errorf("%s: picture %d: what was added is hidden %t", name, i, got)
			}
			if c.edit == "" && fmt.Sprint(s) != fmt.Sprint(was[i]) {
				t.Errorf("%s: picture %d is not as it was with the network", name, i)
			}
		}
		if err := ev.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestRecordingReviewed: a track is hidden at the times that a reviewer says, before and
// after it was seen too, and everything outside is, if a reviewer says so.
func TestRecordingReviewed(t *testing.T) {
	const n = 40
	first := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound), Detectors: []detect.Detector{seenIn(n, 10, 20)}})
	ev, err := first.Inspect(t.Context(), &camera{frames: n}, testInput)
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	path := filepath.Join(t.TempDir(), "e.jsonl")
	if err := ev.Save(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	review := func(edit string) []shot {
		t.Helper()
		later := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound)})
		ev, err := pipeline.LoadEvidence(io.MultiReader(bytes.NewReader(text), strings.NewReader(edit)), "", 0)
		if err != nil {
			t.Fatal(err)
		}
		defer ev.Close()
		return secondPass(t, later, ev, &camera{frames: n})
	}
	for i, s := range review(`{"times":{"track":1,"from":0.48,"to":1.4}}`) { // 25 pictures a second
		if want := i >= 12 && i <= 35; hidesSomeone(s) != want {
			t.Errorf("other times: picture %d: someone hidden %t", i, !want)
		}
	}
	for i, s := range review(`{"outside":"all"}`) {
		if s.outsideShown() > 0 || s.insideShown() == 0 {
			t.Errorf("everything outside: picture %d: %d blocks of the outside are shown, %d of the property", i, s.outsideShown(), s.insideShown())
		}
	}
}

// TestRecordingSpills: evidence that does not fit into memory decides the same, and
// leaves nothing.
func TestRecordingSpills(t *testing.T) {
	dir := t.TempDir()
	r := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound), Detectors: []detect.Detector{seenIn(60, 5, 50)}, Track: timeAlone, Spill: dir, Memory: 500})
	for i, s := range bothPasses(t, r, noise(60)) {
		if !hidesSomeone(s) {
			t.Errorf("picture %d: someone is shown", i)
		}
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

// TestRecordingSameEvidence: which parts are looked at, and what is found, does not
// depend on how fast a detector happens to be.
func TestRecordingSameEvidence(t *testing.T) {
	const n = 60
	parts := func(delay time.Duration) string {
		// A doubtful find wherever it looks, so that it looks again.
		doubtful := someone
		doubtful.Score = 0.3
		f := detecttest.Find(doubtful)
		if delay > 0 {
			f = detecttest.Slow(delay, f)
		}
		r := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound), Regions: 3, Detectors: []detect.Detector{detecttest.New(everything, f)}})
		return evidenceOf(t, r, &camera{frames: n})
	}
	fast, slow := parts(0), parts(2*time.Millisecond)
	if fast != slow || !strings.Contains(fast, `"part"`) {
		t.Errorf("a slow detector gives other evidence (%d and %d bytes)", len(fast), len(slow))
	}
}

// TestRecordingChanges: a second pass that reads less is an error, and one that reads
// other pictures hides them as a whole until it gives up. The sink is not finished.
func TestRecordingChanges(t *testing.T) {
	const n = 60
	late := func(i int) time.Duration { return time.Duration(i)*interval + time.Millisecond }
	for name, c := range map[string]struct {
		again *camera
		want  error
	}{
		"cut off":     {&camera{frames: n - 1}, pipeline.ErrCutOff},
		"other times": {&camera{frames: n, at: late}, evidence.ErrChanged},
		"other size":  {&camera{frames: n, size: func(int) image.Point { return image.Pt(64, 48) }}, evidence.ErrChanged},
		"fails":       {&camera{frames: n, fault: func(_ context.Context, i int) error { return faultAt(i, 20) }}, errFake},
	} {
		r := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound), Detectors: []detect.Detector{seenIn(n, 0, n-1)}})
		ev, err := r.Inspect(t.Context(), &camera{frames: n}, testInput)
		if err != nil {
			t.Fatal(err)
		}
		d, err := r.Decide(ev)
		if err != nil {
			t.Fatal(err)
		}
		sink := &counting{}
		if err := r.Redact(t.Context(), c.again, d, sink); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if sink.finished {
			t.Errorf("%s: the output is finished", name)
		}
		if c.again.at != nil && sink.shown != 0 {
			t.Errorf("%s: %d pictures that nobody has looked at are shown", name, sink.shown)
		}
		if err := ev.Close(); err != nil {
			t.Error(err)
		}
	}
}

func faultAt(i, n int) error {
	if i == n {
		return errFake
	}
	return nil
}

// counting counts pictures that are not hidden as a whole.
type counting struct {
	shown    int
	finished bool
	fault    error
}

func (c *counting) Write(_ context.Context, f redact.Frame) error {
	if !f.Hidden() {
		c.shown++
	}
	return c.fault
}
func (c *counting) Finish(context.Context) error { c.finished = true; return nil }

// TestRecordingSinkFails: the sink's own error comes back.
func TestRecordingSinkFails(t *testing.T) {
	r := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound), Detectors: []detect.Detector{seenIn(30, 0, 29)}})
	ev, err := r.Inspect(t.Context(), &camera{frames: 30}, testInput)
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	d, err := r.Decide(ev)
	if err != nil {
		t.Fatal(err)
	}
	sink := &counting{fault: errFake}
	var stage *pipeline.StageError
	if err := r.Redact(t.Context(), &camera{frames: 30}, d, sink); !errors.Is(err, errFake) || !errors.As(err, &stage) || stage.Stage != "sink" || sink.finished {
		t.Errorf("%v, finished %t", err, sink.finished)
	}
}

// TestRecordingCancelled: a context that ends in either pass ends it, and the sink is
// not finished.
func TestRecordingCancelled(t *testing.T) {
	const n = 40
	stopAt := func(cancel func()) *camera {
		return &camera{frames: n, fault: func(_ context.Context, i int) error {
			if i == 20 {
				cancel()
			}
			return nil
		}}
	}
	r := newRecording(t, pipeline.RecordingConfig{Policy: policy(t, hideFound), Detectors: []detect.Detector{seenIn(n, 0, n-1)}})
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := r.Inspect(ctx, stopAt(cancel), testInput); !errors.Is(err, context.Canceled) {
		t.Errorf("first pass: %v", err)
	}
	ev, err := r.Inspect(t.Context(), &camera{frames: n}, testInput)
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	d, err := r.Decide(ev)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	sink := &counting{}
	if err := r.Redact(ctx, stopAt(cancel), d, sink); !errors.Is(err, context.Canceled) || sink.finished {
		t.Errorf("second pass: %v, finished %t", err, sink.finished)
	}
	// Also when it ends during the last picture.
	ctx, cancel = context.WithCancel(t.Context())
	last := &album{t: t, fault: func(_ context.Context, i int) error {
		if i == n-1 {
			cancel()
		}
		return nil
	}}
	if err := r.Redact(ctx, &camera{frames: n}, d, last); !errors.Is(err, context.Canceled) || last.finished > 0 || last.writes != n {
		t.Errorf("last picture: %v, finished %d, %d written", err, last.finished, last.writes)
	}
}

func TestRecordingConfig(t *testing.T) {
	one := detecttest.New(everything, detecttest.Find())
	for name, c := range map[string]pipeline.RecordingConfig{
		"regions":      {Regions: -1},
		"nil detector": {Detectors: []detect.Detector{nil}},
		"copies":       {Detectors: []detect.Detector{one}, Copies: [][]detect.Detector{{}}},
		"networks":     {Detectors: []detect.Detector{one}, Networks: make([]evidence.Network, 2)},
		"every":        {Every: -1},
	} {
		if _, err := pipeline.NewRecording(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
