package pipeline_test

import (
	"context"
	"errors"
	"image"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// guest stands in the lower half of a yard, in front of the street in its upper half.
var guest = detect.Box{X0: 100, Y0: 50, X1: 160, Y1: 200}

// outlines is a segmenter that does as it is told.
type outlines struct {
	do    func(ctx context.Context, call int, s *detect.Silhouette) error
	calls int
}

func (o *outlines) Name() string { return "outlines" }
func (o *outlines) Close() error { return nil }

func (o *outlines) Segment(ctx context.Context, _ *image.YCbCr, box detect.Box, s *detect.Silhouette) error {
	o.calls++
	leftHalf(box, s)
	if o.do == nil {
		return nil
	}
	return o.do(ctx, o.calls-1, s)
}

// leftHalf says that a person is in the left half of their box.
func leftHalf(box detect.Box, s *detect.Silhouette) {
	*s = detect.Silhouette{Region: box.Grow(0.25, 0.25), Columns: 60, Rows: 60, Cells: append(s.Cells[:0], make([]uint8, 3600)...)}
	for y := 10; y < 50; y++ {
		for x := 10; x < 30; x++ {
			s.Cells[y*60+x] = 255
		}
	}
}

// frontage notes how much of two parts of the guest's box is shown in front of the street.
type frontage struct{ left, right []float64 }

func (h *frontage) Write(_ context.Context, f redact.Frame) error {
	part := func(x0, x1 float32) float64 {
		return 1 - f.Mask().HiddenOf(detect.Box{X0: x0, Y0: guest.Y0 + 10, X1: x1, Y1: 118})
	}
	h.left, h.right = append(h.left, part(guest.X0+6, guest.X0+22)), append(h.right, part(guest.X0+36, guest.X1))
	return nil
}

// visit plays a recording of eight pictures of a guest.
func visit(t *testing.T, visitors string, seg detect.Segmenter, timeout time.Duration) (*frontage, pipeline.Stats, error) {
	t.Helper()
	c := pipeline.RecordingConfig{Segmenter: seg, Camera: pipeline.MovingCamera}
	c.Policy = policy(t, `{"version":1,"property":[[[0,0.5],[1,0.5],[1,1],[0,1]]],"outside":{"fill":"solid"},"visitors":"`+visitors+`"}`)
	c.Detectors = []detect.Detector{detecttest.New(everything, detecttest.Find(detect.Detection{Class: detect.Person, Score: 0.9, Box: guest}))}
	r, err := pipeline.NewRecording(c)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := r.Inspect(t.Context(), &yard{frames: 8}, testInput)
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	d, err := r.Decide(ev)
	if err != nil {
		t.Fatal(err)
	}
	// The timeout is for the second pass alone.
	c.Timeout = timeout
	if r, err = pipeline.NewRecording(c); err != nil {
		t.Fatal(err)
	}
	h := &frontage{}
	err = r.Redact(t.Context(), &yard{frames: 8}, d, h)
	return h, r.Stats(), err
}

// shows fails unless what is shown in front of the street is so in each picture.
func (h *frontage) shows(t *testing.T, left, right float64) {
	t.Helper()
	if len(h.left) != 8 {
		t.Fatalf("%d pictures", len(h.left))
	}
	for i := range h.left {
		if h.left[i] != left || h.right[i] != right {
			t.Errorf("picture %d: %.2f of the left and %.2f of the right is shown, want %v and %v", i, h.left[i], h.right[i], left, right)
		}
	}
}

// TestRecordingVisitorSilhouette: of a visitor the silhouette is shown and not the street
// behind them, in each picture with the silhouette of that picture.
func TestRecordingVisitorSilhouette(t *testing.T) {
	seg := &outlines{}
	h, stats, err := visit(t, "silhouette", seg, 0)
	if err != nil {
		t.Fatal(err)
	}
	h.shows(t, 1, 0)
	if seg.calls != 8 || stats.Silhouettes != 8 || stats.SilhouettesFailed != 0 {
		t.Errorf("%d calls, %d silhouettes, %d failed", seg.calls, stats.Silhouettes, stats.SilhouettesFailed)
	}
	seg = &outlines{}
	if h, _, err = visit(t, "feet", seg, 0); err != nil || seg.calls != 0 {
		t.Fatalf("%v, %d calls", err, seg.calls)
	}
	h.shows(t, 1, 1)
	if h, _, err = visit(t, "silhouette", nil, 0); err != nil {
		t.Fatal(err)
	}
	h.shows(t, 0, 0)
}

// TestRecordingSilhouetteFails: a segmenter that errs, panics, is late or gives nonsense
// shows nothing of a visitor in that picture; one that does not return ends the pass.
func TestRecordingSilhouetteFails(t *testing.T) {
	for name, do := range map[string]func(ctx context.Context, call int, s *detect.Silhouette) error{
		"error":    func(context.Context, int, *detect.Silhouette) error { return errors.New("no") },
		"panic":    func(context.Context, int, *detect.Silhouette) error { panic("no") },
		"nonsense": func(_ context.Context, _ int, s *detect.Silhouette) error { s.Cells = s.Cells[:7]; return nil },
		"late":     func(ctx context.Context, _ int, _ *detect.Silhouette) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			timeout := 5 * time.Second
			if name == "late" {
				timeout = time.Millisecond
			}
			seg := &outlines{do: func(ctx context.Context, call int, s *detect.Silhouette) error {
				if call == 3 && name != "late" {
					return nil
				}
				return do(ctx, call, s)
			}}
			h, stats, err := visit(t, "silhouette", seg, timeout)
			if err != nil {
				t.Fatal(err)
			}
			failed := uint64(8)
			if name != "late" {
				failed = 7
				if h.left[3] != 1 {
					t.Errorf("%.2f is shown where it worked", h.left[3])
				}
				h.left[3] = 0
			}
			h.shows(t, 0, 0)
			if stats.SilhouettesFailed != failed {
				t.Errorf("%d failed", stats.SilhouettesFailed)
			}
		})
	}
	release := make(chan struct{})
	defer close(release)
	seg := &outlines{do: func(context.Context, int, *detect.Silhouette) error { <-release; return nil }}
	var stage *pipeline.StageError
	if _, _, err := visit(t, "silhouette", seg, time.Millisecond); !errors.As(err, &stage) || stage.Stage != "outlines" || !strings.Contains(err.Error(), "does not return") {
		t.Errorf("one that does not return: %v", err)
	}
}

