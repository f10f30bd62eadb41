package recorder

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ErrTaken says that a folder is another recorder's, of this program or of another one.
var ErrTaken = errors.New("another camera or program records into it: end that, or name another folder")

// lock keeps a folder for one recorder. The folder itself is locked, so that no file is
// needed, and what ends a program in whatever way frees it. One that is made anew in its place
// is not locked.
type lock struct{ folder *os.File }

// lockFolder locks a folder. Where there is no lock for it, as on some network shares, it
// locks nothing.
//
// Errors: ErrTaken, or that of the file system.
func lockFolder(dir string) (lock, error) {
	f, err := os.Open(dir)
	if err != nil {
		return lock{}, fmt.Errorf("recorder: folder for recordings: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return lock{}, errors.Join(fmt.Errorf("recorder: folder for recordings: %s: %w", dir, ErrTaken), f.Close())
	}
	return lock{f}, nil
}

// free frees the folder.
func (l lock) free() {
	// A child that is just being started has the folder open for a moment longer, so that
	// closing it does not do.
	_ = syscall.Flock(int(l.folder.Fd()), syscall.LOCK_UN)
	_ = l.folder.Close()
}
