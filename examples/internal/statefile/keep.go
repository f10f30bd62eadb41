// Package statefile reads and writes the small files in which a program keeps what
// outlives a restart: policy, tokens, certificates, fingerprints of cameras. They
// are written in one step, so that a power cut leaves the old file or the new one.
package statefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hedgecam/hedge/internal/atomicfile"
)

// ErrShared says that others may read or change a file which must be the owner's
// alone.
var ErrShared = errors.New("others may use it")

const (
	groupOrOthersRead  fs.FileMode = 0o044
	groupOrOthersWrite fs.FileMode = 0o022
)

// Write puts data into a file of the mode given, whatever the umask, in a folder
// that is there.
func Write(path string, data []byte, mode fs.FileMode) error {
	return atomicfile.WriteData(path, data, mode)
}

// State is Write into a folder of the program's own, which it makes, for this user
// alone, if there is none.
func State(path string, data []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return Write(path, data, mode)
}

// Secret returns the content of a file that only its owner may read or write. The error
// is ErrShared if others may, or that of reading the file.
func Secret(path string) ([]byte, error) { return read(path, groupOrOthersRead|groupOrOthersWrite) }

// Owned returns what is in a file that nobody but its owner may write, such as a
// key that a group of services reads. Its errors are those of Secret.
func Owned(path string) ([]byte, error) { return read(path, groupOrOthersWrite) }

func read(path string, forbidden fs.FileMode) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&forbidden != 0 {
		return nil, fmt.Errorf("%w: %s has the rights %v; take them away with chmod go-%s %s, and change what is in it if others have used them",
			ErrShared, path, info.Mode().Perm(), letters(forbidden), path)
	}
	// Who may write the folder can put another file there.
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if dir.Mode().Perm()&groupOrOthersWrite != 0 && dir.Mode()&fs.ModeSticky == 0 {
		return nil, fmt.Errorf("%w: they may replace %s; take that away with chmod go-w %s", ErrShared, path, filepath.Dir(path))
	}
	return os.ReadFile(path)
}

func letters(m fs.FileMode) string {
	if m&groupOrOthersRead != 0 {
		return "rw"
	}
	return "w"
}
