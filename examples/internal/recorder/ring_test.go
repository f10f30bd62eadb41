package recorder

import (
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/stream"
)

func startRing(t *testing.T, broadcaster *stream.Broadcaster, o RingOptions, change func(*Ring)) *Ring {
	t.Helper()
	if o.Keep == 0 {
		o.Keep = time.Minute
	}
	if o.Memory == 0 {
		o.Memory = 100e6
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	s, err := openStore(o.Dir, o.Limits, time.Now, o.OnEvent)
	if err != nil {
		t.Fatal(err)
	}
	r := newRing(broadcaster, o, s)
	r.silence = time.Hour // no test counts on how soon it goes on
	began := time.Now()
	r.now = func() time.Time { return began }
	if change != nil {
		change(r)
	}
	go r.run()
	t.Cleanup(func() { _ = r.Close() }) // the tests check it
	return r
}

// settle waits until the ring has taken all that was written.
func settle(t *testing.T, s *scene, r *Ring) {
	t.Helper()
	wait(t, "the ring", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.stats.Memory > 0 && r.last == s.at-40*time.Millisecond
	})
}

// TestTrigger: nothing is on the disk before a trigger; then there is one file
// with what was before it and after it; a trigger while it is written makes it
// longer; another one later makes another file.
func TestTrigger(t *testing.T) {
	dir := t.TempDir()
	s := newScene(t, 64, 48)
	var ev events
	r := startRing(t, s.broadcaster, RingOptions{Dir: dir, OnEvent: ev.add, Keep: 20 * time.Second}, nil)
	r.Trigger(time.Second, time.Second) // of nothing
	s.feed(1000, r.sub.C)
	settle(t, s, r)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Fatalf("on the disk: %v, %v", entries, err)
	}
	// A group of pictures is two seconds long.
	if st := r.Stats(); st.Held < 20*time.Second || st.Held > 22100*time.Millisecond || st.Saving || st.Memory == 0 {
		t.Errorf("%+v", st)
	}
	now := s.at - 40*time.Millisecond
	r.Trigger(10*time.Second, 5*time.Second)
	wait(t, "the file", func() bool { return r.Stats().Saving })
	s.feed(50, r.sub.C)
	settle(t, s, r)
	r.Trigger(time.Hour, 6*time.Second)
	s.feed(200, r.sub.C)
	wait(t, "the event", func() bool { return len(ev.of(Saved)) == 1 })
	paths := files(t, dir)
	if len(paths) != 1 || ev.of(Saved)[0].Path != paths[0] {
		t.Fatalf("%q, %+v", paths, ev.all)
	}
	p, n := look(t, paths[0])
	ms := p.times(t)
	// 10 s before the trigger, up to 2 s more for a key frame, and 2 + 6 s after.
	if n < 25*18 || n > 25*20+3 || ms[n-1] != (n-1)*40 {
		t.Errorf("%d pictures, the last at %d ms; triggered at %v", n, ms[n-1], now)
	}
	r.Trigger(0, 0)
	wait(t, "the second", func() bool { return len(ev.of(Saved)) == 2 })
	// What is asked for beyond what is there is cut short by Close.
	r.Trigger(time.Hour, time.Hour)
	wait(t, "the third", func() bool { return r.Stats().Saving || len(ev.of(Saved)) == 3 })
	stop(t, r)
	paths = files(t, dir)
	if len(paths) != 3 || len(ev.of(Saved)) != 3 || r.Stats().Saving {
		t.Fatalf("%q", paths)
	}
	if _, n := look(t, paths[1]); n < 1 || n > 51 {
		t.Errorf("%d pictures", n)
	}
	if _, n := look(t, paths[2]); n < 20*25 || n > 22*25+3 {
		t.Errorf("%d pictures", n)
	}
	nothingElse(t, dir)
}

// TestRingMemory: memory is bounded whatever is asked for.
func TestRingMemory(t *testing.T) {
	s := newScene(t, 64, 48)
	r := startRing(t, s.broadcaster, RingOptions{Dir: t.TempDir(), Memory: 15_000}, nil)
	for range 20 {
		s.feed(20, r.sub.C)
		settle(t, s, r)
		if st := r.Stats(); st.Memory > 15_000 {
			t.Errorf("%+v", st)
		}
	}
	if st := r.Stats(); st.Held < time.Second || st.Held > 14*time.Second {
		t.Errorf("%+v", st)
	}
	stop(t, r)
}

