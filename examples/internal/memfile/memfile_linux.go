package memfile

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// leastNumber is the least number of the file in this process: package ffmpeg hands it to the
// ffmpeg that decodes under the same number, where that has none of its own.
const leastNumber = 64

// open opens it so that no program inherits it. A process whose memory cannot be dumped does
// not own its files in /proc, and its children could not open them there.
func open(scratch string) (*os.File, error) {
	fail := func(err error) (*os.File, error) {
		return nil, fmt.Errorf("room for a recording: %w", &os.PathError{Op: "open", Path: scratch, Err: err})
	}
	var fd int
	var err error
	if scratch == "" {
		fd, err = unix.MemfdCreate("recording", unix.MFD_CLOEXEC)
	} else {
		fd, err = unix.Open(scratch, unix.O_TMPFILE|unix.O_RDWR|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
	}
	if err != nil {
		return fail(err)
	}
	number, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, leastNumber)
	if err = errors.Join(err, unix.Close(fd)); err != nil {
		return fail(err)
	}
	return os.NewFile(uintptr(number), "recording"), nil
}

// Limit returns how much memory may be used for a recording: half of the machine's.
func Limit() int64 {
	var s unix.Sysinfo_t
	if err := unix.Sysinfo(&s); err != nil {
		return 1 << 30
	}
	return int64(s.Totalram) * int64(s.Unit) / 2
}
