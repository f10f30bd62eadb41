package doorbell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// busyEnv makes the test program another one, which takes that share of each core until
// its standard input ends.
const busyEnv = "HEDGE_BENCH_BUSY"

func TestMain(m *testing.M) {
	share, err := strconv.ParseFloat(os.Getenv(busyEnv), 64)
	if err != nil {
		os.Exit(m.Run())
	}
	for range runtime.NumCPU() {
		go take(share)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // it ends either way
}

// take works for a share of each 30 ms.
func take(share float64) {
	const period = 30 * time.Millisecond
	for next := time.Now(); ; next = next.Add(period) {
		for end := next.Add(time.Duration(share * float64(period))); time.Now().Before(end); {
			continue
		}
		<-time.After(time.Until(next.Add(period)))
	}
}

// keepBusy has another process take a share of each core until end is called.
func keepBusy(ctx context.Context, share float64) (end func() error, err error) {
	if !(share >= 0 && share < 1) {
		return nil, fmt.Errorf("-busy %v: must be from 0 to less than 1", share)
	}
	if share == 0 {
		return func() error { return nil }, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%v", busyEnv, share))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() error { return errors.Join(stdin.Close(), cmd.Wait()) }, nil
}
