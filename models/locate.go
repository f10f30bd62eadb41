package models

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hedgecam/hedge/internal/download"
)

// Env is the environment variable that names a folder of weights.
const Env = "HEDGE_MODELS"

// Options say how a model's weights are found. The zero value looks everywhere
// and downloads what is missing.
type Options struct {
	// Path is the file to use; nothing else is looked at. It defaults to "", which
	// looks in the folder that HEDGE_MODELS names, then in the user's cache
	// folder, then downloads the file into the latter.
	Path string
	// Offline forbids the download. It defaults to false.
	Offline bool
	// Progress, if not nil, is told how many bytes of the download have come and
	// how many there are, -1 if the server does not say. It is called by the
	// goroutine that calls Locate or Load.
	Progress func(done, total int64)
}

// ChecksumError says that a file is not the one that the manifest names, with both
// sums.
type ChecksumError = download.SumError

// NotFoundError says that a model's weights were not found.
type NotFoundError struct {
	// Model is the model's name.
	Model string
	// File is the name of the file that was looked for.
	File string
	// Looked lists the places, as text to show.
	Looked []string
	// Err is why the download failed; nil if none was tried.
	Err error
}

func (e *NotFoundError) Error() string {
	s := fmt.Sprintf("models: %s: no %s (looked at %s", e.Model, e.File, strings.Join(e.Looked, ", "))
	if e.Err != nil {
		// Joined errors of several addresses: one line all the same.
		s += "; download: " + strings.ReplaceAll(e.Err.Error(), "\n", "; ")
	}
	return s + "); get it with `go run github.com/hedgecam/hedge/models/cmd/models fetch " + e.Model +
		"`, or name a folder that holds it in " + Env
}

// Unwrap returns the error of the download.
func (e *NotFoundError) Unwrap() error { return e.Err }

// ErrEmbedded is returned by Locate for a model that is part of the program and
// has no path; Load returns its bytes.
var ErrEmbedded = errors.New("models: the weights are embedded and have no path")

// Locate returns the path of the model's weights, checked against the manifest.
//
// A file that is there but is not the right one is a *[ChecksumError]: it is not
// skipped. Missing weights that cannot be downloaded are a *[NotFoundError].
func (m Model) Locate(ctx context.Context, o Options) (string, error) {
	if m.Embedded && o.Path == "" {
		return "", ErrEmbedded
	}
	if o.Path != "" {
		return o.Path, m.Check(o.Path)
	}
	notFound := &NotFoundError{Model: m.Name, File: m.File}
	if dir := os.Getenv(Env); dir != "" {
		notFound.Looked = append(notFound.Looked, Env+"="+dir)
		path := filepath.Join(dir, m.File)
		if err := m.Check(path); !errors.Is(err, fs.ErrNotExist) {
			return path, err
		}
	} else {
		notFound.Looked = append(notFound.Looked, Env+" (not set)")
	}
	dir, err := CacheDir()
	if err != nil {
		notFound.Err = err
		return "", notFound
	}
	notFound.Looked = append(notFound.Looked, dir)
	path := filepath.Join(dir, m.File)
	if err := m.Check(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	if o.Offline {
		return "", notFound
	}
	if err := m.download(ctx, path, o.Progress); err != nil {
		if ctx.Err() != nil {
			return "", m.wrap(ctx.Err())
		}
		notFound.Err = err
		return "", notFound
	}
	return path, nil
}

// Load returns the model's weights, which the caller must not change. They are
// found as [Model.Locate] finds them, and what is returned is what was checked.
func (m Model) Load(ctx context.Context, o Options) ([]byte, error) {
	if m.Embedded && o.Path == "" {
		data := embedded[m.Name]
		return data, m.wrap(download.Check(m.File+" (embedded)", data, m.SHA256))
	}
	path, err := m.Locate(ctx, o)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, m.wrap(err)
	}
	if err := download.Check(path, data, m.SHA256); err != nil {
		return nil, m.wrap(err)
	}
	return data, nil
}

// Check returns nil if the file at path is the model's, a *[ChecksumError] if it
// is another, and the error of opening or reading it otherwise.
func (m Model) Check(path string) error {
	return m.wrap(download.CheckFile(path, m.SHA256))
}

// CacheDir returns the folder that downloaded weights are kept in.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("models: no cache folder: %w", err)
	}
	return filepath.Join(dir, "hedge", "models"), nil
}

// Fetch downloads the weights into the user's cache folder, in place of a copy
// that is there, and returns their path. If they cannot be had the error is a
// *[NotFoundError], and a copy that was there stays. progress may be nil.
func (m Model) Fetch(ctx context.Context, progress func(done, total int64)) (string, error) {
	if m.Embedded {
		return "", ErrEmbedded
	}
	dir, err := CacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, m.File)
	if err := m.download(ctx, path, progress); err != nil {
		if ctx.Err() != nil {
			return "", m.wrap(ctx.Err())
		}
		return "", &NotFoundError{Model: m.Name, File: m.File, Looked: []string{dir}, Err: err}
	}
	return path, nil
}

// download tries the addresses of the source in turn. Files of another size or
// sum than the published one are refused, so that only the known bytes are ever
// parsed.
func (m Model) download(ctx context.Context, path string, progress download.Progress) error {
	var errs []error
	for _, url := range m.Source.URLs {
		data, err := download.Get(ctx, url, m.Source.Bytes, progress)
		if err == nil {
			err = download.Check(url, data, m.Source.SHA256)
		}
		if err == nil {
			return m.install(path, data)
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// install makes the model's file out of the published one.
func (m Model) install(path string, published []byte) error {
	data, err := m.derive(published)
	if err != nil {
		return err
	}
	return download.Place(path, bytes.NewReader(data), m.SHA256)
}

// derive returns the published file with the manifest's axes made symbolic.
func (m Model) derive(published []byte) ([]byte, error) {
	if len(m.Source.Symbolic) == 0 {
		return published, nil
	}
	return makeSymbolic(published, m.Source.Symbolic)
}

func (m Model) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("models: %s: %w", m.Name, err)
}
