package pipeline

import "time"

const (
	// aloneFor is how old a detector's newest good inference may be while it counts for a
	// frame with no other evidence beside it: no later inference, and no motion
	// that would hide who has come since.
	aloneFor = 250 * time.Millisecond
	// apartFor is how far apart two good inferences may be that count for the frames
	// between them: what the later one finds is hidden in those too.
	apartFor = 600 * time.Millisecond
)

// waitsFrom is the look-ahead from which a frame waits for the next inference.
const waitsFrom = 200 * time.Millisecond

// outcomes is for how many inferences a detector's history is kept: more than the
// look-ahead has frames.
const outcomes = 2 * maxHeld

// outcome is how an inference of the whole frame of a time ended.
type outcome struct {
	at   time.Duration
	good bool
}

// health is how a detector's inferences ended, in the order of their frames.
type health struct {
	ring     [outcomes]outcome
	n        int // so many were entered
	failures int // in a row, the newest inferences
}

// verdict is what a detector's inferences say of a frame.
type verdict uint8

const (
	fresh  verdict = iota // what the detector found holds for the frame
	late                  // there is no good inference near enough
	failed                // an inference failed where one was needed
)

// good reports whether the newest inference was a good one.
func (h *health) good() bool { return h.n > 0 && h.failures == 0 }

func (h *health) reset() { h.n, h.failures = 0, 0 }

// succeed enters a good inference; one of a region says nothing of the rest.
func (h *health) succeed(at time.Duration, whole bool) {
	h.failures = 0
	if whole {
		h.enter(outcome{at, true})
	}
}

func (h *health) fail(at time.Duration) {
	h.failures++
	h.enter(outcome{at, false})
}

func (h *health) enter(o outcome) {
	if h.n > 0 && h.ring[(h.n-1)%outcomes].at >= o.at {
		h.ring[(h.n-1)%outcomes].good = o.good
		return
	}
	h.ring[h.n%outcomes] = o
	h.n++
}

// around returns the newest inference at the time t or before it, and the oldest one
// after it.
func (h *health) around(t time.Duration) (before, after outcome, hasBefore, hasAfter bool) {
	for i := h.n - 1; i >= max(h.n-outcomes, 0); i-- {
		o := h.ring[i%outcomes]
		if o.at <= t {
			return o, after, true, hasAfter
		}
		after, hasAfter = o, true
	}
	return before, after, false, hasAfter
}

// support is what other evidence there is beside a detector's inferences.
type support struct {
	apart, alone time.Duration // see apartFor and aloneFor
	// motion: wherever one of its classes is to be hidden, what moves is hidden until
	// it was looked at. Then an inference that fails after a good one takes nothing back.
	motion     bool
	configured bool // these times to live were asked for
}

// verdict says whether what the detector has found holds for f. As long as nothing moves
// nobody comes; what was found before a cut says nothing of what is after it.
func (h *health) verdict(f *frame, s support) verdict {
	t, moved := f.at, f.movedAt
	before, after, ok, more := h.around(t)
	switch {
	case !ok, before.at < f.cut && !s.configured:
		return late
	case !before.good:
		return failed
	case before.at == t:
		return fresh
	case more && after.at >= f.nextCut && !s.motion && !s.configured:
		return late // who came since the last inference is in none of another scene
	case more && !after.good && !s.motion:
		return failed
	case more && after.good && after.at-before.at <= s.apart, t-before.at <= s.alone,
		moved <= before.at && t-before.at <= staticFor:
		return fresh
	}
	return late
}

// staticFor is how old an inference may be while nothing has moved since.
const staticFor = 2 * time.Second
