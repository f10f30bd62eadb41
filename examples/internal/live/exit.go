package live

import (
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/hedgecam/hedge/examples/internal/camera"
	"github.com/hedgecam/hedge/examples/internal/detectors"
	"github.com/hedgecam/hedge/pipeline"
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
//
// After pipeline.ErrStuck it is ExitFailed: only a new process helps.
func ExitCode(err error, lasting ...error) int {
	if errors.Is(err, pipeline.ErrStuck) {
		return ExitFailed
	}
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

// closeTime is how long a program in which a stage is stuck waits for what it closes.
const closeTime = 5 * time.Second

// Close closes what a program used until it ended with err, nil or not, and returns what went
// wrong. After pipeline.ErrStuck that may not return: it waits for five seconds then, and
// leaves the rest to the end of the process.
func Close(err error, closing func() error) error {
	if !errors.Is(err, pipeline.ErrStuck) {
		return closing()
	}
	done := make(chan error, 1)
	go func() { done <- closing() }()
	t := time.NewTimer(closeTime)
	defer t.Stop()
	select {
	case err := <-done:
		return err
	case <-t.C:
		return fmt.Errorf("not all could be closed within %v", closeTime)
	}
}
