package main

import (
	"archive/zip"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/archive/archivetest"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

// TestDemoOfAnotherVersion: a demo that finds what another version has left says so, and does
// not wait for a worker of that version.
func TestDemoOfAnotherVersion(t *testing.T) {
	clip(t, filepath.Join(t.TempDir(), "needs-ffmpeg.mp4"))
	t.Chdir(filepath.Join("..", ".."))
	a := archivetest.New(t, queue.Config{})
	d := &demo{a: a.Archive, f: &flags{dir: "STORE", networks: networks.None}, out: io.Discard}
	id, err := d.file(t.Context(), "street", "crop=64:64")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := d.file(t.Context(), "street", "crop=64:64"); err != nil || again != id {
		t.Errorf("the same version: %s, %v", again, err)
	}
	if _, err := a.Retry(t.Context(), id, "another", evidence.Change{By: "somebody"}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.file(t.Context(), "street", "crop=64:64"); err == nil || !strings.Contains(err.Error(), "-dir") {
		t.Errorf("another version: %v", err)
	}
}

// TestDemo: the demo ends by itself with three recordings redacted, one of them corrected
// through the page, and its zip file.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("redacts four recordings, with some thirty processes of ffmpeg")
	}
	clip(t, filepath.Join(t.TempDir(), "needs-ffmpeg.mp4"))
	store := t.TempDir()
	t.Chdir(filepath.Join("..", ".."))
	code, said := call(t, "serve", "-demo", "-dir", store, "-networks", "none")
	if code != exitDone || strings.Count(said, "redacted: ") != 3 || strings.Count(said, "rendered again: ") != 1 ||
		!strings.Contains(said, "a script (127.0.0.1): hides all that is not on the property (the demo)") {
		t.Fatalf("exit code %d: %s", code, said)
	}
	_, path, _ := strings.Cut(said, "handed over: ")
	path, _, _ = strings.Cut(path, "\n")
	z, err := zip.OpenReader(path)
	if err != nil || len(z.File) != 7 {
		t.Fatalf("%s: %v", path, err)
	}
	if err := z.Close(); err != nil {
		t.Error(err)
	}
}
