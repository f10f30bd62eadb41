// Package program runs examples/doorbell, as it is built for its users, for the
// programs of bench that measure it.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Said keeps what a process writes. It may be used by any goroutine.
type Said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (s *Said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// String returns everything that was written.
func (s *Said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Lines returns what is not empty.
func (s *Said) Lines() (list []string) {
	for line := range strings.Lines(s.String()) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// Child is a process that is started by Start.
type Child struct {
	Cmd      *exec.Cmd
	Out, Err Said          // what it writes
	Ended    chan struct{} // closed when it has ended
	Result   error         // of exec.Cmd.Wait, valid then
}

// patience is how long a process may take to end when it was told to.
const patience = 15 * time.Second

// Prepare returns a child yet to be started, which is told to end when ctx does.
func Prepare(ctx context.Context, name string, args ...string) *Child {
	c := &Child{Cmd: exec.CommandContext(ctx, name, args...), Ended: make(chan struct{})}
	c.Cmd.Stdout, c.Cmd.Stderr = &c.Out, &c.Err
	c.Cmd.Cancel = func() error { return c.Cmd.Process.Signal(os.Interrupt) }
	c.Cmd.WaitDelay = patience
	return c
}

// Start starts the process.
func (c *Child) Start() error {
	if err := c.Cmd.Start(); err != nil {
		return err
	}
	go func() {
		c.Result = c.Cmd.Wait()
		close(c.Ended)
	}()
	return nil
}

// Stop tells the process to end, and kills it if it does not.
func (c *Child) Stop() error {
	if err := c.Cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return c.Wait()
}

// Close stops the process if it still runs.
func (c *Child) Close() error {
	select {
	case <-c.Ended:
		return nil
	default:
		return c.Stop()
	}
}

// Wait waits for the process's end. A process that does not end within a while is killed,
// which its result says.
func (c *Child) Wait() error {
	kill := time.AfterFunc(patience, func() { _ = c.Cmd.Process.Kill() }) // it may just have ended
	defer kill.Stop()
	<-c.Ended
	return c.Result
}

// ErrInVain says that the time of Until is over.
var ErrInVain = errors.New("in vain")

// Until waits until f says so, fails, or the time is over.
func Until(ctx context.Context, most time.Duration, f func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("waited for %v %w", most, ErrInVain))
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if done, err := f(); done || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
