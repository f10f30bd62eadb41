package ort

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/internal/download"
)

// setup gives the test an empty cache folder and no HEDGE_ORT_LIB, and returns
// where the library is installed.
func setup(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", home)
	t.Setenv("HOME", home)
	t.Setenv(Env, "")
	dst, err := cached(runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	return dst
}

func write(t *testing.T, path string, data []byte, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
}

// archive packs one file, after a link of another name to it.
func archive(t *testing.T, member string, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	tw := tar.NewWriter(zw)
	link := &tar.Header{Name: filepath.Dir(member) + "/link", Typeflag: tar.TypeSymlink, Linkname: filepath.Base(member)}
	file := &tar.Header{Name: "./" + member, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(data))}
	for _, step := range []func() error{
		func() error { return tw.WriteHeader(link) },
		func() error { return tw.WriteHeader(file) },
		func() error { _, err := tw.Write(data); return err },
		tw.Close,
		zw.Close,
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

var library = []byte("\x7fELF, or so it says")

// wheel packs one file as the Python package has it.
func wheel(t *testing.T, member string, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := zip.NewWriter(&buf)
	w, err := zw.Create(member)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// client puts a script in the place of a package client. Called with args it
// leaves pkg in its working folder under the name file; with a nil pkg it fails.
func client(t *testing.T, dir, name, args, file string, pkg []byte) {
	t.Helper()
	script := "#!/bin/sh\necho no such package >&2\nexit 1\n"
	if pkg != nil {
		write(t, filepath.Join(dir, file), pkg, 0o644)
		script = "#!/bin/sh\ncase \"$*\" in " + args + ") cp '" + filepath.Join(dir, file) + "' . ;; *) echo \"called with $*\" >&2; exit 1 ;; esac\n"
	}
	write(t, filepath.Join(dir, name), []byte(script), 0o755)
}

// testBuild is a build whose release archive h serves, whose wheel is what a
// script in the place of pip makes of whl, and whose npm package what one in the
// place of npm makes of pkg; with nil they fail.
func testBuild(t *testing.T, h http.HandlerFunc, whl, pkg []byte) build {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	bin := t.TempDir()
	client(t, bin, "pip3", "*'--platform testlinux --python-version 3.11 onnxruntime=="+Version+"'", "onnxruntime.whl", whl)
	client(t, bin, "npm", "'pack --silent onnxruntime-node@"+Version+"'", "onnxruntime-node.tgz", pkg)
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return build{
		release: srv.URL + "/release.tgz", releaseMember: "onnxruntime/lib/libonnxruntime.so." + Version,
		wheel: "testlinux", npmMember: "package/bin/libonnxruntime.so.1", sums: []string{sum(library)},
	}
}

func wantInstalled(t *testing.T, dst string, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(dst); err != nil || !bytes.Equal(got, library) {
		t.Errorf("installed %q, %v", got, err)
	}
	if got, err := Library(); err != nil || got != dst {
		t.Errorf("Library gives %s, %v, want %s", got, err, dst)
	}
	entries, err := os.ReadDir(filepath.Dir(dst))
	if err != nil || len(entries) != 1 {
		t.Errorf("%d entries beside the library, %v, want only it", len(entries), err)
	}
}

func TestInstallFromRelease(t *testing.T) {
	dst := setup(t)
	var b build
	b = testBuild(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(archive(t, b.releaseMember, library))
	}, nil, nil)
	wantInstalled(t, dst, b.install(t.Context(), dst, t.Output(), nil))
}

func TestInstallFromPackages(t *testing.T) {
	whl, npm := wheel(t, wheelMember, library), archive(t, "package/bin/libonnxruntime.so.1", library)
	other := []byte("another")
	gives := func(data []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) }
	}
	member := "onnxruntime/lib/libonnxruntime.so." + Version
	for _, tc := range []struct {
		name     string
		release  http.HandlerFunc
		whl, npm []byte
	}{
		{"release not there, wheel", http.NotFound, whl, nil},
		{"release is another library, wheel", gives(archive(t, member, other)), whl, nil},
		{"release holds no library, wheel", gives(archive(t, "lib/readme", library)), whl, nil},
		{"release is a web page, wheel", gives([]byte("<html>")), whl, nil},
		{"no wheel, npm", http.NotFound, nil, npm},
		{"wheel of another library, npm", http.NotFound, wheel(t, wheelMember, other), npm},
		{"wheel holds no library, npm", http.NotFound, wheel(t, "onnxruntime/readme", library), npm},
		{"wheel is a web page, npm", http.NotFound, []byte("<html>"), npm},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dst := setup(t)
			b := testBuild(t, tc.release, tc.whl, tc.npm)
			wantInstalled(t, dst, b.install(t.Context(), dst, t.Output(), nil))
		})
	}
}

