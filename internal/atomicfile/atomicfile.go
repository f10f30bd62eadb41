// Package atomicfile writes files that appear under their name only when they are
// complete and safe on disk. Until then the bytes lie in a part file in the same
// folder, whose name begins with a dot and ends in ".part".
package atomicfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"unicode/utf8"
)

// Why a file is not written.
var (
	// ErrExists: there is a file of that name, and it may not be replaced.
	ErrExists = errors.New("it exists already")
	// ErrNoFile: there is something of that name that is no regular file, such as
	// a folder or a device.
	ErrNoFile = errors.New("it is not a file that can be replaced")
)

// maxLinks is how many links are followed one after the other, as Linux does.
const maxLinks = 40

// Target returns the file that a name leads to through symbolic links; it need not
// exist. So a link stays, and what it leads to is written.
func Target(name string) (string, error) {
	for range maxLinks {
		to, err := os.Readlink(name)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EINVAL) {
				return name, nil // nothing there, or no link
			}
			return "", err
		}
		if !filepath.IsAbs(to) {
			// Not Join: it would take "..", which may follow a linked folder, for
			// what stands before it.
			to = filepath.Dir(name) + string(filepath.Separator) + to
		}
		name = to
	}
	return "", &fs.PathError{Op: "follow links", Path: name, Err: syscall.ELOOP}
}

// keep is how many bytes of a file's name its part file has: few enough for every
// file system, whatever the name.
const keep = 64

// Create makes a new part file for the file final, open for writing. final is as
// [Target] returns it.
func Create(final string) (*os.File, error) { return create(final, 0o666) }

func create(final string, mode fs.FileMode) (*os.File, error) {
	name := filepath.Join(filepath.Dir(final), "."+Cut(filepath.Base(final), keep)+"."+rand.Text()+".part")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, mode)
	return f, named(err, name, final)
}

// named returns the error with the file's own name in place of that of its part file,
// which says nothing to who reads it and is another one each time.
func named(err error, part, final string) error {
	var p *fs.PathError
	if errors.As(err, &p) && p.Path == part {
		p.Path = final
	}
	var l *os.LinkError
	if errors.As(err, &l) && l.Old == part {
		l.Old = final
	}
	return err
}

// Cut returns the first at most n bytes of a name, in whole characters.
func Cut(name string, n int) string {
	if len(name) <= n {
		return name
	}
	for n > 0 && !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n]
}

// Publish gives the part file, which is closed, its name, after its bytes are on
// disk. Where replace is not set, a file of that name stays, and Publish returns
// [ErrExists] and leaves the part file.
func Publish(part, final string, replace bool) error {
	if err := sync(part); err != nil {
		return err
	}
	if err := name(part, final, replace); err != nil {
		return err
	}
	// Not every file system can do that for a folder.
	if err := sync(filepath.Dir(final)); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}

func name(part, final string, replace bool) error {
	if replace {
		return os.Rename(part, final)
	}
	// A second name is refused where there is one already; a new name is not.
	err := os.Link(part, final)
	switch {
	case err == nil:
		return os.Remove(part)
	case errors.Is(err, fs.ErrExist):
		return ErrExists
	}
	// A file system without second names.
	if _, err := os.Lstat(final); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(ErrExists, err)
	}
	return os.Rename(part, final)
}

// sync waits until the file or folder is on disk.
func sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Check reports whether a file can be written under the name: its folder is there
// and can be written to, and what bears the name may be replaced. Errors are
// [ErrExists], [ErrNoFile] and those of the file system.
func Check(name string, replace bool) error {
	final, err := Target(name)
	if err != nil {
		return err
	}
	switch st, err := os.Stat(final); {
	case err == nil && !st.Mode().IsRegular():
		return ErrNoFile
	case err == nil && !replace:
		return ErrExists
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	f, err := Create(final)
	var pe *fs.PathError
	if errors.As(err, &pe) {
		// The name of the part file would only puzzle.
		return Folder(final, pe.Err)
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// Folder says why nothing can be written beside the file.
func Folder(final string, err error) error {
	hint := ""
	if errors.Is(err, fs.ErrNotExist) {
		hint = " (make the folder first)"
	}
	return fmt.Errorf("cannot write in folder %q: %w%s", filepath.Dir(final), err, hint)
}

// WriteData puts data into a file of the mode given, whatever the umask, in place of
// what is there. Nobody else can read it before it has that mode.
func WriteData(name string, data []byte, mode fs.FileMode) error {
	return writeFile(name, true, 0o600, func(f *os.File) error {
		if _, err := f.Write(data); err != nil {
			return err
		}
		return f.Chmod(mode)
	})
}

// Write writes a file: write gets the part file, which it does not close. On error
// nothing is left, and what was there before stays as it was.
func Write(name string, replace bool, write func(*os.File) error) error {
	return writeFile(name, replace, 0o666, write)
}

func writeFile(name string, replace bool, mode fs.FileMode, write func(*os.File) error) (err error) {
	final, err := Target(name)
	if err != nil {
		return err
	}
	f, err := create(final, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := write(f); err != nil {
		return errors.Join(named(err, f.Name(), final), f.Close())
	}
	if err := f.Close(); err != nil {
		return named(err, f.Name(), final)
	}
	return named(Publish(f.Name(), final, replace), f.Name(), final)
}
