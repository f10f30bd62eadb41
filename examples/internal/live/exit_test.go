package live

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hedgecam/hedge/examples/internal/camera"
	"github.com/hedgecam/hedge/pipeline"
)

var errStuck = fmt.Errorf("hedge-n failed: %w", pipeline.ErrStuck)

// TestExitCode: a stage that is stuck has the program started again, whatever else is wrong.
func TestExitCode(t *testing.T) {
	refused := &camera.Error{}
	for want, errs := range map[int][]error{
		ExitUsage:  {refused},
		ExitFailed: {errors.New("a port is taken"), errStuck, errors.Join(refused, errStuck)},
	} {
		for _, err := range errs {
			if got := ExitCode(err); got != want {
				t.Errorf("%v: %d, want %d", err, got, want)
			}
		}
	}
}

// TestClose: what cannot be closed because a stage is stuck is left to the end of the process;
// otherwise it is waited for.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		begin := time.Now()
		if err := Close(errStuck, func() error { <-release; return nil }); err == nil || time.Since(begin) != closeTime {
			t.Errorf("stuck: %v after %v", err, time.Since(begin))
		}
		close(release)
		fault := errors.New("the disk is full")
		if err := Close(errStuck, func() error { return fault }); !errors.Is(err, fault) {
			t.Errorf("one that can be closed: %v", err)
		}
		begin = time.Now()
		if err := Close(nil, func() error { <-time.After(time.Minute); return fault }); !errors.Is(err, fault) || time.Since(begin) != time.Minute {
			t.Errorf("one that takes its time: %v after %v", err, time.Since(begin))
		}
	})
}
