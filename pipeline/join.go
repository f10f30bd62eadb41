package pipeline

import (
	"context"
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

// joinSink waits for the writer: for as long as it takes to write all frames, or,
// once ctx has ended, as for any stage.
func (r *run) joinSink(ctx context.Context) error {
	select {
	case err := <-r.sinkErr:
		return err
	case <-ctx.Done():
		return join("sink", r.sinkErr)
	}
}
