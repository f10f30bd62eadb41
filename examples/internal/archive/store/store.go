// Package store keeps an archive's files: in the object store of NATS JetStream, in a folder
// that all machines share, or in a bucket of S3. A file appears under its name when it is complete, and
// is never changed. Originals go through Vault, which encrypts them.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/internal/atomicfile"
)

// Errors of this package.
var (
	// ErrMissing: there is no file of that name.
	ErrMissing = errors.New("no such file in the store")
	// ErrFull: there is no room for the file. It can be tried again when there is.
	ErrFull = queue.ErrFull
)

// Store keeps files. Names are parts of lower-case letters, digits, "-", "_" and ".",
// divided by "/".
type Store interface {
	// Put stores what r gives, until io.EOF. If there is a file of that name it stays,
	// and r need not be read. On an error nothing is there.
	Put(ctx context.Context, name string, r io.Reader) error
	// Open opens a file for reading. The caller closes it.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	// Remove removes a file. One that is not there is no error.
	Remove(ctx context.Context, name string) error
}

var valid = regexp.MustCompile(`^[a-z0-9_-][a-z0-9_.-]*(/[a-z0-9_-][a-z0-9_.-]*)*$`)

func check(name string) error {
	if !valid.MatchString(name) {
		return fmt.Errorf("%q is no name of a file in the store", name)
	}
	return nil
}

// Folder keeps files in a folder.
type Folder string

// path returns where a file is.
func (f Folder) path(name string) (string, error) {
	return filepath.Join(string(f), filepath.FromSlash(name)), check(name)
}

// Put implements Store.
func (f Folder) Put(ctx context.Context, name string, r io.Reader) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return full(err)
	}
	err = atomicfile.Write(path, false, func(w *os.File) error {
		if err := w.Chmod(0o600); err != nil {
			return err
		}
		_, err := io.Copy(w, reader{ctx, r})
		return err
	})
	if errors.Is(err, atomicfile.ErrExists) {
		return nil // somebody else was faster, with the same
	}
	return full(err)
}

// Open implements Store.
func (f Folder) Open(_ context.Context, name string) (io.ReadCloser, error) {
	path, err := f.path(name)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", name, ErrMissing)
	}
	return file, err
}

// Remove implements Store.
func (f Folder) Remove(_ context.Context, name string) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// full makes errors of a folder that say that there is no room ErrFull.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// reader ends when its context does.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
