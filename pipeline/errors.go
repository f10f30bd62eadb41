package pipeline

import (
	"errors"
	"fmt"

	"github.com/hedgecam/hedge/detect"
)

var (
	// ErrPicture is returned by a Source for one picture that cannot be
	// decoded. The pipeline drops the picture, counts it, and goes on.
	ErrPicture = errors.New("pipeline: picture cannot be decoded")

	// ErrRunning is returned by Run while another Run of the same pipeline is
	// under way: a pipeline serves one source at a time.
	ErrRunning = errors.New("pipeline: is running already")

	// ErrClosed is returned by a pipeline that was closed.
	ErrClosed = errors.New("pipeline: is closed")

	// ErrNotRunning is returned by what needs a Run under way.
	ErrNotRunning = errors.New("pipeline: is not running")

	// ErrNoDetector says that what was asked needs classes that none of
	// Config.Detectors finds.
	ErrNoDetector = errors.New("no detector finds")

	// ErrTimeout says that a detector did not answer within Config.Timeout.
	ErrTimeout = errors.New("no answer in time")

	// ErrStuck says that a stage did not return within a second of being asked, as a
	// detector that hangs in native code. Its goroutine is left behind, with all it holds,
	// and each further Run leaves one more: only a new process helps. To close what is stuck
	// may not return either. It may come beside another error.
	ErrStuck = errors.New("does not return")
)

// StageError is what Run returns when a stage failed so often in a row that
// the pipeline stopped. The frames that went out after the last good inference have
// everything outside of the property hidden. BackgroundPlate returns it when only the
// background plate needs what failed; then the pipeline goes on.
type StageError struct {
	// Stage names what failed: "source", "inspect", "redact", "sink", "preview",
	// "background plate", "detector", or the name of a detector or segmenter.
	Stage string
	// Count is how often it failed in a row.
	Count int
	// Err is the last failure.
	Err error
}

func (e *StageError) Error() string {
	if e.Count > 1 {
		return fmt.Sprintf("%s failed %d times in a row, last: %v", e.Stage, e.Count, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Stage, e.Err)
}

// Unwrap returns the last failure.
func (e *StageError) Unwrap() error { return e.Err }

// panicError is a panic of a stage, as an error.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// checkDetections reports as an OutputError what no detector may say: a class
// it did not announce, a score that is not one, a box outside of the picture.
func checkDetections(name string, ds []detect.Detection, may detect.ClassSet, within detect.Box) error {
	for _, d := range ds {
		switch {
		case !may.Has(d.Class):
			return &detect.OutputError{Network: name, Reason: fmt.Sprintf("class %v was not announced", d.Class)}
		case !(d.Score >= 0 && d.Score <= 1):
			return &detect.OutputError{Network: name, Reason: fmt.Sprintf("score %v", d.Score)}
		case !d.Box.Finite() || d.Box.Empty() || !within.Contains(d.Box):
			return &detect.OutputError{Network: name, Reason: fmt.Sprintf("box %v outside of the picture %v", d.Box, within)}
		}
	}
	return nil
}
