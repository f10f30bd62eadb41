package pipeline

import (
	"errors"
	"fmt"
	"time"
)

// errStuck is ErrStuck as it is told.
var errStuck = fmt.Errorf("%w after its context ended: %w", ErrStuck, ErrTimeout)

// firstError returns the first error, and with it the first of the others that says that a
// stage is stuck.
func firstError(errs ...error) (first error) {
	for _, err := range errs {
		switch {
		case err == nil:
		case first == nil:
			first = err
		case errors.Is(err, ErrStuck) && !errors.Is(first, ErrStuck):
			first = fmt.Errorf("%w; %w", first, err)
		}
	}
	return first
}

// join waits for a stage that was asked to end.
func join(stage string, ended <-chan error) error {
	late := time.NewTimer(2 * grace)
	defer late.Stop()
	select {
	case err := <-ended:
		return err
	case <-late.C:
		return &StageError{Stage: stage, Count: 1, Err: errStuck}
	}
}
