package live

import (
	"errors"
	"os/exec"

	"github.com/hedgecam/hedge/examples/internal/camera"
	"github.com/hedgecam/hedge/examples/internal/detectors"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// The exit codes of programs with a camera. A supervisor starts them again after ExitFailed
// only.
const (
	ExitDone = 0
	// ExitFailed: what went wrong may be better at the next start, such as a port that is
	// taken or a device that is not there yet.
	ExitFailed = 1
	// ExitUsage: the next start would end in the same way.
	ExitUsage = 2
)

// ExitCode returns ExitUsage for an error that the next start would meet again, such as a
// password that the camera refuses, and ExitFailed for another. lasting are further errors
// of the first kind.
func ExitCode(err error, lasting ...error) int {
	var refused *camera.Error
	var none *detectors.Error
	if errors.As(err, &refused) || errors.As(err, &none) && !none.MayPass() {
		return ExitUsage
	}
	for _, e := range append(lasting, ffmpeg.ErrNotInstalled, exec.ErrNotFound) {
		if errors.Is(err, e) {
			return ExitUsage
		}
	}
	return ExitFailed
}
