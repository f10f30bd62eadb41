package pipeline

// window is the look-ahead: a ring of frames, oldest first.
type window struct {
	ring  []*frame
	first int
	n     int
}

func newWindow(capacity int) window { return window{ring: make([]*frame, capacity)} }

func (w *window) len() int { return w.n }

func (w *window) push(f *frame) {
	w.ring[(w.first+w.n)%len(w.ring)] = f
	w.n++
}

func (w *window) pop() *frame {
	f := w.ring[w.first]
	w.ring[w.first] = nil
	w.first = (w.first + 1) % len(w.ring)
	w.n--
	return f
}

// at returns the i-th oldest frame.
func (w *window) at(i int) *frame { return w.ring[(w.first+i)%len(w.ring)] }