// TestRingSilent: a camera that breaks in the accident does not keep the file from
// being complete.
func TestRingSilent(t *testing.T) {
	dir := t.TempDir()
	s := newScene(t, 64, 48)
	var ev events
	r := startRing(t, s.broadcaster, RingOptions{Dir: dir, OnEvent: ev.add}, soonSilent)
	s.feed(60, r.sub.C)
	settle(t, s, r)
	r.Trigger(time.Minute, time.Minute)
	wait(t, "the file", func() bool { return len(ev.of(Saved)) == 1 })
	if _, n := look(t, files(t, dir)[0]); n != 60 {
		t.Errorf("%d pictures", n)
	}
	stop(t, r)
	if paths := files(t, dir); len(paths) != 1 {
		t.Error(paths)
	}
}

func soonSilent(r *Ring) { r.silence = 20 * time.Millisecond }

// TestRingResumes: what a camera shows after it broke, within what was asked for, makes
// another file, and what it shows later makes none.
func TestRingResumes(t *testing.T) {
	dir := t.TempDir()
	s := newScene(t, 64, 48)
	var ev events
	r := startRing(t, s.broadcaster, RingOptions{Dir: dir, OnEvent: ev.add}, soonSilent)
	s.feed(60, r.sub.C)
	settle(t, s, r)
	r.Trigger(time.Minute, 4*time.Second)
	wait(t, "the file", func() bool { return len(ev.of(Saved)) == 1 })
	s.feed(50, r.sub.C)
	settle(t, s, r)
	wait(t, "the second", func() bool { return len(ev.of(Saved)) > 1 && !r.Stats().Saving })
	// A call between the two begins where it asks to, though that is in a file already.
	r.Trigger(time.Minute, 0)
	saved := len(ev.of(Saved)) + 1
	wait(t, "that call's file", func() bool { return len(ev.of(Saved)) == saved })
	s.feed(100, r.sub.C)
	settle(t, s, r)
	wait(t, "the end", func() bool { return !r.Stats().Saving })
	ended := len(ev.of(Saved))
	s.feed(100, r.sub.C)
	settle(t, s, r)
	stop(t, r)
	paths := files(t, dir)
	if len(paths) != ended || len(ev.of(Saved)) != ended || len(ev.of(Failed)) > 0 {
		t.Errorf("%q, %+v", paths, ev.all)
	}
	total := 0
	for i, path := range paths {
		_, n := look(t, path)
		if i == 0 && n != 60 || i == saved-1 && n != 110 {
			t.Errorf("file %d has %d pictures", i, n)
		}
		total += n
	}
	if total < 60+50+110+50 {
		t.Errorf("%d pictures in %q", total, paths)
	}
	nothingElse(t, dir)
}

// TestRingAway: what is asked for while the camera is away counts from then on, and what it
// shows when that is over makes no file.
func TestRingAway(t *testing.T) {
	for _, tt := range []struct {
		back  time.Duration
		files int
	}{{33 * time.Second, 2}, {40 * time.Second, 1}} {
		dir := t.TempDir()
		s := newScene(t, 64, 48)
		var ev events
		var away atomic.Int64
		began := time.Now()
		r := startRing(t, s.broadcaster, RingOptions{Dir: dir, OnEvent: ev.add}, func(r *Ring) {
			soonSilent(r)
			r.now = func() time.Time { return began.Add(time.Duration(away.Load())) }
		})
		s.feed(60, r.sub.C)
		settle(t, s, r)
		away.Store(int64(31 * time.Second))
		r.Trigger(10*time.Second, 5*time.Second)
		wait(t, "the file", func() bool { return len(ev.of(Saved)) == 1 })
		s.at += tt.back
		s.feed(150, r.sub.C)
		settle(t, s, r)
		stop(t, r)
		paths := files(t, dir)
		if len(paths) < tt.files || tt.files == 1 && len(paths) > 1 || len(ev.of(Saved)) != len(paths) {
			t.Fatalf("back after %v: %q, %+v", tt.back, paths, ev.all)
		}
		total := 0
		for _, path := range paths {
			_, n := look(t, path)
			total += n
		}
		// Three of the five seconds that were asked for are left.
		if total < 60+(tt.files-1)*70 {
			t.Errorf("back after %v: %d pictures in %q", tt.back, total, paths)
		}
		nothingElse(t, dir)
	}
}

