package ffmpeg

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// processAttributes keeps a Ctrl-C at the terminal from the program, so that
// its pictures can be brought to an end, and ends it when this process is
// killed.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// fSetPipeSize is F_SETPIPE_SZ of fcntl(2).
const fSetPipeSize = 1031

// widen lets a pipe hold 1 MiB, the most that a user may ask for by default, so
// that a picture passes in few switches between the processes. A pipe that
// stays as it is works too.
func widen(f *os.File) {
	c, err := f.SyscallConn()
	if err != nil {
		return
	}
	// An error means that the limit of the user's pipes is reached.
	_ = c.Control(func(fd uintptr) {
		_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, fSetPipeSize, 1<<20)
	})
}

// stopped reports whether a process stands still because of a signal such as
// SIGSTOP.
func stopped(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// The state follows the name, which may contain anything.
	_, rest, _ := bytes.Cut(data[bytes.LastIndexByte(data, ')')+1:], []byte(" "))
	return bytes.HasPrefix(rest, []byte("T"))
}
