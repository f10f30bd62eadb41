package onnx

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	native "github.com/hedgecam/hedge/internal/ort"
)

func needsRuntime(t *testing.T) {
	t.Helper()
	if Version() == "" {
		t.Skip("needs ONNX Runtime (HEDGE_ORT_LIB)")
	}
}

// TestShapes: the session's tensors are those of the network at that size, and stay
// where they are.
func TestShapes(t *testing.T) {
	needsRuntime(t)
	s := open(t, Config{Model: tinyModel(), InputSize: image.Pt(96, 64)})
	in := s.Input()
	if in.Name != "input" || len(in.Data) != 3*96*64 || in.Shape[1] != 3 || in.Shape[2] != 64 || in.Shape[3] != 96 {
		t.Errorf("input %q %v with %d values", in.Name, in.Shape, len(in.Data))
	}
	for i := range in.Data {
		in.Data[i] = 255
	}
	outs := s.Outputs()
	if len(outs) != 9 {
		t.Fatalf("%d outputs", len(outs))
	}
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	cells := map[string]int64{"8": 96, "16": 24, "32": 6}
	for _, o := range outs {
		kind, stride, _ := strings.Cut(o.Name, "_")
		n, values := cells[stride], int64(1)
		if kind == "bbox" {
			values = 4
		}
		if len(o.Shape) != 3 || o.Shape[1] != n || o.Shape[2] != values || int64(len(o.Data)) != n*values {
			t.Errorf("%s has shape %v and %d values, want %d of %d", o.Name, o.Shape, len(o.Data), n, values)
		}
		if kind == "cls" && o.Data[len(o.Data)-1] < 0.99 {
			t.Errorf("%s was not filled: %v", o.Name, o.Data)
		}
	}
}

// TestCancelEndsTheRun: a cancelled run says so, and the session goes on working.
func TestCancelEndsTheRun(t *testing.T) {
	needsRuntime(t)
	s := open(t, Config{Model: tinyModel(), InputSize: image.Pt(96, 64)})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	// The watcher sets the flag that every run looks at, before or during it.
	err := s.Run(ctx)
	for err == nil {
		err = s.Run(ctx)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run ends with %v", err)
	}
	if err := s.Run(t.Context()); err != nil {
		t.Errorf("after a cancelled run: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	needsRuntime(t)
	dir, model := t.TempDir(), tinyModel()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	grey := bytes.ReplaceAll(model, []byte{0x08, 3}, []byte{0x08, 4}) // a dimension of 3 in the input's shape
	for name, c := range map[string]struct {
		c    Config
		says string
	}{
		"both":       {Config{Model: model, Path: dir}, "either a path or a model"},
		"neither":    {Config{}, "either a path or a model"},
		"missing":    {Config{Path: filepath.Join(dir, "none.onnx")}, "none.onnx"},
		"folder":     {Config{Path: dir}, "is a directory"},
		"empty":      {Config{Path: file("empty.onnx", nil)}, "empty.onnx"},
		"truncated":  {Config{Path: file("cut.onnx", model[:len(model)/2])}, "cut.onnx"},
		"text":       {Config{Path: file("text.onnx", []byte("hello"))}, "text.onnx"},
		"colours":    {Config{Name: "grey", Model: grey, InputSize: image.Pt(96, 64)}, "grey"},
		"threads":    {Config{Model: model, Threads: -1}, "-1 threads"},
		"empty size": {Config{Model: model, InputSize: image.Pt(96, -64)}, "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			before := native.Live.Load()
			s, err := Open(c.c)
			if err == nil {
				t.Fatal("opened", s.Close())
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q does not say %q", err, c.says)
			}
			if name == "missing" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("error %v is not fs.ErrNotExist", err)
			}
			if native.Live.Load() != before {
				t.Errorf("%d native objects left", native.Live.Load()-before)
			}
		})
	}
}

// TestFixedSize: a model that fixes its input's size takes no other.
func TestFixedSize(t *testing.T) {
	needsRuntime(t)
	fixed := filepath.Join(os.Getenv("HEDGE_MODELS"), "face_detection_yunet_2023mar.onnx")
	if _, err := os.Stat(fixed); err != nil {
		t.Skipf("needs a network of fixed size (HEDGE_MODELS): %v", err)
	}
	if in := open(t, Config{Path: fixed}).Input(); in.Shape[2] != 640 || in.Shape[3] != 640 {
		t.Errorf("a model of fixed size has input %v", in.Shape)
	}
	var me *ModelError
	if _, err := Open(Config{Path: fixed, InputSize: image.Pt(320, 320)}); !errors.As(err, &me) {
		t.Errorf("another size than the model's: %v", err)
	}
}