// TestRingFormat: another size goes on in another file.
func TestRingFormat(t *testing.T) {
	dir := t.TempDir()
	s := newScene(t, 64, 48)
	r := startRing(t, s.broadcaster, RingOptions{Dir: dir}, nil)
	s.feed(60, r.sub.C)
	settle(t, s, r)
	r.Trigger(time.Minute, time.Minute)
	wait(t, "the file", func() bool { return r.Stats().Saving })
	s.size(128, 80)
	s.feed(60, r.sub.C)
	stop(t, r)
	paths := files(t, dir)
	if len(paths) != 2 {
		t.Fatal(paths)
	}
	for i, path := range paths {
		if p, n := look(t, path); n != 60 || p.Streams[0].Width != 64*(i+1) {
			t.Errorf("%d pictures, %+v", n, p.Streams)
		}
	}
}

// TestRingDiskFull: what cannot be written stays in memory and is written later.
func TestRingDiskFull(t *testing.T) {
	for _, later := range []bool{false, true} {
		dir := t.TempDir()
		s := newScene(t, 64, 48)
		var ev events
		w := &limitedWriter{}
		w.full.Store(!later)
		var writes atomic.Int32
		r := startRing(t, s.broadcaster, RingOptions{Dir: dir, OnEvent: ev.add}, func(r *Ring) {
			r.write = func(f *os.File, data []byte) (int, error) {
				// later: full in the middle of the file.
				if later && writes.Add(1) == 3 {
					w.full.Store(true)
				}
				return w.write(f, data)
			}
		})
		s.feed(150, r.sub.C)
		settle(t, s, r)
		r.Trigger(4*time.Second, 4*time.Second)
		wait(t, "the fault", func() bool { return len(ev.of(Failed)) == 1 && r.Stats().Saving })
		if st := r.Stats(); !errors.Is(st.Err, syscall.ENOSPC) {
			t.Errorf("%+v", st)
		}
		s.feed(50, r.sub.C)
		w.full.Store(false)
		s.feed(120, r.sub.C)
		wait(t, "the file", func() bool { return len(ev.of(Saved)) > 0 })
		if len(ev.of(Recovered)) != 1 || len(ev.of(Failed)) != 1 {
			t.Errorf("%+v", ev.all)
		}
		stop(t, r)
		total := 0
		for _, path := range files(t, dir) {
			_, n := look(t, path)
			total += n
		}
		// 8 s, up to 2 s more before it, and as much again where the second file
		// begins at a key frame.
		if total < 200 || total > 304 {
			t.Errorf("later=%t: %d pictures in %q", later, total, files(t, dir))
		}
		nothingElse(t, dir)
	}
}

// TestRingCloseFails: Close tells that the file could not be written.
func TestRingCloseFails(t *testing.T) {
	dir := t.TempDir()
	s := newScene(t, 64, 48)
	w := &limitedWriter{}
	w.full.Store(true)
	r := startRing(t, s.broadcaster, RingOptions{Dir: dir}, func(r *Ring) { r.write = w.write })
	s.feed(10, r.sub.C)
	settle(t, s, r)
	r.Trigger(time.Second, time.Minute)
	if err := r.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
	if paths := files(t, dir); len(paths) != 0 {
		t.Error(paths)
	}
	nothingElse(t, dir)
}

// TestMemoryFull: a ring whose memory does not hold what is to be kept says so, once, and one
// that forgets only what is older says nothing.
func TestMemoryFull(t *testing.T) {
	for _, tt := range []struct {
		keep   time.Duration
		memory int64
		told   int
	}{{10 * time.Minute, 15e3, 1}, {2 * time.Second, 100e6, 0}} {
		s := newScene(t, 64, 48)
		var ev events
		r := startRing(t, s.broadcaster, RingOptions{Dir: t.TempDir(), OnEvent: ev.add, Keep: tt.keep, Memory: tt.memory}, nil)
		s.feed(1000, r.sub.C)
		settle(t, s, r)
		if st := r.Stats(); st.Held > 35*time.Second {
			t.Errorf("nothing was forgotten: %+v", st)
		}
		stop(t, r)
		if told := ev.of(MemoryFull); len(told) != tt.told || len(ev.all) != tt.told ||
			tt.told > 0 && !strings.Contains(told[0].Err.Error(), "10m0s are to be kept: allow more memory, or keep less") {
			t.Errorf("%+v", ev.all)
		}
	}
}
