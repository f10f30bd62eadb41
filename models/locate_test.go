package models

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// setup gives the test an empty cache folder and no HEDGE_MODELS, and returns
// the folder that downloads go to.
func setup(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", home)
	t.Setenv("HOME", home)
	t.Setenv(Env, "")
	dir, err := CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// serve returns a model that h serves in its published form, and its weights.
func serve(t *testing.T, h http.HandlerFunc) (m Model, published, weights []byte) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	published = smallModel(true, valueInfo("images", 1, 3, 416, 416), valueInfo("output", 1, 3549, 85))
	weights = smallModel(false, valueInfo("images", 1, 3, "height", "width"), valueInfo("output", 1, "anchors", 85))
	return Model{
		Name: "small", File: "small_dynamic.onnx", SHA256: sum(weights), Bytes: int64(len(weights)),
		Source: Source{
			URLs: []string{srv.URL + "/small.onnx"}, SHA256: sum(published), Bytes: int64(len(published)),
			Symbolic: smallAxes,
		},
	}, published, weights
}

// noNetwork fails the test if it is asked for anything.
func noNetwork(t *testing.T) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the network was asked for %s", r.URL) }
}

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantEmpty fails the test if anything, hidden files too, lies in dir.
func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("%s was left in the cache folder", e.Name())
	}
}

func TestLocateOrder(t *testing.T) {
	cache := setup(t)
	m, _, weights := serve(t, noNetwork(t))
	explicit := write(t, filepath.Join(t.TempDir(), "mine.onnx"), weights)
	env := t.TempDir()
	inEnv := write(t, filepath.Join(env, m.File), weights)
	inCache := write(t, filepath.Join(cache, m.File), weights)

	steps := []struct {
		path, env, want string
	}{
		{explicit, env, explicit},
		{"", env, inEnv},
		{"", "", inCache},
		{"", t.TempDir(), inCache},
	}
	for i, s := range steps {
		t.Setenv(Env, s.env)
		got, err := m.Locate(t.Context(), Options{Path: s.path})
		if err != nil || got != s.want {
			t.Errorf("step %d: got %s, %v, want %s", i, got, err, s.want)
		}
		data, err := m.Load(t.Context(), Options{Path: s.path})
		if err != nil || !bytes.Equal(data, weights) {
			t.Errorf("step %d: Load gives %d bytes, %v", i, len(data), err)
		}
	}
}

func TestLocateRefusesOtherFiles(t *testing.T) {
	for _, tc := range []struct {
		name  string
		place func(t *testing.T, m Model, cache string, data []byte) (Options, string)
	}{
		{"explicit", func(t *testing.T, _ Model, _ string, data []byte) (Options, string) {
			p := write(t, filepath.Join(t.TempDir(), "mine.onnx"), data)
			return Options{Path: p}, p
		}},
		{"environment", func(t *testing.T, m Model, _ string, data []byte) (Options, string) {
			dir := t.TempDir()
			t.Setenv(Env, dir)
			return Options{}, write(t, filepath.Join(dir, m.File), data)
		}},
		{"cache", func(t *testing.T, m Model, cache string, data []byte) (Options, string) {
			return Options{}, write(t, filepath.Join(cache, m.File), data)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cache := setup(t)
			m, published, weights := serve(t, noNetwork(t))
			changed := bytes.Clone(weights)
			changed[len(changed)/2] ^= 1
			for _, data := range [][]byte{nil, weights[:len(weights)-1], changed, published} {
				o, path := tc.place(t, m, cache, data)
				_, err := m.Locate(t.Context(), o)
				var wrong *ChecksumError
				if !errors.As(err, &wrong) {
					t.Fatalf("%d bytes: got %v, want a ChecksumError", len(data), err)
				}
				if wrong.File != path || wrong.Got != sum(data) || wrong.Want[0] != m.SHA256 || wrong.Bytes != int64(len(data)) {
					t.Errorf("got %+v", wrong)
				}
				for _, s := range []string{path, sum(data), m.SHA256, m.Name} {
					if !strings.Contains(err.Error(), s) {
						t.Errorf("the error does not name %s: %v", s, err)
					}
				}
				if _, err := m.Load(t.Context(), o); !errors.As(err, &wrong) {
					t.Errorf("Load: got %v, want a ChecksumError", err)
				}
				if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, data) {
					t.Errorf("the refused file was changed: %v", err)
				}
			}
		})
	}
}

func TestLocateExplicitPath(t *testing.T) {
	setup(t)
	m, _, _ := serve(t, noNetwork(t))
	missing := filepath.Join(t.TempDir(), "missing.onnx")
	if _, err := m.Locate(t.Context(), Options{Path: missing}); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("missing: got %v", err)
	}
	dir := t.TempDir()
	if _, err := m.Locate(t.Context(), Options{Path: dir}); err == nil || !strings.Contains(err.Error(), dir+" is not a regular file") {
		t.Errorf("a folder: got %v", err)
	}
}

func TestLocateOfflineSaysWhereItLooked(t *testing.T) {
	cache := setup(t)
	m, _, _ := serve(t, noNetwork(t))
	env := t.TempDir()
	t.Setenv(Env, env)
	_, err := m.Locate(t.Context(), Options{Offline: true})
	var missing *NotFoundError
	if !errors.As(err, &missing) || missing.Err != nil {
		t.Fatalf("got %v, want a NotFoundError without a cause", err)
	}
	for _, s := range []string{env, cache, m.File, "fetch " + m.Name, Env} {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("the error does not name %s: %v", s, err)
		}
	}
	wantEmpty(t, cache)
}

