package ort

import (
	"archive/tar"
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
	// npmMember is the library in the npm package.
	npmMember string
	// sums are the SHA-256 of the library itself, out of the release archive and
	// out of the npm package: same version, built twice. That of the npm package
	// was taken from a copy that was run. The release archive could not be
	// fetched there: its library's sum is the one several public projects pin for
	// version 1.30.0. Were it wrong, the library would be refused and the npm
	// package tried.
	sums []string
}

const releases = "https://github.com/microsoft/onnxruntime/releases/download/v" + Version + "/"

var builds = map[string]build{
	"linux/amd64": {
		release:       releases + "onnxruntime-linux-x64-" + Version + ".tgz",
		releaseMember: "onnxruntime-linux-x64-" + Version + "/lib/libonnxruntime.so." + Version,
		npmMember:     "package/bin/napi-v6/linux/x64/libonnxruntime.so.1",
		sums: []string{
			"245a6f8c38127551057a1cd1ffd59f0a186a227ade4f3492dea2494eb565542e",
			"ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23",
		},
	},
	"linux/arm64": {
		release:       releases + "onnxruntime-linux-aarch64-" + Version + ".tgz",
		releaseMember: "onnxruntime-linux-aarch64-" + Version + "/lib/libonnxruntime.so." + Version,
		npmMember:     "package/bin/napi-v6/linux/arm64/libonnxruntime.so.1",
		sums: []string{
			"64e903a43a041240fd6bcffe0ac6d4fea47ef87bf24b9d097801bd00a9612a4b",
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
	dst, err := cached()
	if err != nil {
		return "", err
	}
	if isFile(dst) {
		return dst, nil
	}
	return "", nil
}

// Install puts the library into the user's cache folder and returns its path.
// It is taken from the project's release archive or, where that cannot be had,
// from the npm package, and only if its SHA-256 is a known one. A line for the
// user is written to log for each of these steps; progress may be nil.
func Install(ctx context.Context, log io.Writer, progress download.Progress) (string, error) {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	b, ok := builds[platform]
	if !ok {
		return "", fmt.Errorf("ONNX Runtime: no pinned library for %s; name one in %s", platform, Env)
	}
	dst, err := cached()
	if err != nil {
		return "", err
	}
	if err := b.install(ctx, dst, log, progress); err != nil {
		return "", err
	}
	return dst, nil
}

func (b build) install(ctx context.Context, dst string, log io.Writer, progress download.Progress) error {
	fmt.Fprintf(log, "downloading %s\n", b.release)
	archive, errRelease := download.Get(ctx, b.release, maxArchive, progress)
	if errRelease == nil {
		errRelease = unpack(bytes.NewReader(archive), b.releaseMember, dst, b.sums)
	}
	if errRelease == nil || ctx.Err() != nil {
		return errRelease
	}
	fmt.Fprintf(log, "%v\n", errRelease)
	fmt.Fprintf(log, "taking it from the npm package onnxruntime-node@%s instead (113 MB)\n", Version)
	errNPM := b.npm(ctx, dst)
	if errNPM == nil || ctx.Err() != nil {
		return errNPM
	}
	return fmt.Errorf("ONNX Runtime cannot be had: release archive: %w; npm: %w. There are three ways: "+
		"make the release archive (%s) reachable, make `npm pack onnxruntime-node@%s` work, or name a library of "+
		"version 1.24 or newer in %s", errRelease, errNPM, b.release, Version, Env)
}

// npm downloads the package without installing it: its install script would
// download more, and nothing of it is to be run.
func (b build) npm(ctx context.Context, dst string) error {
	if _, err := exec.LookPath("npm"); err != nil {
		return errors.New("there is no npm on the PATH")
	}
	parent := filepath.Dir(dst)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	// Beside the library and not in the system's temporary folder, which may be
	// memory: the package is large.
	dir, err := os.MkdirTemp(parent, ".npm-*.part")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cmd := exec.CommandContext(ctx, "npm", "pack", "--silent", "onnxruntime-node@"+Version)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm pack: %w: %s", err, lastLine(out))
	}
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return fmt.Errorf("npm pack left %d archives, want 1", len(archives))
	}
	f, err := os.Open(archives[0])
	if err != nil {
		return err
	}
	defer f.Close()
	return unpack(f, b.npmMember, dst, b.sums)
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
