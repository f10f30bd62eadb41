package signals

import (
	"os/signal"
	"syscall"
	"testing"
)

// TestContext: a terminal that is closed ends the program, unless it was started with nohup.
func TestContext(t *testing.T) {
	hangUp := func() {
		t.Helper()
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		ctx, stop := Context()
		if err := syscall.Kill(syscall.Getpid(), s); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		stop()
	}
	signal.Ignore(syscall.SIGHUP) // as nohup has it
	defer signal.Reset(syscall.SIGHUP)
	ctx, stop := Context()
	defer stop()
	hangUp()
	// Signals come in order: when this one has come, that one would have.
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	if !signal.Ignored(syscall.SIGHUP) {
		t.Error("the hang-up is not ignored any more")
	}
}
