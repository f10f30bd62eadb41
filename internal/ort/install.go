package ort

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/hedgecam/hedge/internal/download"
)

// A build is one of Microsoft's builds of the library for linux.
type build struct {
	// release is the URL of the project's release archive, and releaseMember the
	// library in it.
	release, releaseMember string
	// wheel is the platform tag of the Python package's wheel; wheelMember says
	// where the library is in it.
	wheel string
	// npmMember is the library in the npm package.
	npmMember string
	// sums are the SHA-256 of the library itself, out of the release archive, out
	// of the wheel and out of the npm package: same version, built three times.
	// Those of the wheel and of the npm package were taken from copies that were
	// run. The release archive could not be fetched there: its library's sum is the
	// one several public projects pin for version 1.30.0. Were it wrong, the library
	// would be refused and the next way tried.
	sums []string
}

const (
	releases    = "https://github.com/microsoft/onnxruntime/releases/download/v" + Version + "/"
	wheelMember = "onnxruntime/capi/libonnxruntime.so." + Version
)

var builds = map[string]build{
	"linux/amd64": {
		release:       releases + "onnxruntime-linux-x64-" + Version + ".tgz",
		releaseMember: "onnxruntime-linux-x64-" + Version + "/lib/libonnxruntime.so." + Version,
		wheel:         "manylinux_2_28_x86_64",
		npmMember:     "package/bin/napi-v6/linux/x64/libonnxruntime.so.1",
		sums: []string{
			"245a6f8c38127551057a1cd1ffd59f0a186a227ade4f3492dea2494eb565542e",
			"c902c70b3003c0e99fada202f37478c515ae9bba7944c2b2abd0017bae0c82ed",
			"ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23",
		},
	},
	"linux/arm64": {
		release:       releases + "onnxruntime-linux-aarch64-" + Version + ".tgz",
		releaseMember: "onnxruntime-linux-aarch64-" + Version + "/lib/libonnxruntime.so." + Version,
		wheel:         "manylinux_2_28_aarch64",
		npmMember:     "package/bin/napi-v6/linux/arm64/libonnxruntime.so.1",
		sums: []string{
			"64e903a43a041240fd6bcffe0ac6d4fea47ef87bf24b9d097801bd00a9612a4b",
			"8a218e1e446880131115c368ec7005969a5022af9a15a26173de648fef0b7789",
			"1f549d46250b005580b597f4164984aaf75b3bcb9f3aeb07c7f8a8fe60b23c76",
		},
	},
}

const (
	// maxArchive bounds the release archive, which is held in memory: 11 MB.
	maxArchive = 64 << 20
	// maxLibrary bounds the library: 29 MB.
	maxLibrary = 256 << 20
)

// Installed returns the library that needs no installing: the one HEDGE_ORT_LIB
// names, or the one in the user's cache folder. An empty path and no error mean
// that there is none.
func Installed() (string, error) {
	if os.Getenv(Env) != "" {
		return Library()
	}
	return Pinned(runtime.GOARCH)
}

// Pinned returns the library that Install has put into the user's cache folder for an
// architecture, in Go's words, such as arm64. An empty path and no error mean that there
// is none.
func Pinned(arch string) (string, error) {
	dst, err := cached(arch)
	if err != nil {
		return "", err
	}
	if isFile(dst) {
		return dst, nil
	}
	return "", nil
}

// Install puts the library for an architecture, in Go's words, such as arm64, into the
// user's cache folder and returns its path.
// It is taken from the project's release archive or, where that cannot be had,
// from the wheel of the Python package or from the npm package, and only if its
// SHA-256 is a known one. A line for the user is written to log for each of
// these steps; progress may be nil.
func Install(ctx context.Context, arch string, log io.Writer, progress download.Progress) (string, error) {
	platform := runtime.GOOS + "/" + arch
	b, ok := builds[platform]
	if !ok {
		return "", fmt.Errorf("ONNX Runtime: no pinned library for %s; name one in %s", platform, Env)
	}
	dst, err := cached(arch)
	if err != nil {
		return "", err
	}
	if err := b.install(ctx, dst, log, progress); err != nil {
		return "", err
	}
	return dst, nil
}

