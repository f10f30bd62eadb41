package main

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/internal/ort"
	"github.com/hedgecam/hedge/pipeline"
)

// The shares of the table are those that are hidden, and no tile is hidden twice.
func TestShares(t *testing.T) {
	for _, z := range sizes {
		pic := noise(z.size, 1)
		for _, k := range kinds {
			for _, share := range []float64{0, 0.05, 0.25, 0.5, 1} {
				run, hidden, err := redaction(pic, k, share)
				if err != nil {
					t.Fatal(err)
				}
				if err := run(); err != nil {
					t.Fatal(err)
				}
				// Blocks are whole: tiles of a small picture differ in size.
				if got := hidden(); math.Abs(got-share) > 0.2*share*(1-share)+0.001 {
					t.Errorf("%s, %s: %.3f hidden, want %.2f", z.name, k.name, got, share)
				}
			}
		}
	}
}

// Both preparations do the same work: they give the same tensor, within what
// different rounding and interpolation make of a smooth picture.
func TestPreparationsAgree(t *testing.T) {
	pic := image.NewYCbCr(image.Rectangle{Max: fullHD}, image.YCbCrSubsampleRatio420)
	for i := range pic.Y {
		pic.Y[i] = byte(30 + i%fullHD.X/12 + i/fullHD.X/30)
	}
	for i := range pic.Cb {
		pic.Cb[i], pic.Cr[i] = byte(90+i%(fullHD.X/2)/16), byte(160-i/(fullHD.X/2)/16)
	}
	c, err := newChain(pic, networkInput)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := c.run(); err != nil {
		t.Fatal(err)
	}
	p := newPreparation(fullHD, networkInput, 1)
	if err := p.run(pic); err != nil {
		t.Fatal(err)
	}
	// The bars below the picture are detect/onnx's to fill, once.
	shown := p.small.Rect.Dy() * networkInput.X
	for plane := range 3 {
		at := plane * networkInput.X * networkInput.Y
		for i := range shown {
			if d := math.Abs(float64(c.tensor[at+i] - p.tensors[0][at+i])); d > 6 {
				t.Fatalf("plane %d, pixel %d,%d: %v with OpenCV, %v with ours", plane, i%networkInput.X, i/networkInput.X,
					c.tensor[at+i], p.tensors[0][at+i])
			}
		}
	}
}

// What OpenCV's way is measured on is a picture that is really blurred.
func TestBlurHides(t *testing.T) {
	pic := noise(image.Pt(640, 360), 1)
	b, err := newBlur(pic)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := b.run(); err != nil {
		t.Fatal(err)
	}
	if b.out.Rows() != 540 || b.out.Cols() != 640 {
		t.Fatalf("%dx%d, want planar 4:2:0 of 640x360", b.out.Cols(), b.out.Rows())
	}
	data, err := b.out.DataPtrUint8()
	if err != nil {
		t.Fatal(err)
	}
	low, high := byte(255), byte(0)
	for _, v := range data[:640*360] {
		low, high = min(low, v), max(high, v)
	}
	if high-low > 60 {
		t.Errorf("luma from %d to %d after the blur: not blurred", low, high)
	}
}

type stills struct{ n int }

func (s *stills) Read(_ context.Context, b *pipeline.Buffer) error {
	b.Resize(32, 16)
	b.Time = time.Duration(s.n) * frameStep
	s.n++
	return nil
}

func (s *stills) Close() error { return nil }

func TestCamera(t *testing.T) {
	var called []int
	hook := func(n int) func() { return func() { called = append(called, n) } }
	c := newCamera(&stills{}, 20, map[int]func(){5: hook(5), 20: hook(20)})
	var b pipeline.Buffer
	var err error
	for n := 0; err == nil; n++ {
		err = c.Read(t.Context(), &b)
	}
	if !errors.Is(err, io.EOF) || len(c.came) != 20 {
		t.Fatalf("%v after %d frames, want io.EOF after 20", err, len(c.came))
	}
	if len(called) != 2 || called[0] != 5 || called[1] != 20 {
		t.Errorf("hooks %v, want 5 and 20", called)
	}
	// Frame 7 goes out when number 15 comes; 12 was the last but 8.
	if n, came, ok := c.releaser(3, 7*frameStep); n != 7 || !ok || !came.Equal(c.came[7+lookAhead]) {
		t.Errorf("frame 7: number %d, %v", n, ok)
	}
	if _, _, ok := c.releaser(0, 12*frameStep); ok {
		t.Error("frame 12 was let go by a frame that never came")
	}
}

func TestFlags(t *testing.T) {
	for _, args := range []string{"-seconds 0", "-seconds 4000", "-only copy,nothing", "rest", "-json"} {
		if err := run(t.Context(), strings.Fields(args), io.Discard, io.Discard); err == nil {
			t.Errorf("%s is accepted", args)
		}
	}
}

// Without ONNX Runtime the rest is measured, and the rows say what is missing.
func TestWithoutRuntime(t *testing.T) {
	t.Setenv(ort.Env, filepath.Join(t.TempDir(), "libonnxruntime.so"))
	path := filepath.Join(t.TempDir(), "a.json")
	if err := run(t.Context(), []string{"-seconds", "1", "-only", "live,track", "-json", path}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	got := readResult(t, path)
	if w := got.Rows[goalRate]; w.Value != nil || !strings.Contains(w.Note, ort.Env) {
		t.Errorf("row of the live run: %+v", w)
	}
	if w := got.Rows[goalTrack]; w.Value == nil {
		t.Errorf("row of the tracker: %+v", w)
	}
	if w := got.Rows[goalFull]; w.Note != "not measured: not asked for (-only)" {
		t.Errorf("row that was not asked for: %+v", w)
	}
}

// A whole run, as short as it can be. Rows whose parts need what this machine
// lacks say so; all others have a value.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some 10 s")
	}
	dir := t.TempDir()
	var out, said bytes.Buffer
	args := []string{"-seconds", "1", "-json", filepath.Join(dir, "a.json"), "-md", filepath.Join(dir, "a.md")}
	if err := run(t.Context(), args, &out, &said); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	got := readResult(t, filepath.Join(dir, "a.json"))
	for _, p := range parts {
		failed := strings.Contains(said.String(), "speed: "+p.name+": ") && strings.Contains(strings.Join(got.Notes, "\n"), p.name+" was not measured")
		if failed && p.name != "networks" && p.name != "live" && p.name != "file" {
			t.Errorf("%s was not measured:\n%s", p.name, said.String())
		}
		for _, g := range p.goals {
			// Not measured on a machine too busy for real time.
			if w := got.Rows[g]; !failed && g != goalDetectors && w.Value == nil {
				t.Errorf("%q has no value: %s", w.Name, w.Note)
			}
		}
	}
	if !strings.Contains(out.String(), "## Reach") || !strings.Contains(out.String(), "only shows that everything works") {
		t.Errorf("the report is not complete:\n%s", out.String())
	}
	t.Log(said.String())
}

// What was measured before an interrupt is not lost.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "a.json")
	if err := run(ctx, []string{"-seconds", "1", "-json", path}, io.Discard, io.Discard); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want that of the interrupt", err)
	}
	for _, w := range readResult(t, path).Rows {
		if w.Value != nil || w.Note != "not measured: the run was interrupted" {
			t.Errorf("%s: %+v", w.Name, w)
		}
	}
}
