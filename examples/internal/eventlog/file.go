package eventlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/hedgecam/hedge/internal/atomicfile"
)

// maxBytes is how long the file becomes before it is rotated.
const maxBytes = 32 << 20

// Older returns the name that the file of events gets when it is rotated. What had that name
// is gone then.
func Older(path string) string {
	if to, err := atomicfile.Target(path); err == nil { // a link is followed
		path = to
	}
	return path + ".1"
}

// file is a file of events that is rotated. Devices and pipes are not.
type file struct {
	*os.File
	path string // which is no link
	max  int64
}

func openFile(path string, most int64) (*file, error) {
	to := path
	if info, err := os.Stat(path); err != nil || info.Mode().IsRegular() { // a link to a pipe names no file
		if to, err = atomicfile.Target(path); err != nil {
			return nil, fmt.Errorf("events: %w", err)
		}
	}
	f, err := os.OpenFile(to, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	return &file{f, to, most}, nil
}

// rotate begins a new file, and keeps the one before as the older one, if it would become
// too long with so many more bytes. It reports whether it did. After an error all goes on in
// the same file.
func (f *file) rotate(more int) (rotated bool, err error) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 || info.Size()+int64(more) <= f.max {
		return false, err
	}
	// One that somebody has moved away, or replaced, is theirs.
	switch now, err := os.Stat(f.path); {
	case err == nil && os.SameFile(info, now):
		if err := os.Rename(f.path, Older(f.path)); err != nil {
			return false, err
		}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	next, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return false, err
	}
	err = f.Close()
	f.File = next
	return true, err
}

// torn reports whether a file ends in the midst of a line. One that cannot be read may: an
// empty line costs nothing.
func (f *file) torn() bool {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false
	}
	r, err := os.Open(f.Name())
	if err != nil {
		return true
	}
	defer r.Close()
	var last [1]byte
	_, err = r.ReadAt(last[:], info.Size()-1)
	return err != nil || last[0] != '\n'
}
