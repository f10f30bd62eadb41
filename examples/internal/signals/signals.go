// Package signals says what signals mean to the programs.
package signals

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

const (
	// Event says that something has happened that is to be recorded (kill -USR1 PID).
	Event = syscall.SIGUSR1
	// Confirm says that the policy's zones are right for what the camera sees now (kill
	// -USR2 PID). It is one that nothing sends by itself: a terminal that is closed sends
	// SIGHUP.
	Confirm = syscall.SIGUSR2
)

// Context returns a context that ends when the program is to end: by SIGINT (Ctrl-C),
// SIGTERM, or SIGHUP, its terminal being closed, unless it was started to go on without
// one (nohup). The signals are let go with stop.
func Context() (ctx context.Context, stop context.CancelFunc) {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		ends = append(ends, syscall.SIGHUP)
	}
	return signal.NotifyContext(context.Background(), ends...)
}
