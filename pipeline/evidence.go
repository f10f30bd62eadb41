package pipeline

import (
	"time"

	"github.com/hedgecam/hedge/detect"
)

const (
	// aloneFor is how old a detector's newest good look may be while it counts for a
	// frame with nothing else to stand beside it: no later look, and no motion voice
	// that would hide who has come since.
	aloneFor = 250 * time.Millisecond
	// apartFor is how far apart two good looks may be that count for the frames
	// between them: what the later one finds is hidden in those too.
	apartFor = 600 * time.Millisecond
)

// waits is the look-ahead from which a frame waits for the next look.
const waits = 200 * time.Millisecond

// outcomes is for how many looks a detector's history is kept: more than the
// look-ahead has frames.
const outcomes = 2 * maxHeld

// outcome is how a look at the whole frame of a time ended.
type outcome struct {
	at   time.Duration
	good bool
}

// health is what is known of a detector's looks, in the order of their frames.
type health struct {
	looks    [outcomes]outcome // ring
	n        int               // so many were entered
	failures int               // in a row, the newest looks
}

// verdict is what a detector's looks say of a frame.
type verdict uint8

const (
	vouched verdict = iota // its knowledge holds for the frame
	late                   // there is no good look near enough
	failed                 // a look failed where one was needed
)

// good reports whether the newest look was a good one.
func (h *health) good() bool { return h.n > 0 && h.failures == 0 }

func (h *health) reset() { h.n, h.failures = 0, 0 }

// succeed enters a good look; one at a part of the frame says nothing of the rest.
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
	if h.n > 0 && h.looks[(h.n-1)%outcomes].at >= o.at {
		h.looks[(h.n-1)%outcomes].good = o.good
		return
	}
	h.looks[h.n%outcomes] = o
	h.n++
}

// around returns the newest look at the time t or before it, and the oldest one
// after it.
func (h *health) around(t time.Duration) (before, after outcome, hasBefore, hasAfter bool) {
	for i := h.n - 1; i >= max(h.n-outcomes, 0); i-- {
		o := h.looks[i%outcomes]
		if o.at <= t {
			return o, after, true, hasAfter
		}
		after, hasAfter = o, true
	}
	return before, after, false, hasAfter
}

// support is what else stands beside a detector's looks.
type support struct {
	apart, alone time.Duration // see apartFor and aloneFor
	// backed: wherever one of its classes is to be hidden, what moves is hidden until
	// it was looked at. Then a look that fails after a good one takes nothing back.
	backed bool
	asked  bool // for these times to live
}

// judge says whether what the detector has seen holds for f. As long as nothing moves
// nobody comes; what was seen before a cut says nothing of what is after it.
func (h *health) judge(f *frame, s support) verdict {
	t, moved := f.at, f.movedAt
	before, after, ok, more := h.around(t)
	switch {
	case !ok, before.at < f.since && !s.asked:
		return late
	case !before.good:
		return failed
	case before.at == t:
		return vouched
	case more && after.at >= f.until && !s.backed && !s.asked:
		return late // who came since the last look is in none of another scene
	case more && !after.good && !s.backed:
		return failed
	case more && after.good && after.at-before.at <= s.apart, t-before.at <= s.alone,
		moved <= before.at && t-before.at <= stillFor:
		return vouched
	}
	return late
}

// stillFor is how old a look may be while nothing has moved since.
const stillFor = 2 * time.Second

// judge says whether what detector k has seen holds for f.
func (r *run) judge(k *looker, f *frame) verdict {
	return k.health.judge(f, r.waited(k.support))
}

// waited returns s as it is for frames that have waited in the look-ahead window: where
// that is long enough for another look, it is that one they have waited for.
func (r *run) waited(s support) support {
	if !s.backed && !s.asked && r.cfg.Mode == Live && r.cfg.LookAhead >= waits {
		s.alone = 0
	}
	return s
}

// supportOf returns what stands beside the looks of a detector.
func (r *run) supportOf(k *looker) support {
	backed := r.motion != nil
	for _, p := range r.policies {
		// Where only stills need it the motion voice watches everywhere.
		backed = backed && k.classes&p.Needs()&^detect.Classes(detect.Vehicle)&^p.MotionGuards() == 0
	}
	s := support{apart: r.cfg.TimeToLive, alone: r.cfg.TimeToLive, backed: backed, asked: r.cfg.ownTimeToLive}
	if !backed && !s.asked {
		s.apart, s.alone = min(s.apart, apartFor), min(s.alone, aloneFor)
		if r.cfg.Every > 0 {
			s.alone = s.apart // as was asked for
		}
	}
	return s
}