func TestInstallFailsPlainly(t *testing.T) {
	for _, tc := range []struct {
		name string
		npm  []byte
		want string
	}{
		{"npm fails", nil, "no such package"},
		{"npm package is another", archive(t, "package/bin/libonnxruntime.so.1", []byte("another")), sum([]byte("another"))},
		{"npm package is empty", archive(t, "package/readme", nil), "holds no package/bin/libonnxruntime.so.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dst := setup(t)
			b := testBuild(t, http.NotFound, nil, tc.npm)
			err := b.install(t.Context(), dst, t.Output(), nil)
			if err == nil {
				t.Fatal("installed")
			}
			for _, s := range []string{tc.want, "404", "four ways", Env, b.release, "pip download", "npm pack"} {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("the error does not say %q: %v", s, err)
				}
			}
			if entries, err := os.ReadDir(filepath.Dir(dst)); err == nil && len(entries) > 0 {
				t.Errorf("%v was left behind", entries[0])
			}
		})
	}
}

func TestInstallRefusalNamesBothSums(t *testing.T) {
	dst := setup(t)
	b := testBuild(t, http.NotFound, nil, archive(t, "package/bin/libonnxruntime.so.1", []byte("another")))
	var wrong *download.SumError
	if err := b.install(t.Context(), dst, t.Output(), nil); !errors.As(err, &wrong) {
		t.Fatalf("got %v", err)
	}
	if wrong.Got != sum([]byte("another")) || wrong.Want[0] != sum(library) || wrong.File != dst {
		t.Errorf("got %+v", wrong)
	}
}

func TestInstallCancelled(t *testing.T) {
	dst := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	b := testBuild(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}, nil, nil)
	if err := b.install(ctx, dst, t.Output(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestLibrary(t *testing.T) {
	dst := setup(t)
	// Without any, unless this machine's system has one.
	if path, err := Library(); err != nil {
		var missing *NotFoundError
		if !errors.As(err, &missing) || !strings.Contains(err.Error(), dst) || !strings.Contains(err.Error(), Env) {
			t.Errorf("got %v", err)
		}
	} else if !strings.HasPrefix(path, "/usr/") && !strings.HasPrefix(path, "/opt/") {
		t.Errorf("found %s", path)
	}
	if path, err := Installed(); path != "" || err != nil {
		t.Errorf("Installed gives %q, %v", path, err)
	}

	write(t, dst, library, 0o644)
	if path, err := Library(); err != nil || path != dst {
		t.Errorf("cached: %s, %v", path, err)
	}
	if path, err := Installed(); err != nil || path != dst {
		t.Errorf("Installed: %s, %v", path, err)
	}

	own := filepath.Join(t.TempDir(), "own.so")
	t.Setenv(Env, own)
	if path, err := Library(); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), Env) {
		t.Errorf("a library named and missing: %s, %v", path, err)
	}
	write(t, own, library, 0o644)
	if path, err := Library(); err != nil || path != own {
		t.Errorf("named: %s, %v", path, err)
	}
	t.Setenv(Env, filepath.Dir(own))
	if path, err := Library(); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a folder named: %s, %v", path, err)
	}
}

// TestLibraryOfPackage: a program in bin uses the library in lib/hedge beside it, also
// through a link, before any other than the one that is named; one elsewhere does not.
func TestLibraryOfPackage(t *testing.T) {
	dst := setup(t)
	write(t, dst, library, 0o644)
	prefix, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	packed := filepath.Join(prefix, "lib", "hedge", "libonnxruntime.so.1")
	write(t, packed, library, 0o644)
	program, link := filepath.Join(prefix, "bin", "program"), filepath.Join(t.TempDir(), "program")
	write(t, program, nil, 0o755)
	write(t, filepath.Join(prefix, "cache", "program"), nil, 0o755)
	if err := os.Symlink(program, link); err != nil {
		t.Fatal(err)
	}
	defer func(was func() (string, error)) { executable = was }(executable)
	for running, want := range map[string]string{program: packed, link: packed, filepath.Join(prefix, "cache", "program"): dst} {
		executable = func() (string, error) { return running, nil }
		if path, err := Library(); err != nil || path != want {
			t.Errorf("%s uses %s, %v; want %s", running, path, err, want)
		}
	}
	executable = func() (string, error) { return program, nil }
	own := filepath.Join(t.TempDir(), "own.so")
	write(t, own, library, 0o644)
	t.Setenv(Env, own)
	if path, err := Library(); err != nil || path != own {
		t.Errorf("one that is named: %s, %v", path, err)
	}
	if path, err := Pinned(runtime.GOARCH); err != nil || path != dst {
		t.Errorf("Pinned, to be packed: %s, %v", path, err)
	}
}

func TestBuildsArePinned(t *testing.T) {
	for platform, b := range builds {
		if len(b.sums) != 3 {
			t.Errorf("%s: %d sums", platform, len(b.sums))
		}
		for _, s := range b.sums {
			if raw, err := hex.DecodeString(s); err != nil || len(raw) != sha256.Size {
				t.Errorf("%s: %q is no sum", platform, s)
			}
		}
		if !strings.HasPrefix(b.release, "https://github.com/microsoft/onnxruntime/") || !strings.Contains(b.releaseMember, Version) {
			t.Errorf("%s: %s, %s", platform, b.release, b.releaseMember)
		}
	}
}
