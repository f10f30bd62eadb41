package recorder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// movedClock is a clock that a test moves, on the wall and in passing.
type movedClock struct {
	mu     sync.Mutex
	now    time.Time
	passed time.Duration
}

func (c *movedClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.passed = c.now.Add(d), c.passed+d
}

func (c *movedClock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *movedClock) gone() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed
}

// TestHours: what is older than so many hours is removed, to the hour, also while
// nothing at all is recorded, or nothing can be because the disk is full, and nothing
// else is.
func TestHours(t *testing.T) {
	for _, kind := range []string{"recorder", "full disk", "ring"} {
		t.Run(kind, func(t *testing.T) {
			s, dir := newScene(t, 64, 48), t.TempDir()
			clock := &movedClock{now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
			var paths []string
			for hour := range 4 { // of 9, 10, 11 and 12 o'clock
				path := filepath.Join(dir, fmt.Sprintf("hedge-%06d-20261129T%02d0000Z.mp4", hour+1, 9+hour))
				boxes := "\x00\x00\x00\x08moof\x00\x00\x00\x08mdat"
				if err := os.WriteFile(path, []byte(boxes), 0o600); err != nil {
					t.Fatal(err)
				}
				paths = append(paths, path)
			}
			there := func() (n int) {
				for _, p := range paths {
					if _, err := os.Stat(p); err == nil {
						n++
					} else if !errors.Is(err, os.ErrNotExist) {
						t.Fatal(err)
					}
				}
				return n
			}
			limits := Limits{Age: 4 * time.Hour}
			feed := func() {}
			switch kind {
			case "recorder", "full disk":
				r := start(t, s.broadcaster, Options{Dir: dir, Limits: limits, Clock: clock.time}, func(r *Recorder) {
					r.store.passed = clock.gone
					if kind == "full disk" {
						w := &limitedWriter{}
						w.full.Store(true)
						r.write = w.write
					}
				})
				if kind == "full disk" {
					feed = func() { s.feed(1, r.sub.C) }
				}
			case "ring":
				o := RingOptions{Dir: dir, Limits: limits, Clock: clock.time, Keep: time.Minute, Memory: 8e6, OnEvent: func(Event) {}}
				store, err := openStore(dir, limits, clock.time, o.OnEvent)
				if err != nil {
					t.Fatal(err)
				}
				store.passed = clock.gone
				r := newRing(s.broadcaster, o, store)
				go r.run()
				t.Cleanup(func() { _ = r.Close() }) // nothing was written
			}
			// Eight minutes at a time, so that the clock counts as steady.
			for _, step := range []struct {
				minutes int
				left    int
			}{{56, 4}, {16, 3}, {56, 2}, {120, 0}} {
				for range step.minutes / 8 {
					clock.move(8 * time.Minute)
				}
				if step.left == 4 {
					continue // that nothing happens cannot be waited for: what follows counts
				}
				wait(t, fmt.Sprintf("%d are left, of %d", step.left, there()), func() bool { feed(); return there() == step.left })
			}
		})
	}
}

// TestNotRemoved: what cannot be removed is told of once and keeps nothing else from being
// removed; it goes when that is possible.
func TestNotRemoved(t *testing.T) {
	dir := t.TempDir()
	clock := &movedClock{now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	var ev events
	s, err := openStore(dir, Limits{Bytes: 2500}, clock.time, ev.add)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.passed = clock.gone
	var paths []string
	for range 5 {
		path := filepath.Join(dir, s.name())
		s.put(path, 1000)
		paths = append(paths, path)
	}
	// In place of the first file there is a folder that is not empty, in place of the
	// others nothing: they count as removed.
	inTheWay := filepath.Join(paths[0], "in the way")
	if err := os.MkdirAll(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		clock.move(retainEvery)
		s.keepRetention(0)
	}
	if got := ev.of(NotRemoved); len(got) != 1 || got[0].Path != paths[0] || got[0].Err == nil {
		t.Errorf("not removed: %+v", got)
	}
	if got := ev.of(Removed); len(got) != 2 || got[0].Path != paths[1] || got[1].Path != paths[2] {
		t.Errorf("removed: %+v", got)
	}
	if files, bytes := s.holds(); files != 3 || bytes != 3000 {
		t.Errorf("%d files of %d bytes are left", files, bytes)
	}
	// It is tried again, and not told of again.
	clock.move(removeAgain)
	s.keepRetention(0)
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	clock.move(removeAgain)
	s.keepRetention(0)
	if got := ev.of(NotRemoved); len(got) != 1 {
		t.Errorf("not removed: %+v", got)
	}
	if got := ev.of(Removed); len(got) != 3 || got[2].Path != paths[0] {
		t.Errorf("removed: %+v", got)
	}
	if files, bytes := s.holds(); files != 2 || bytes != 2000 {
		t.Errorf("%d files of %d bytes are left", files, bytes)
	}
	if _, err := os.Stat(paths[0]); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
