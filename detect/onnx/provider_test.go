package onnx

import (
	"encoding/json"
	"errors"
	"flag"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect/network"
	"github.com/hedgecam/hedge/detect/network/sessiontest"
	native "github.com/hedgecam/hedge/internal/ort"
)

var record = flag.String("record", "", "write the tensors of detect/network/sessiontest to this file")

// tiny returns what opens sessions of the tiny network.
func tiny(p Provider) network.Opener {
	return func(outputs ...string) (network.Session, error) {
		s, err := Open(Config{Name: "tiny", Model: tinyModel(), InputSize: image.Pt(96, 64), Outputs: outputs, Provider: p})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
}

// TestConformance: ONNX Runtime's own kernels give the recorded tensors.
func TestConformance(t *testing.T) {
	needsRuntime(t)
	if *record != "" {
		write(t, *record)
	}
	sessiontest.Run(t, tiny(CPU), sessiontest.Options{})
}

// write records what the tiny network gives for one bright cell of each size.
func write(t *testing.T, path string) {
	s := open(t, Config{Model: tinyModel(), InputSize: image.Pt(96, 64)})
	r := sessiontest.Recording{
		Input:  network.Tensor{Name: s.Input().Name, Shape: s.Input().Shape},
		Bright: []image.Rectangle{image.Rect(8, 16, 16, 24), image.Rect(32, 0, 48, 16), image.Rect(64, 32, 96, 64)},
	}
	r.Draw(s.Input())
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Outputs = s.Outputs()
	data, err := json.Marshal(r)
	if err == nil {
		err = os.WriteFile(path, append(data, '\n'), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// withOpenVINO reports whether the library that was loaded was built with OpenVINO.
func withOpenVINO() bool {
	_, err := os.Stat(filepath.Join(filepath.Dir(library.path), "libonnxruntime_providers_openvino.so"))
	return err == nil
}

// TestProviderNotThere: one that is asked for and not there is an error that names it,
// the library and the way out, and leaves nothing behind.
func TestProviderNotThere(t *testing.T) {
	needsRuntime(t)
	before := native.Live.Load()
	absent := []Provider{OpenVINO, OpenVINOGPU, OpenVINONPU}
	if withOpenVINO() {
		absent = absent[2:]
		if devices, _ := filepath.Glob("/dev/accel/accel*"); len(devices) > 0 {
			t.Skip("this machine has an NPU")
		}
	}
	for _, p := range absent {
		var pe *ProviderError
		_, err := tiny(p)()
		if !errors.As(err, &pe) || pe.Provider != p || pe.Path != library.path || pe.Network != "tiny" {
			t.Fatalf("%s: %v", p, err)
		}
		t.Log(err)
		for _, says := range []string{library.path, "HEDGE_ORT_LIB", "onnxruntime-openvino", "provider cpu", string(p)} {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %q does not say %q", p, err, says)
			}
		}
	}
	if _, err := tiny("tpu")(); err == nil || !strings.Contains(err.Error(), `no provider "tpu"`) || !strings.Contains(err.Error(), "openvino-gpu") {
		t.Errorf("one that is not known: %v", err)
	}
	if native.Live.Load() != before {
		t.Errorf("%d native objects left", native.Live.Load()-before)
	}
}

// TestOpenVINO: OpenVINO on the processor gives the recorded tensors, and what it would
// do by halves is refused. A process has one ONNX Runtime: the test runs itself with the
// one that HEDGE_OPENVINO_LIB names.
func TestOpenVINO(t *testing.T) {
	if withOpenVINO() {
		sessiontest.Run(t, tiny(OpenVINO), sessiontest.Options{})
		t.Run("Partly", refusesParts)
		return
	}
	lib := os.Getenv("HEDGE_OPENVINO_LIB")
	if lib == "" {
		t.Skip("needs the ONNX Runtime library of the Python package onnxruntime-openvino (HEDGE_OPENVINO_LIB)")
	}
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^(TestOpenVINO|TestProviderNotThere)$", "-test.count=1", "-test.v")
	cmd.Env = append(os.Environ(), "HEDGE_ORT_LIB="+lib, "HOME="+home, "TMPDIR="+home, "XDG_CACHE_HOME="+home)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestOpenVINO/Partly") || strings.Contains(string(out), "--- SKIP") {
		t.Fatalf("%v\n%s", err, out)
	}
	left, err := os.ReadDir(home)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// refusesParts: a graph that OpenVINO takes in part only is not run.
func refusesParts(t *testing.T) {
	var g graph
	g.tensor("gain", []float32{2}, 1)
	g.node("Mul", []string{"input", "gain"}, "more")
	g.node("LpPool", []string{"more"}, "half", attribute{"kernel_shape", []int64{2, 2}})
	g.node("Mul", []string{"half", "gain"}, "out")
	model := g.model([]string{"out"})
	c := Config{Name: "halves", Model: model, InputSize: image.Pt(96, 64), Provider: OpenVINO}
	var pe *ProviderError
	if _, err := Open(c); !errors.As(err, &pe) || !strings.Contains(pe.Reason, "does not take every operator") {
		t.Errorf("with OpenVINO: %v", err)
	}
	c.Provider = CPU
	s := open(t, c)
	if names := s.Outputs(); !slices.ContainsFunc(names, func(o network.Tensor) bool { return o.Name == "out" }) {
		t.Errorf("outputs %v", names)
	}
}
