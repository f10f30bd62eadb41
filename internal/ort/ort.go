// Package ort finds the shared library of ONNX Runtime, and gets a pinned
// version of it.
package ort

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Version is the version of ONNX Runtime that Install gets.
const Version = "1.30.0"

// Env is the environment variable that names the shared library to use.
const Env = "HEDGE_ORT_LIB"

// NotFoundError says that no shared library was found. Its text names the ways
// to get one.
type NotFoundError struct {
	// Looked lists the files and folders that were looked at.
	Looked []string
}

func (e *NotFoundError) Error() string {
	return "ONNX Runtime is missing: no shared library at " + strings.Join(e.Looked, ", ") + ". " + ways
}

// ways tells the ways to get the library, in one sentence.
const ways = "Run `go run github.com/hedgecam/hedge/models/cmd/models runtime`, or put " +
	"libonnxruntime.so of the onnxruntime " + Version + " release archive, of the Python package onnxruntime==" + Version +
	" or of the npm package onnxruntime-node@" + Version + " anywhere and name it in " + Env

// Library returns the path of ONNX Runtime's shared library: the one that
// HEDGE_ORT_LIB names, else the one that Install has put into the user's cache
// folder, else the system's, whose version may be any. If there is none the
// error is a *[NotFoundError].
func Library() (string, error) {
	if path := os.Getenv(Env); path != "" {
		info, err := os.Stat(path)
		if err != nil {
			return "", fmt.Errorf("ONNX Runtime, named by %s: %w (unset it, or name a libonnxruntime.so)", Env, err)
		}
		if !info.Mode().IsRegular() {
			return "", fmt.Errorf("ONNX Runtime, named by %s: %s is not a file (unset it, or name a libonnxruntime.so)", Env, path)
		}
		return path, nil
	}
	notFound := &NotFoundError{Looked: []string{Env + " (not set)"}}
	if path, err := cached(); err == nil {
		if isFile(path) {
			return path, nil
		}
		notFound.Looked = append(notFound.Looked, path)
	}
	for _, dir := range systemDirs() {
		for _, name := range systemNames() {
			if path := filepath.Join(dir, name); isFile(path) {
				return path, nil
			}
		}
		notFound.Looked = append(notFound.Looked, dir)
	}
	return "", notFound
}

// cached returns where Install puts the library. The architecture is part of it
// because a home folder may be shared between machines.
func cached() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "hedge", "onnxruntime-"+Version, runtime.GOARCH, "libonnxruntime.so.1"), nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func systemNames() []string {
	if runtime.GOOS == "darwin" {
		return []string{"libonnxruntime.dylib"}
	}
	return []string{"libonnxruntime.so.1", "libonnxruntime.so"}
}

func systemDirs() []string {
	if runtime.GOOS == "darwin" {
		return []string{"/opt/homebrew/lib", "/usr/local/lib"}
	}
	dirs := []string{"/usr/local/lib"}
	switch runtime.GOARCH {
	case "amd64":
		dirs = append(dirs, "/usr/lib/x86_64-linux-gnu", "/usr/lib64")
	case "arm64":
		dirs = append(dirs, "/usr/lib/aarch64-linux-gnu", "/usr/lib64")
	}
	return append(dirs, "/usr/lib")
}
