package main

import (
	"archive/zip"
	"path/filepath"
	"strings"
	"testing"
)

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
