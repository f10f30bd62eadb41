package record

import "sync"

// health is whether something can be written. It tells of changes.
type health struct {
	onEvent func(Event)

	mu  sync.Mutex
	bad error
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
	return h.bad
}
