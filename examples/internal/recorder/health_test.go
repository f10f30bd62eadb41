package recorder

import (
	"errors"
	"os"
	"testing"
	"time"
)

// TestStalled: a disk that does not answer is told of while the write hangs, and
// not once it is over.
func TestStalled(t *testing.T) {
	held, begun := make(chan struct{}), make(chan struct{})
	s := newScene(t, 64, 48)
	r := start(t, s.broadcaster, Options{Dir: t.TempDir()}, func(r *Recorder) {
		r.write = func(f *os.File, b []byte) (int, error) {
			select {
			case <-begun:
			default:
				close(begun)
				<-held
			}
			return f.Write(b)
		}
	})
	s.feed(60, nil)
	<-begun
	if err := r.Stats().Err; err != nil {
		t.Errorf("at once: %v", err)
	}
	// As if it had begun long ago.
	r.health.mu.Lock()
	r.health.since = r.health.since.Add(-stalledAfter - time.Second)
	r.health.mu.Unlock()
	if err := r.Stats().Err; !errors.Is(err, ErrStalled) {
		t.Errorf("while it hangs: %v", err)
	}
	close(held)
	wait(t, "the disk", func() bool { return r.Stats().Err == nil })
	stop(t, r)
}
