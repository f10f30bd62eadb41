package memfile

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// open opens it so that the programs that this process starts inherit it: a process whose
// memory cannot be dumped does not own its files in /proc, and its children could not
// open them there.
func open(scratch string) (*os.File, error) {
	var fd int
	var err error
	if scratch == "" {
		fd, err = unix.MemfdCreate("recording", 0)
	} else {
		fd, err = unix.Open(scratch, unix.O_TMPFILE|unix.O_RDWR|unix.O_EXCL, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("room for a recording: %w", &os.PathError{Op: "open", Path: scratch, Err: err})
	}
	return os.NewFile(uintptr(fd), "recording"), nil
}

// Limit returns how much memory may be used for a recording: half of the machine's.
func Limit() int64 {
	var s unix.Sysinfo_t
	if err := unix.Sysinfo(&s); err != nil {
		return 1 << 30
	}
	return int64(s.Totalram) * int64(s.Unit) / 2
}
