package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/stream"
)

// newTestBell returns a bell whose source is at the time that at holds, and a
// count of what it told.
func newTestBell(t *testing.T, stay time.Duration) (b *bell, hub *stream.Hub, at *atomic.Int64, told func(kind string) int) {
	t.Helper()
	hub, err := stream.New(stream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	at = &atomic.Int64{}
	var mu sync.Mutex
	kinds := map[string]int{}
	b = newBell(hub, stay, func() time.Duration { return time.Duration(at.Load()) }, func(kind, _ string) {
		mu.Lock()
		defer mu.Unlock()
		kinds[kind]++
	})
	t.Cleanup(func() {
		b.close()
		if err := hub.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, hub, at, func(kind string) int {
		mu.Lock()
		defer mu.Unlock()
		return kinds[kind]
	}
}

func TestBell(t *testing.T) {
	b, hub, at, told := newTestBell(t, 100*time.Millisecond)
	if b.passes(time.Hour) || !hub.Stats().Paused {
		t.Fatal("open before anybody rang")
	}
	at.Store(int64(10 * time.Second))
	b.ring()
	if hub.Stats().Paused {
		t.Error("paused after the ring")
	}
	// No picture from before the ring, look-ahead or not.
	for after, want := range map[time.Duration]bool{9 * time.Second: false, 10 * time.Second: false, 10*time.Second + 1: true} {
		if got := b.passes(after); got != want {
			t.Errorf("a picture of %v passes: %v", after, got)
		}
	}
	b.ring() // again, while it is open: only longer
	eventually(t, "the bell closes", func() bool { _, open := b.left(); return !open && hub.Stats().Paused })
	if b.passes(time.Hour) {
		t.Error("a picture passes after the time is over")
	}
	if told("ring") != 1 || told("ring over") != 1 {
		t.Errorf("told of %d rings, %d ends", told("ring"), told("ring over"))
	}
	b.ring()
	b.close()
	b.ring()
	if b.passes(time.Hour) || !hub.Stats().Paused {
		t.Error("open after close")
	}
}

func TestKeys(t *testing.T) {
	b, _, _, told := newTestBell(t, time.Minute)
	b.keys(strings.NewReader(""))
	if told("ring") != 0 {
		t.Error("no key rang")
	}
	b.keys(strings.NewReader("\n"))
	if told("ring") != 1 {
		t.Error("the Enter key did not ring")
	}
}

func TestGPIO(t *testing.T) {
	b, _, _, told := newTestBell(t, 60*time.Millisecond)
	path := filepath.Join(t.TempDir(), "value")
	set := func(text string) {
		t.Helper()
		writeFile(t, path+".new", text)
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	set("1\n")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.gpio(ctx, path, "1")
	}()
	// Held at the start, then let go: the button has to be seen at rest first, so
	// press until it rings.
	set("0\n")
	eventually(t, "a press rings", func() bool {
		set("0\n")
		settle(t)
		set("1\n")
		settle(t)
		return told("ring") > 0
	})
	// Held: the time runs out, and it does not ring again.
	eventually(t, "the time runs out", func() bool { return told("ring over") == told("ring") })
	rings := told("ring")
	settle(t)
	if told("ring") != rings {
		t.Error("a button that is held rang again")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a lost button is told of", func() bool { return told("bell lost") == 1 })
	set("1\n")
	eventually(t, "a button that is back is told of", func() bool { return told("bell back") == 1 })
	if told("ring") != rings {
		t.Error("a button that came back held rang")
	}
	cancel()
	<-done
}

// settle waits for three looks at the button.
func settle(t *testing.T) {
	t.Helper()
	timer := time.NewTimer(3 * gpioEvery)
	defer timer.Stop()
	<-timer.C
}

func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	var mu sync.Mutex
	var told []event
	j, err := openJournal(path, nil, func(e event) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, e)
	})
	if err != nil {
		t.Fatal(err)
	}
	for range kept + 5 {
		j.add("ring", "a \"quoted\"\ntext")
	}
	if n := len(j.last()); n != kept {
		t.Errorf("%d events for the page", n)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j.add("late", "") // does nothing
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) != kept+5 || len(told) != kept+5 {
		t.Fatalf("%d lines, %d told", len(lines), len(told))
	}
	for _, line := range lines {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Kind != "ring" || e.Time.IsZero() {
			t.Fatalf("%q: %v", line, err)
		}
	}
	if err := j.Close(); err == nil {
		t.Error("closed twice without a word")
	}
}

// TestJournalDoesNotWait: a reader of events that hangs delays nobody.
func TestJournalDoesNotWait(t *testing.T) {
	hang := make(chan struct{})
	j, err := openJournal("", nil, func(event) { <-hang })
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * queuedEvents {
		j.add("ring", "")
	}
	if all, dropped := j.counts(); all != 2*queuedEvents || dropped < queuedEvents-1 {
		t.Errorf("%d events, %d dropped", all, dropped)
	}
	close(hang)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}
