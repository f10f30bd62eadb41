package pipeline_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"image"
	"io"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
)

// asked counts the pictures that detectors were asked about.
type asked struct {
	mu    sync.Mutex
	n     map[[sha256.Size]byte]int
	sizes map[image.Point]int
}

func newAsked() *asked {
	return &asked{n: map[[sha256.Size]byte]int{}, sizes: map[image.Point]int{}}
}

// half is a detector whose input is half of the yard's size, so that parts of it show more.
// What it finds is a function of the picture: one or two finds, of which some are uncertain.
type half struct {
	*detecttest.Fake
}

func (half) InputSize(size image.Point) image.Point {
	if size.X > 160 {
		return image.Pt(160, size.Y*160/size.X)
	}
	return size
}

func newHalf(a *asked) detect.Detector {
	return half{detecttest.New(everything, func(_ context.Context, _ int, p *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		sum := sha256.Sum256(append(bytes.Clone(p.Y), byte(p.Rect.Dx()), byte(p.Rect.Dy())))
		a.mu.Lock()
		a.n[sum]++
		a.sizes[p.Rect.Size()]++
		a.mu.Unlock()
		for i := range 1 + sum[0]%2 {
			// In few places, so that it is found there again.
			x, y := float32(p.Rect.Dx())/4*float32(sum[1+i]%2), float32(p.Rect.Dy())/2*float32(sum[3+i]%2)
			dst = append(dst, detect.Detection{Class: detect.Person, Score: float32(10+sum[5+i]%80) / 100,
				Box: detect.Box{X0: x, Y0: y, X1: x + float32(p.Rect.Dx())/8, Y1: y + float32(p.Rect.Dy())/4}})
		}
		return dst, nil
	})}
}

// busyYard is a yard through which somebody walks to and fro, at 10 pictures a second. A
// gap has no pictures.
func busyYard(frames int, gap [2]int) pipeline.Source {
	y := &yard{frames: frames, path: func(i int) (image.Point, bool) { return image.Pt(40+i*7%230, 60+i%40), i%30 < 20 }}
	return pipeline.SourceFunc(func(ctx context.Context, b *pipeline.Buffer) error {
		for {
			err := y.Read(ctx, b)
			if i := int(b.Time / (100 * time.Millisecond)); err != nil || i < gap[0] || i >= gap[1] {
				return err
			}
		}
	})
}

// partly is a configuration whose recordings have parts of 2 seconds.
func partly(t *testing.T, c pipeline.RecordingConfig, a *asked, copies int) *pipeline.Recording {
	t.Helper()
	c.Policy, c.Part, c.Detectors = policy(t, hideFound), 2*time.Second, []detect.Detector{newHalf(a)}
	for range copies {
		c.Copies = append(c.Copies, []detect.Detector{newHalf(a)})
	}
	r, err := pipeline.NewRecording(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func evidenceOf(t *testing.T, r *pipeline.Recording, src pipeline.Source) string {
	t.Helper()
	ev, err := r.Inspect(t.Context(), src, testInput)
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
	return string(text)
}

// from is what a decoder gives that begins in the middle.
func from(src pipeline.Source, at time.Duration) pipeline.Source {
	return pipeline.SourceFunc(func(ctx context.Context, b *pipeline.Buffer) error {
		for {
			if err := src.Read(ctx, b); err != nil || b.Time >= at {
				return err
			}
		}
	})
}

// TestPartsAgainstWhole: who looks at the parts of a recording one by one asks the
// detectors just what who looks at the whole asks them.
func TestPartsAgainstWhole(t *testing.T) {
	const frames = 110 // five parts and a half
	for name, c := range map[string]struct {
		config pipeline.RecordingConfig
		gap    [2]int
		copies int
	}{
		"as it is":       {pipeline.RecordingConfig{Regions: 1}, [2]int{}, 0},
		"many regions":   {pipeline.RecordingConfig{Regions: 3}, [2]int{}, 1},
		"every third":    {pipeline.RecordingConfig{Regions: 1, Every: 3}, [2]int{}, 0},
		"a moving one":   {pipeline.RecordingConfig{Regions: 1, Camera: pipeline.MovingCamera}, [2]int{}, 0},
		"a part missing": {pipeline.RecordingConfig{Regions: 1}, [2]int{35, 62}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := newAsked()
			evidenceOf(t, partly(t, c.config, whole, c.copies), busyYard(frames, c.gap))
			if len(whole.sizes) < 2 {
				t.Fatalf("it asked about whole pictures only: %v", whole.sizes)
			}
			parts := newAsked()
			for n := range frames/20 + 2 { // the last one has no pictures
				r := partly(t, c.config, parts, 1-c.copies)
				span := r.Part(n)
				if err := r.Look(t.Context(), from(busyYard(frames, c.gap), span.From-time.Duration(n%3)*time.Second), n); err != nil {
					t.Fatal(err)
				}
			}
			if !maps.Equal(whole.n, parts.n) {
				same := 0
				for k, n := range whole.n {
					same += min(n, parts.n[k])
				}
				t.Errorf("of %v inferences of the whole the parts have %d, and %v in all", whole.sizes, same, parts.sizes)
			}
		})
	}
}

// TestSameEvidenceWithCopies: the evidence does not depend on how many sets of detectors a
// machine has.
func TestSameEvidenceWithCopies(t *testing.T) {
	want := evidenceOf(t, partly(t, pipeline.RecordingConfig{Regions: 3}, newAsked(), 0), busyYard(50, [2]int{}))
	for _, copies := range []int{1, 4} {
		if got := evidenceOf(t, partly(t, pipeline.RecordingConfig{Regions: 3}, newAsked(), copies), busyYard(50, [2]int{})); got != want {
			t.Errorf("with %d copies the evidence is another", copies)
		}
	}
}

// TestLookFails: a part fails as a whole does.
func TestLookFails(t *testing.T) {
	r := partly(t, pipeline.RecordingConfig{}, newAsked(), 0)
	if err := r.Look(t.Context(), &camera{frames: 20, fault: func(_ context.Context, n int) error { return faultAt(n, 5) }}, 0); err == nil {
		t.Error("a source that fails in the part is no error")
	}
	if err := r.Look(t.Context(), &camera{frames: 200, at: func(n int) time.Duration { return time.Duration(n) * 100 * time.Millisecond },
		fault: func(_ context.Context, n int) error { return faultAt(n, 100) }}, 0); err != nil {
		t.Errorf("it reads far behind the part: %v", err)
	}
	if err := r.Look(t.Context(), pipeline.SourceFunc(func(context.Context, *pipeline.Buffer) error { return io.EOF }), 3); err != nil {
		t.Errorf("without pictures: %v", err)
	}
}
