package main

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect/onnx"
	"github.com/hedgecam/hedge/internal/ort"
	"github.com/hedgecam/hedge/models"
)

// taken are the operators that rknn-toolkit2 2.1 and later take without a remark that
// would matter here (doc/RKNNToolKit2_OP_Support in airockchip/rknn-toolkit2), of those
// that the networks have.
var taken = []string{"Add", "Concat", "Conv", "MatMul", "MaxPool", "Mul", "Pad", "Relu", "Reshape", "Resize", "Sigmoid"}

func load(t *testing.T, name string) (models.Model, []byte) {
	t.Helper()
	library, err := ort.Library()
	if err != nil {
		t.Skip("needs ONNX Runtime (HEDGE_ORT_LIB): ", err)
	}
	if err := onnx.Load(library); err != nil {
		t.Fatal(err)
	}
	m, err := models.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	weights, err := m.Load(t.Context(), models.Options{Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	return m, weights
}

// TestExport: what is exported finds what the network finds, and has no operator that the
// compilers refuse.
func TestExport(t *testing.T) {
	dir := os.Getenv("HEDGE_DATA")
	for name, size := range map[string]image.Point{"hedge-n": image.Pt(640, 384), "hedge-p": image.Pt(384, 256)} {
		t.Run(name, func(t *testing.T) {
			m, weights := load(t, name)
			heads, err := export(m, weights, size)
			if err != nil {
				t.Fatal(err)
			}
			count, err := operators(heads)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(len(heads), "bytes", count)
			for op := range count {
				if !slices.Contains(taken, op) {
					t.Errorf("%d of the operator %s, which is not among %v", count[op], op, taken)
				}
			}
			if dir == "" {
				t.Skip("the boxes need the development pictures (HEDGE_DATA)")
			}
			if name == "hedge-n" && testing.Short() {
				t.Skip("the boxes of hedge-n take seconds; those of hedge-p are checked")
			}
			p, err := openPair(m, weights, heads)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			boxes := 0
			for _, picture := range []string{"people_coco/images/000000000036.jpg", "faces_dlib_voc/images/2007_007763.jpg", "plates_openalpr_eu/images/test_002.jpg"} {
				d, err := p.compare(t.Context(), filepath.Join(dir, "dev", filepath.FromSlash(picture)))
				if err != nil || d.pixels > 0.05 || d.score > 1e-3 || d.least < 0.5 {
					t.Errorf("%s: %+v, %v", picture, d, err)
				}
				t.Logf("%s: %+v", picture, d)
				boxes += d.boxes
			}
			if boxes < 3 {
				t.Errorf("%d boxes in all", boxes)
			}
		})
	}
}

// TestRefuses: what cannot be done names the way out, and no file is overwritten.
func TestRefuses(t *testing.T) {
	there := filepath.Join(t.TempDir(), "there.onnx")
	if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, args := range map[string][]string{
		"-out is missing": nil,
		"there.onnx: ":    {"-out", there},
	} {
		var said bytes.Buffer
		if err := run(t.Context(), args, &said, &said); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v", args, err)
		}
	}
	if data, err := os.ReadFile(there); err != nil || string(data) != "mine" {
		t.Errorf("the file is %q, %v", data, err)
	}
	m, weights := load(t, "yunet_s")
	if _, err := export(m, weights, image.Pt(640, 384)); err == nil || !strings.Contains(err.Error(), "hedge-p can be had") {
		t.Errorf("another network: %v", err)
	}
}
