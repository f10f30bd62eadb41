package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/hedgecam/hedge/examples/internal/stream"
)

// bell opens the way of the picture for a while whenever it is rung. Its methods
// may be called by any goroutine.
type bell struct {
	broadcaster *stream.Broadcaster
	stay        time.Duration
	newest      func() time.Duration // source time of the newest picture
	told        func(kind, text string)

	mu     sync.Mutex
	open   bool
	until  time.Time
	after  time.Duration // only pictures taken after this source time pass
	timer  *time.Timer
	closed bool
}

// newBell returns a bell at rest: nothing passes.
func newBell(broadcaster *stream.Broadcaster, stay time.Duration, newest func() time.Duration, told func(kind, text string)) *bell {
	broadcaster.Pause(true)
	return &bell{broadcaster: broadcaster, stay: stay, newest: newest, told: told}
}

// ring opens the way, or keeps it open for longer. Pictures taken before the
// first ring never pass, those held back in the look-ahead window included.
func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.until = time.Now().Add(b.stay)
	if b.open {
		b.timer.Reset(b.stay)
		return
	}
	b.open, b.after = true, b.newest()
	b.timer = time.AfterFunc(b.stay, b.expire)
	b.broadcaster.Pause(false)
	b.told("ring", fmt.Sprintf("somebody rang: there is a picture for %v", b.stay))
}

// expire ends the picture, unless the bell was rung again meanwhile.
func (b *bell) expire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open || time.Now().Before(b.until) {
		return
	}
	b.open = false
	b.broadcaster.Pause(true)
	b.told("ring over", "nothing is shown or recorded until somebody rings")
}

// passes reports whether a picture taken at a source time may be seen.
func (b *bell) passes(at time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open && at > b.after
}

// left returns whether the way is open, and for how long yet.
func (b *bell) left() (time.Duration, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Until(b.until), b.open
}

// close lets nothing pass any more.
func (b *bell) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.open = true, false
	if b.timer != nil {
		b.timer.Stop()
	}
	b.broadcaster.Pause(true)
}