func TestLocateDownloads(t *testing.T) {
	cache := setup(t)
	var served []byte
	m, published, weights := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if _, err := w.Write(served); err != nil {
			t.Error(err)
		}
	})
	served = published
	var last, total int64
	path, err := m.Locate(t.Context(), Options{Progress: func(d, n int64) {
		if d < last {
			t.Errorf("progress fell from %d to %d", last, d)
		}
		last, total = d, n
	}})
	if err != nil {
		t.Fatal(err)
	}
	if path != filepath.Join(cache, m.File) {
		t.Errorf("downloaded to %s", path)
	}
	if last != int64(len(published)) || total != last {
		t.Errorf("progress ended at %d of %d, want %d", last, total, len(published))
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, weights) {
		t.Errorf("the file is not the derived model: %v", err)
	}
	entries, err := os.ReadDir(cache)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files in the cache, %v, want 1", len(entries), err)
	}
	served = nil // A second time must not ask the server.
	if again, err := m.Locate(t.Context(), Options{}); err != nil || again != path {
		t.Errorf("second time: %s, %v", again, err)
	}
}

func TestDownloadFailures(t *testing.T) {
	for _, tc := range []struct {
		name  string
		serve func(w http.ResponseWriter, published []byte)
		want  string
	}{
		{"not there", func(w http.ResponseWriter, _ []byte) { w.WriteHeader(http.StatusNotFound) }, "404"},
		{"server error", func(w http.ResponseWriter, p []byte) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write(p) // The client need not read it.
		}, "500"},
		{"cut off", func(w http.ResponseWriter, p []byte) {
			w.Header().Set("Content-Length", fmt.Sprint(len(p)))
			_, _ = w.Write(p[:len(p)/2])
		}, "unexpected EOF"},
		{"cut off, length not known", func(w http.ResponseWriter, p []byte) {
			_, _ = w.Write(p[:len(p)/2])
			_ = http.NewResponseController(w).Flush() // What was cut off is the point.
		}, "not the expected file"},
		{"too long", func(w http.ResponseWriter, p []byte) { _, _ = w.Write(append(bytes.Clone(p), 0)) }, "larger than"},
		{"another file", func(w http.ResponseWriter, p []byte) { _, _ = w.Write(bytes.Repeat([]byte{1}, len(p))) }, "not the expected file"},
		{"a web page", func(w http.ResponseWriter, _ []byte) { fmt.Fprint(w, "<html>log in first</html>") }, "not the expected file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cache := setup(t)
			var published []byte
			m, published, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { tc.serve(w, published) })
			_, err := m.Locate(t.Context(), Options{})
			var missing *NotFoundError
			if !errors.As(err, &missing) || missing.Err == nil {
				t.Fatalf("got %v, want a NotFoundError with a cause", err)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			wantEmpty(t, cache)
		})
	}
}

func TestDownloadTriesTheNextAddress(t *testing.T) {
	setup(t)
	var published []byte
	m, published, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gone" {
			w.WriteHeader(http.StatusGone)
			return
		}
		_, _ = w.Write(published)
	})
	good := m.Source.URLs[0]
	m.Source.URLs = []string{strings.Replace(good, "/small.onnx", "/gone", 1), good}
	if _, err := m.Locate(t.Context(), Options{}); err != nil {
		t.Error(err)
	}
}

func TestDownloadCancelled(t *testing.T) {
	cache := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	var published []byte
	m, published, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(published[:len(published)/2])
		_ = http.NewResponseController(w).Flush() // The client is to see the half before it cancels.
		<-r.Context().Done()
	})
	_, err := m.Locate(ctx, Options{Progress: func(int64, int64) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	wantEmpty(t, cache)
}

func TestDownloadIntoUnusableCache(t *testing.T) {
	cache := setup(t)
	write(t, filepath.Dir(cache), []byte("a file where the folder should be"))
	var published []byte
	m, published, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(published) })
	_, err := m.Fetch(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), filepath.Dir(cache)) {
		t.Errorf("got %v, want an error that names %s", err, filepath.Dir(cache))
	}
}

func TestConcurrentFetches(t *testing.T) {
	cache := setup(t)
	var published []byte
	m, published, weights := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(published) })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			data, err := m.Load(t.Context(), Options{})
			if err != nil || !bytes.Equal(data, weights) {
				t.Errorf("%d bytes, %v", len(data), err)
			}
		})
	}
	wg.Wait()
	entries, err := os.ReadDir(cache)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files in the cache, %v, want 1", len(entries), err)
	}
}

func TestEmbeddedModel(t *testing.T) {
	setup(t)
	weights := []byte("weights")
	embedded["tiny"] = weights
	t.Cleanup(func() { delete(embedded, "tiny") })
	m := Model{Name: "tiny", File: "tiny.onnx", Embedded: true, SHA256: sum(weights)}
	if got, err := m.Load(t.Context(), Options{Offline: true}); err != nil || !bytes.Equal(got, weights) {
		t.Errorf("Load: %q, %v", got, err)
	}
	if _, err := m.Locate(t.Context(), Options{}); !errors.Is(err, ErrEmbedded) {
		t.Errorf("Locate: got %v, want ErrEmbedded", err)
	}
	if _, err := m.Fetch(t.Context(), nil); !errors.Is(err, ErrEmbedded) {
		t.Errorf("Fetch: got %v, want ErrEmbedded", err)
	}
	path := write(t, filepath.Join(t.TempDir(), "mine.onnx"), weights)
	if got, err := m.Locate(t.Context(), Options{Path: path}); err != nil || got != path {
		t.Errorf("an explicit path: %s, %v", got, err)
	}
	m.SHA256 = sum(nil)
	var wrong *ChecksumError
	if _, err := m.Load(t.Context(), Options{}); !errors.As(err, &wrong) {
		t.Errorf("other bytes embedded: got %v, want a ChecksumError", err)
	}
}
