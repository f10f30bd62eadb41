package recorder

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
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

// TestRoomWhileIdle: that there is room again shows although nothing comes that could be
// written, as with a doorbell at which nobody rings for days.
func TestRoomWhileIdle(t *testing.T) {
	s, dir, w := newScene(t, 64, 48), t.TempDir(), &limitedWriter{}
	var ev events
	var attempts atomic.Int64
	r := start(t, s.broadcaster, Options{Dir: dir, OnEvent: ev.add}, func(r *Recorder) {
		r.write = func(f *os.File, b []byte) (int, error) {
			attempts.Add(1)
			return w.write(f, b)
		}
	})
	w.full.Store(true)
	s.feed(60, r.sub.C)
	wait(t, "attempts without anything to write", func() bool { return attempts.Load() > 4 })
	if err := r.Stats().Err; !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the disk is full: %v", err)
	}
	w.full.Store(false)
	wait(t, "room", func() bool { return r.Stats().Err == nil })
	if got := ev.of(Recovered); len(got) != 1 || got[0].Path != dir {
		t.Errorf("recovered: %+v", got)
	}
	s.feed(60, r.sub.C)
	stop(t, r)
	paths := files(t, dir)
	if len(paths) != 1 {
		t.Fatalf("%q", paths)
	}
	look(t, paths[0])
	if len(ev.of(Failed)) != 1 || len(ev.of(Recovered)) != 1 {
		t.Errorf("%+v", ev.all)
	}
	nothingElse(t, dir)
}
