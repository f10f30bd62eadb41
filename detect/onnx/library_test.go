package onnx

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/internal/ort"
)

// build makes a shared library from C, or skips.
func build(t *testing.T, name, source string) string {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	dir := t.TempDir()
	src, lib := filepath.Join(dir, "lib.c"), filepath.Join(dir, name)
	if err := os.WriteFile(src, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), cc, "-shared", "-fPIC", "-o", lib, src).CombinedOutput(); err != nil {
		t.Skipf("no C compiler: %v %s", err, out)
	}
	return lib
}

func TestLoadRefuses(t *testing.T) {
	text := filepath.Join(t.TempDir(), "libonnxruntime.so")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a library ", 10)), 0o600); err != nil {
		t.Fatal(err)
	}
	fake := func(version string) string {
		return `static const void *api(unsigned v) { return 0; }
static const char *version(void) { return ` + version + `; }
static struct { const void *(*a)(unsigned); const char *(*v)(void); } base = {api, version};
void *OrtGetApiBase(void) { return &base; }`
	}
	for _, c := range []struct{ name, path, version, says string }{
		{"no path", "", "", "no path given"},
		{"missing", filepath.Join(t.TempDir(), "none.so"), "", "no such file"},
		{"folder", t.TempDir(), "", "it is a folder"},
		{"text", text, "", "invalid ELF header"},
		{"other", build(t, "other.so", "int x;"), "", "is not ONNX Runtime"},
		{"old", build(t, "old.so", fake(`"1.21.0"`)), "1.21.0", "1.21.0 is too old"},
		{"ancient", build(t, "ancient.so", fake(`"0.99"`)), "0.99", "too old"},
		{"strange", build(t, "strange.so", fake(`"abc"`)), "abc", "too old"},
		{"silent", build(t, "silent.so", fake("0")), "", "does not tell its version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			version, err := probe(c.path)
			var le *LibraryError
			if !errors.As(err, &le) {
				t.Fatalf("%q, %v: not a *LibraryError", version, err)
			}
			if le.Path != c.path || le.Version != c.version {
				t.Errorf("path %q version %q", le.Path, le.Version)
			}
			for _, s := range []string{c.says, c.path, "HEDGE_ORT_LIB", "1.24"} {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("error %q does not say %q", err, s)
				}
			}
		})
	}
}

func TestNewEnough(t *testing.T) {
	for v, want := range map[string]bool{
		"1.24.0": true, "1.24": true, "1.30.0": true, "2.0.0": true, "1.24.1-dev": true,
		"1.23.9": false, "0.30.0": false, "1": false, "": false, "1.x": false, "-1.99": false,
	} {
		if newEnough(v) != want {
			t.Errorf("%q: %v", v, !want)
		}
	}
}

func TestLoadOnce(t *testing.T) {
	if Version() == "" {
		if _, err := Open(Config{Model: []byte{1}}); !errors.Is(err, ErrNotLoaded) {
			t.Errorf("Open before Load: %v", err)
		}
		t.Skip("the rest needs ONNX Runtime (HEDGE_ORT_LIB)")
	}
	path := library.path
	if err := Load(path); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := Load(path + ".other"); err == nil || !strings.Contains(err.Error(), "already loaded") {
		t.Errorf("another path: %v", err)
	}
}

// TestLoadLeavesNoTrace: nothing of a process that uses ONNX Runtime stays in the
// user's home or among the temporary files.
func TestLoadLeavesNoTrace(t *testing.T) {
	lib, err := ort.Library()
	if err != nil {
		t.Skip(err)
	}
	home := t.TempDir()
	// TestMain loads the library, and the test that is named opens a network.
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTiny", "-test.count=1", "-test.v")
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, noTelemetry+"=") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, "HOME="+home, "TMPDIR="+home, "XDG_CACHE_HOME="+home, "HEDGE_ORT_LIB="+lib)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestTiny") {
		t.Fatalf("%v\n%s", err, out)
	}
	left, err := os.ReadDir(home)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		t.Errorf("left behind: %s", e.Name())
	}
}
