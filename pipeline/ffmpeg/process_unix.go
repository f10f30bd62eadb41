//go:build unix && !linux

package ffmpeg

import (
	"os"
	"syscall"
)

// processAttributes keeps a Ctrl-C at the terminal from the program, so that
// its pictures can be brought to an end.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// widen does nothing: the size of a pipe is fixed.
func widen(*os.File) {}

// stopped reports nothing: only Linux tells.
func stopped(int) bool { return false }
