package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/internal/ort"
	"github.com/hedgecam/hedge/models"
)

// alone gives the test an empty cache folder and none of the user's settings.
func alone(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", home)
	t.Setenv("HOME", home)
	t.Setenv(models.Env, "")
	t.Setenv(ort.Env, "")
	dir, err := models.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestExitCodes(t *testing.T) {
	cache := alone(t)
	wrong := filepath.Join(t.TempDir(), "yunet_s_dynamic.onnx")
	if err := os.WriteFile(wrong, []byte("not a network"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name        string
		env         string
		args        []string
		code        int
		out, errOut string
	}{
		{"nothing", "", nil, 2, "", "usage:"},
		{"help", "", []string{"help"}, 0, "usage:", ""},
		{"no such command", "", []string{"frobnicate"}, 2, "", "no command frobnicate"},
		{"list", "", []string{"list"}, 0, "yolox_nano", ""},
		{"list with a name", "", []string{"list", "yunet_s"}, 2, "", "list takes no arguments"},
		{"verify, none there", "", []string{"verify"}, 1, "hedge-n: ok, embedded", cache},
		{"verify, no such model", "", []string{"verify", "yunot"}, 2, "", `no model "yunot"`},
		{"verify, another file", filepath.Dir(wrong), []string{"verify", "yunet_s"}, 1, "", wrong},
		// The user's own file is neither replaced nor passed over.
		{"fetch, another file", filepath.Dir(wrong), []string{"fetch", "yunet_s"}, 1, "", wrong},
		{"runtime, wrong flag", "", []string{"runtime", "-online"}, 2, "", "runtime takes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv(models.Env, tc.env)
			var out, errOut bytes.Buffer
			if code := run(t.Context(), tc.args, &out, &errOut); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			if !strings.Contains(out.String(), tc.out) || (tc.out == "") != (out.Len() == 0) {
				t.Errorf("output %q, want %q", out.String(), tc.out)
			}
			if !strings.Contains(errOut.String(), tc.errOut) || (tc.errOut == "") != (errOut.Len() == 0) {
				t.Errorf("errors %q, want %q", errOut.String(), tc.errOut)
			}
		})
	}
	if _, err := os.Stat(cache); !os.IsNotExist(err) {
		t.Errorf("the cache folder was made: %v", err)
	}
}

func TestVerifyFindsWeights(t *testing.T) {
	dir := os.Getenv(models.Env)
	if dir == "" {
		t.Skip("HEDGE_MODELS, a folder of weights, is not set")
	}
	var names []string
	for _, m := range models.Manifest() {
		if _, err := os.Stat(filepath.Join(dir, m.File)); err == nil || m.Embedded {
			names = append(names, m.Name)
		}
	}
	if len(names) < 3 {
		t.Fatalf("%s holds the weights of %q only", dir, names)
	}
	for _, cmd := range []string{"verify", "fetch"} {
		var out, errOut bytes.Buffer
		if code := run(t.Context(), append([]string{cmd}, names...), &out, &errOut); code != 0 {
			t.Errorf("%s: exit code %d: %s", cmd, code, errOut.String())
		}
		if n := strings.Count(out.String(), ": ok, "); n != len(names) {
			t.Errorf("%s: %d models are ok, want %d:\n%s", cmd, n, len(names), out.String())
		}
	}
}

func TestCancelledFetchStops(t *testing.T) {
	alone(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errOut bytes.Buffer
	if code := run(ctx, []string{"fetch"}, &out, &errOut); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if n := strings.Count(errOut.String(), "context canceled"); n != 1 {
		t.Errorf("went on after the first model:\n%s", errOut.String())
	}
}

func TestRuntimeNamedByTheUser(t *testing.T) {
	alone(t)
	lib := filepath.Join(t.TempDir(), "own.so")
	t.Setenv(ort.Env, lib)
	var out, errOut bytes.Buffer
	if code := run(t.Context(), []string{"runtime"}, &out, &errOut); code != 1 || !strings.Contains(errOut.String(), lib) {
		t.Errorf("missing: exit code %d, %s", code, errOut.String())
	}
	if err := os.WriteFile(lib, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"runtime"}, {"runtime", "-offline"}} {
		out.Reset()
		if code := run(t.Context(), args, &out, &errOut); code != 0 || !strings.Contains(out.String(), lib) {
			t.Errorf("%v: exit code %d, %s", args, code, out.String())
		}
	}
}

// Without a terminal a download is told in a few lines, whatever its size.
func TestPlainProgress(t *testing.T) {
	var out bytes.Buffer
	b := newBar(&out, "net")
	for done := int64(0); done <= 1000; done++ {
		b.update(done*1000, 1_000_000)
	}
	b.done()
	want := "net: 25 % of 1.0 MB\nnet: 50 % of 1.0 MB\nnet: 75 % of 1.0 MB\nnet: 100 % of 1.0 MB\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	out.Reset()
	newBar(&out, "net").update(10, -1)
	if out.Len() > 0 {
		t.Errorf("of an unknown size: %q", out.String())
	}
}
