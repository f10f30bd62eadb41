package recorder

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrStalled says that the disk has not answered for long, such as a network share
// whose server is away.
var ErrStalled = errors.New("the disk does not answer")

// stalledAfter is how long the disk may take. What waits meanwhile is lost after
// about as long, see queueUnits.
const stalledAfter = 5 * time.Second

// health is whether something can be written. It tells of changes.
type health struct {
	onEvent func(Event)

	mu    sync.Mutex
	bad   error
	since time.Time // of the work under way; zero: none is
}

// busy says that work with the disk begins, or has ended.
func (h *health) busy(is bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.since = time.Time{}
	if is {
		h.since = time.Now()
	}
}

// failed says that writing ended with an error.
func (h *health) failed(err error) {
	h.mu.Lock()
	first := h.bad == nil
	h.bad = err
	h.mu.Unlock()
	if first {
		h.onEvent(Event{Kind: Failed, Err: err})
	}
}

// wrote says that something of the file is on the disk for good.
func (h *health) wrote(path string) {
	h.mu.Lock()
	was := h.bad
	h.bad = nil
	h.mu.Unlock()
	if was != nil {
		h.onEvent(Event{Kind: Recovered, Path: path})
	}
}

// err returns why nothing can be written, or nil.
func (h *health) err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d := time.Since(h.since); !h.since.IsZero() && d > stalledAfter {
		return fmt.Errorf("%w for %v", ErrStalled, d.Round(time.Second))
	}
	return h.bad
}
