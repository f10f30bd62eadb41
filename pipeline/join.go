package pipeline

import (
	"fmt"
	"time"
)

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// join waits for a stage that was asked to end.
func join(stage string, ended <-chan error) error {
	late := time.NewTimer(2 * grace)
	defer late.Stop()
	select {
	case err := <-ended:
		return err
	case <-late.C:
		return &StageError{Stage: stage, Count: 1, Err: fmt.Errorf("does not return after its context ended: %w", ErrTimeout)}
	}
}
