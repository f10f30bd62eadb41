package main

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/stream"
)

// newTestBell returns a bell whose source is at the time that at holds, and a
// count of what it told.
func newTestBell(t *testing.T, stay time.Duration) (b *bell, broadcaster *stream.Broadcaster, at *atomic.Int64, told func(kind string) int) {
	t.Helper()
	broadcaster, err := stream.New(stream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	at = &atomic.Int64{}
	var mu sync.Mutex
	kinds := map[string]int{}
	b = newBell(broadcaster, stay, func() time.Duration { return time.Duration(at.Load()) }, func(kind, _ string) {
		mu.Lock()
		defer mu.Unlock()
		kinds[kind]++
	})
	t.Cleanup(func() {
		b.close()
		if err := broadcaster.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, broadcaster, at, func(kind string) int {
		mu.Lock()
		defer mu.Unlock()
		return kinds[kind]
	}
}

func TestBell(t *testing.T) {
	b, broadcaster, at, told := newTestBell(t, 100*time.Millisecond)
	if b.passes(time.Hour) || !broadcaster.Stats().Paused {
		t.Fatal("open before anybody rang")
	}
	at.Store(int64(10 * time.Second))
	b.ring()
	if broadcaster.Stats().Paused {
		t.Error("paused after the ring")
	}
	// No picture from before the ring, look-ahead or not.
	for after, want := range map[time.Duration]bool{9 * time.Second: false, 10 * time.Second: false, 10*time.Second + 1: true} {
		if got := b.passes(after); got != want {
			t.Errorf("a picture of %v passes: %v", after, got)
		}
	}
	b.ring() // again, while it is open: only longer
	eventually(t, "the bell closes", func() bool { _, open := b.left(); return !open && broadcaster.Stats().Paused })
	if b.passes(time.Hour) {
		t.Error("a picture passes after the time is over")
	}
	if told("ring") != 1 || told("ring over") != 1 {
		t.Errorf("told of %d rings, %d ends", told("ring"), told("ring over"))
	}
	b.ring()
	b.close()
	b.ring()
	if b.passes(time.Hour) || !broadcaster.Stats().Paused {
		t.Error("open after close")
	}
}

func TestKeys(t *testing.T) {
	b, _, _, told := newTestBell(t, time.Minute)
	a := &app{bell: b}
	a.keys(strings.NewReader(""))
	if told("ring") != 0 {
		t.Error("no key rang")
	}
	a.keys(strings.NewReader("\n"))
	if told("ring") != 1 {
		t.Error("the Enter key did not ring")
	}
}