// TestRecordingSilhouetteOfTheTallest: of many people the tallest four who are near.
func TestRecordingSilhouetteOfTheTallest(t *testing.T) {
	var found []detect.Detection
	for i := range 6 {
		b := detect.Box{X0: float32(4 + 52*i), Y0: 20, X1: float32(44 + 52*i), Y1: float32(115 + 12*i)}
		found = append(found, detect.Detection{Class: detect.Person, Score: 0.9, Box: b})
	}
	seen := map[int]int{}
	c := pipeline.RecordingConfig{Camera: pipeline.MovingCamera}
	c.Segmenter = boxesOf(func(box detect.Box) { seen[int(box.X0+0.5)]++ })
	c.Policy = policy(t, `{"version":1,"property":[[[0,0.5],[1,0.5],[1,1],[0,1]]],"visitors":"silhouette"}`)
	c.Detectors = []detect.Detector{detecttest.New(everything, detecttest.Find(found...))}
	r, err := pipeline.NewRecording(c)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := r.Inspect(t.Context(), &yard{frames: 4}, testInput)
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	d, err := r.Decide(ev)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Redact(t.Context(), &yard{frames: 4}, d, &frontage{}); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		want := 4
		if i < 2 {
			want = 0 // the first is not near, the second is the fifth
		}
		if got := seen[4+52*i]; got != want {
			t.Errorf("person %d was looked at in %d of 4 pictures, want %d", i, got, want)
		}
	}
}

// boxesOf is a segmenter that tells of the boxes that it is asked for.
type boxesOf func(detect.Box)

func (f boxesOf) Name() string { return "boxes" }
func (f boxesOf) Close() error { return nil }

func (f boxesOf) Segment(_ context.Context, _ *image.YCbCr, box detect.Box, s *detect.Silhouette) error {
	f(box)
	leftHalf(box, s)
	return nil
}

// TestLiveVisitorSilhouette: in Live mode, too, of a visitor the silhouette alone is shown.
func TestLiveVisitorSilhouette(t *testing.T) {
	// The first picture goes out when there are forty: the first silhouette is there.
	const frames = 60
	seg := &outlines{}
	c := pipeline.Config{Mode: pipeline.Live, LookAhead: 4 * time.Second, Cores: 100, Timeout: time.Minute, TimeToLive: time.Minute, Segmenter: seg}
	c.Policy = policy(t, `{"version":1,"property":[[[0,0.5],[1,0.5],[1,1],[0,1]]],"outside":{"fill":"solid"},"visitors":"silhouette"}`)
	c.Detectors = []detect.Detector{detecttest.New(everything, detecttest.Find(detect.Detection{Class: detect.Person, Score: 0.9, Box: guest}))}
	p := newPipeline(t, c)
	pictures := &yard{frames: frames}
	src := pipeline.SourceFunc(func(ctx context.Context, b *pipeline.Buffer) error {
		// A picture comes when those before it were looked at, and the second half of
		// them when there is a silhouette.
		for ctx.Err() == nil {
			s := p.Stats()
			d := s.Detectors[0]
			if int(s.Stages[0].Count) == pictures.n && s.Stages[0].Count == d.Skipped+d.Replaced+d.Inferences && (pictures.n < frames/2 || s.Silhouettes > 0) {
				break
			}
			<-time.After(50 * time.Microsecond)
		}
		return pictures.Read(ctx, b)
	})
	h := &frontage{}
	if err := p.Run(t.Context(), src, h); err != nil {
		t.Fatal(err)
	}
	shown := 0
	for i := range h.left {
		if h.right[i] > 0 {
			t.Errorf("picture %d: %.2f of what is behind the visitor is shown", i, h.right[i])
		}
		if h.left[i] == 1 {
			shown++
		}
	}
	if shown == 0 || p.Stats().SilhouettesFailed > 0 {
		t.Errorf("the visitor is shown in %d of %d pictures, %d silhouettes failed", shown, len(h.left), p.Stats().SilhouettesFailed)
	}
}
