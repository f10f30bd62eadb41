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
// nothing at all is recorded, and nothing else is.
func TestHours(t *testing.T) {
	for _, kind := range []string{"recorder", "ring"} {
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
			if kind == "recorder" {
				start(t, s.broadcaster, Options{Dir: dir, Limits: limits, Clock: clock.time}, func(r *Recorder) { r.store.passed = clock.gone })
			} else {
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
				wait(t, fmt.Sprintf("%d are left, of %d", step.left, there()), func() bool { return there() == step.left })
			}
		})
	}
}
