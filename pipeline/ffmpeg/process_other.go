//go:build !unix

package ffmpeg

import (
	"os"
	"syscall"
)

// processAttributes asks for nothing: this system has no process groups.
func processAttributes() *syscall.SysProcAttr { return nil }

// widen does nothing: the size of a pipe is fixed.
func widen(*os.File) {}

// stopped reports nothing: only Linux tells.
func stopped(int) bool { return false }