// install tries one way after the other, the smallest download first.
func (b build) install(ctx context.Context, dst string, log io.Writer, progress download.Progress) error {
	ways := []struct {
		name, doing string
		get         func() error
	}{
		{"release archive", "downloading " + b.release, func() error { return b.fromRelease(ctx, dst, progress) }},
		{"pip", "taking it from the Python package onnxruntime==" + Version + " instead (24 MB)", func() error { return b.fromWheel(ctx, dst) }},
		{"npm", "taking it from the npm package onnxruntime-node@" + Version + " instead (113 MB)", func() error { return b.fromNPM(ctx, dst) }},
	}
	var failed []error
	for _, w := range ways {
		fmt.Fprintln(log, w.doing)
		err := w.get()
		if err == nil || ctx.Err() != nil {
			return err
		}
		fmt.Fprintf(log, "%v\n", err)
		failed = append(failed, fmt.Errorf("%s: %w", w.name, err))
	}
	return fmt.Errorf("ONNX Runtime cannot be had: %w. There are four ways: make the release archive (%s) reachable, "+
		"make `pip download onnxruntime==%s` (Debian's python3-pip) or `npm pack onnxruntime-node@%s` work, or name a "+
		"library of version 1.24 or newer in %s", errors.Join(failed...), b.release, Version, Version, Env)
}

func (b build) fromRelease(ctx context.Context, dst string, progress download.Progress) error {
	archive, err := download.Get(ctx, b.release, maxArchive, progress)
	if err != nil {
		return err
	}
	return unpack(bytes.NewReader(archive), b.releaseMember, dst, b.sums)
}

// fromWheel has pip download the wheel without installing it: pip knows where this
// machine's Python packages come from. The Python version is pinned, because
// each has a wheel of its own.
func (b build) fromWheel(ctx context.Context, dst string) error {
	pip, err := exec.LookPath("pip3")
	if err != nil {
		return errors.New("there is no pip3 on the PATH")
	}
	return fetch(ctx, dst, "*.whl", []string{pip, "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--no-cache-dir",
		"--disable-pip-version-check", "--platform", b.wheel, "--python-version", "3.11", "onnxruntime==" + Version},
		func(wheel *os.File, size int64) error {
			zr, err := zip.NewReader(wheel, size)
			if err != nil {
				return fmt.Errorf("not a wheel: %w", err)
			}
			lib, err := zr.Open(wheelMember)
			if err != nil {
				return fmt.Errorf("the wheel holds no %s", wheelMember)
			}
			defer lib.Close()
			return download.Place(dst, io.LimitReader(lib, maxLibrary), b.sums...)
		})
}

// fromNPM downloads the package without installing it: its install script would
// download more, and nothing of it is to be run.
func (b build) fromNPM(ctx context.Context, dst string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("there is no npm on the PATH")
	}
	return fetch(ctx, dst, "*.tgz", []string{npm, "pack", "--silent", "onnxruntime-node@" + Version},
		func(archive *os.File, _ int64) error { return unpack(archive, b.npmMember, dst, b.sums) })
}

// fetch runs a package client in a folder of its own beside dst and hands the one
// file that it leaves there, which matches pattern, to use. The folder is not the
// system's temporary one, which may be memory: packages are large.
func fetch(ctx context.Context, dst, pattern string, client []string, use func(f *os.File, size int64) error) error {
	parent := filepath.Dir(dst)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(parent, ".package-*.part")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cmd := exec.CommandContext(ctx, client[0], client[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", filepath.Base(client[0]), client[1], err, lastLine(out))
	}
	got, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(got) != 1 {
		return fmt.Errorf("%s %s left %d packages, want 1", filepath.Base(client[0]), client[1], len(got))
	}
	f, err := os.Open(got[0])
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return use(f, info.Size())
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// unpack writes one member of a gzipped tar archive to dst.
func unpack(archive io.Reader, member, dst string, sums []string) error {
	zr, err := gzip.NewReader(archive)
	if err != nil {
		return fmt.Errorf("not a gzipped archive: %w", err)
	}
	tr := tar.NewReader(zr)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("the archive holds no %s", member)
		}
		if err != nil {
			return fmt.Errorf("reading the archive: %w", err)
		}
		if path.Clean(h.Name) == member && h.Typeflag == tar.TypeReg {
			return download.Place(dst, io.LimitReader(tr, maxLibrary), sums...)
		}
	}
}
