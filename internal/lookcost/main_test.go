package main

import (
	"io"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/internal/ort"
)

const tiny = "../../detect/onnx/testdata/tiny.onnx@96x64"

// Each network has a line, and a count's sections are those of the calls of mark.
func TestRun(t *testing.T) {
	if _, err := ort.Library(); err != nil {
		t.Skip("needs ONNX Runtime: ", err)
	}
	var out strings.Builder
	if err := run(t.Context(), &out, []string{tiny, tiny}, 2, true); err != nil {
		t.Fatal(err)
	}
	if want := "work 1 2 " + tiny + "\nwork 3 2 " + tiny + "\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	out.Reset()
	if err := run(t.Context(), &out, []string{tiny}, 3, false); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "time "+tiny+" ") {
		t.Errorf("got %q", out.String())
	}
	for name, says := range map[string]string{tiny[:len(tiny)-3]: "no size", "missing.onnx": "missing.onnx", "toaster": "toaster"} {
		if err := run(t.Context(), io.Discard, []string{name}, 1, false); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v does not say %q", name, err, says)
		}
	}
}

func TestRefuses(t *testing.T) {
	if run(t.Context(), io.Discard, nil, 1, false) == nil || run(t.Context(), io.Discard, []string{tiny}, 0, false) == nil {
		t.Error("nothing to run is taken")
	}
}
