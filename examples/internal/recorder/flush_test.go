package recorder

import (
	"testing"
	"time"
)

// TestRingFlushed: what the broadcaster threw away is in no file that is written later, and
// an event under way goes on with what comes afterwards, in another file.
func TestRingFlushed(t *testing.T) {
	dir := t.TempDir()
	s := newScene(t, 64, 48)
	var ev events
	r := startRing(t, s.broadcaster, RingOptions{Dir: dir, OnEvent: ev.add}, nil)
	s.feed(100, r.sub.C)
	settle(t, s, r)
	s.broadcaster.Flush()
	wait(t, "the ring to be empty", func() bool { return r.Stats().Memory == 0 })
	s.feed(50, r.sub.C)
	settle(t, s, r)
	r.Trigger(time.Hour, 10*time.Second)
	wait(t, "the file", func() bool { return r.Stats().Saving && len(files(t, dir)) == 1 })
	s.feed(50, r.sub.C)
	settle(t, s, r)
	s.broadcaster.Flush()
	wait(t, "the end of the file", func() bool { return len(ev.of(Saved)) == 1 })
	s.feed(75, r.sub.C)
	settle(t, s, r)
	stop(t, r)
	paths := files(t, dir)
	if len(paths) != 2 {
		t.Fatalf("%q", paths)
	}
	// Of the 100 between the flushes up to one fragment was not on the disk yet.
	if _, n := look(t, paths[0]); n < 50 || n > 100 {
		t.Errorf("%d pictures in the first file", n)
	}
	if _, n := look(t, paths[1]); n != 75 {
		t.Errorf("%d pictures in the second file", n)
	}
	nothingElse(t, dir)
}

// TestRecorderFlushed: what was not written yet is left out, and the recording goes
// on in another file.
func TestRecorderFlushed(t *testing.T) {
	dir := t.TempDir()
	s := newScene(t, 64, 48)
	var ev events
	r := start(t, s.broadcaster, Options{Dir: dir, OnEvent: ev.add}, nil)
	s.feed(30, r.sub.C) // a fragment of a second, and a fifth of another one
	wait(t, "the first fragment", func() bool { return len(files(t, dir)) == 1 })
	s.broadcaster.Flush()
	wait(t, "the end of the file", func() bool { return len(ev.of(Saved)) == 1 })
	s.feed(40, r.sub.C)
	stop(t, r)
	paths := files(t, dir)
	if len(paths) != 2 {
		t.Fatalf("%q", paths)
	}
	// After a second without a picture the rest is written, too.
	if _, n := look(t, paths[0]); n < 25 || n > 30 {
		t.Errorf("%d pictures in the first file", n)
	}
	if _, n := look(t, paths[1]); n != 40 {
		t.Errorf("%d pictures in the second file", n)
	}
	nothingElse(t, dir)
}
