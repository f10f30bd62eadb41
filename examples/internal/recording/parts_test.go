package recording_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/inferences"
	"github.com/hedgecam/hedge/examples/internal/recording"
	"github.com/hedgecam/hedge/models"
	"github.com/hedgecam/hedge/redact"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small is a detector with a small input, so that it is asked about regions too. What it
// finds is a function of the picture.
type small struct{ *detecttest.Fake }

func (small) InputSize(size image.Point) image.Point {
	if size.X > 64 {
		return image.Pt(64, size.Y*64/size.X)
	}
	return size
}

// worker is a set of networks as a machine of its own would have it.
func worker() *networks.Set {
	d := small{detecttest.New(detect.Classes(detect.Person), func(_ context.Context, _ int, p *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		sum := sha256.Sum256(p.Y)
		x := float32(sum[0]%3) * 16
		return append(dst, detect.Detection{Class: detect.Person, Score: float32(20+sum[1]%70) / 100, Box: detect.Box{X0: x, Y0: 4, X1: x + 8.5, Y1: 20}}), nil
	})}
	return &networks.Set{Detectors: []detect.Detector{d}, Models: []models.Model{{Name: "small", SHA256: "00", Classes: []models.Class{{Class: detect.Person}}}}}
}

// drawn makes a recording of 22 seconds.
func drawn(t *testing.T, dir string) string {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	clip := filepath.Join(dir, "clip.mp4")
	out, err := exec.Command("ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=s=128x96:r=5:d=22",
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "12", "file:"+clip).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return clip
}

// TestInspectKnown: the evidence that is made with what was found in parts is that of one
// worker, byte for byte, and no network is asked again; a part that is missing, garbled or
// of another program costs time only.
func TestInspectKnown(t *testing.T) {
	dir := t.TempDir()
	clip := drawn(t, dir)
	const length, parts = 8 * time.Second, 4 // of which the last has no pictures
	policy, err := redact.ParsePolicy([]byte(`{"version":1,"outside":{"hide":"detected","fill":"solid"}}`))
	if err != nil {
		t.Fatal(err)
	}
	pass := func(sets ...*networks.Set) recording.Pass {
		return recording.Pass{Path: clip, Options: recording.Options{Policy: policy, Networks: sets, Part: length}}
	}
	read := func(path string) []byte {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	one := filepath.Join(dir, "one.jsonl")
	if err := recording.Inspect(t.Context(), pass(worker(), worker()), one); err != nil {
		t.Fatal(err)
	}
	files := make([][]byte, parts)
	for n := range parts {
		to := filepath.Join(dir, fmt.Sprint(n))
		if err := recording.Look(t.Context(), pass(worker()), "program 1", n, to); err != nil {
			t.Fatalf("part %d: %v", n, err)
		}
		files[n] = read(to)
	}
	garbled := bytes.Clone(files[1])
	garbled[len(garbled)/2]++
	for name, c := range map[string]struct {
		key         string
		files       [][]byte
		asked, told bool
	}{
		"all":                {"program 1", files, false, false},
		"one missing":        {"program 1", [][]byte{files[0], nil, files[2]}, true, false},
		"one garbled":        {"program 1", [][]byte{files[0], garbled, files[2]}, true, true},
		"of another program": {"program 2", files, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			told, counts := 0, &inferences.Counts{}
			known := recording.Known{Counts: counts, Told: func(int, error) { told++ },
				Open: func(_ context.Context, n int) (io.ReadCloser, error) {
					if n >= len(c.files) || c.files[n] == nil {
						return nil, nil
					}
					return io.NopCloser(bytes.NewReader(c.files[n])), nil
				}}
			to := filepath.Join(t.TempDir(), "e.jsonl")
			if err := recording.InspectKnown(t.Context(), pass(worker()), c.key, known, to); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(read(to), read(one)) {
				t.Error("the evidence is not that of one worker")
			}
			t.Logf("%d inferences known, %d asked", counts.Known.Load(), counts.Asked.Load())
			if asked := counts.Asked.Load() > 0; asked != c.asked || (told > 0) != c.told || counts.Known.Load() == 0 && c.key == "program 1" {
				t.Errorf("%d inferences known, %d asked, %d files refused", counts.Known.Load(), counts.Asked.Load(), told)
			}
		})
	}
}
