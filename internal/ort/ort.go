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
// HEDGE_ORT_LIB names, else the one that was installed with the program, else the
// one that Install has put into the user's cache folder, else the system's, whose
// version may be any. If there is none the error is a *[NotFoundError].
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
	for _, path := range besideProgram() {
		if isFile(path) {
			return path, nil
		}
		notFound.Looked = append(notFound.Looked, path)
	}
	if path, err := cached(runtime.GOARCH); err == nil {
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

// executable returns the running program's file. It is a variable for tests.
var executable = os.Executable

// besideProgram returns where a package puts the library: with bin/PROGRAM goes
// lib/hedge/libonnxruntime.so.1. Whoever can write there can replace the program too.
func besideProgram() []string {
	program, err := executable()
	if err != nil {
		return nil
	}
	if resolved, err := filepath.EvalSymlinks(program); err == nil {
		program = resolved
	}
	dir := filepath.Dir(program)
	if filepath.Base(dir) != "bin" {
		return nil
	}
	return []string{filepath.Join(filepath.Dir(dir), "lib", "hedge", "libonnxruntime.so.1")}
}

// cached returns where Install puts the library for an architecture, which is part of
// the name because a home folder may be shared between machines.
func cached(arch string) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "hedge", "onnxruntime-"+Version, arch, "libonnxruntime.so.1"), nil
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
