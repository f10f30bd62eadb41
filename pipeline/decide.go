package pipeline

import (
	"time"

	"github.com/hedgecam/hedge/redact"
)

// keepHistory is how long after a frame went out the tracker still remembers
// the objects' places at its time.
const keepHistory = 2 * time.Second

// decide says what has to be hidden in f, which is about to go out.
func (r *run) decide(f *frame) redact.Scene {
	level, why := r.level(f)
	r.told(f.buf.Time, level, why)
	s := redact.Scene{Time: f.buf.Time, Level: level}
	if r.needs == 0 {
		return s
	}
	r.objects = r.tracker.At(f.at, r.objects[:0])
	s.Objects = r.objects
	r.explain(f, r.objects)
	s.Motion = f.moved
	r.stats.tracked(r.objects)
	r.tracker.Forget(f.at - keepHistory)
	return s
}

// level returns how much of f must be hidden at least, and why.
func (r *run) level(f *frame) (redact.Level, Reason) {
	switch {
	case f.why != NoReason:
		return redact.HideFrame, f.why
	case r.needs != 0 && r.missing != 0:
		return redact.HideOutside, ReasonNoDetector
	}
	for _, k := range r.lookers {
		if !k.vital {
			continue
		}
		switch r.judge(k, f) {
		case late:
			return redact.HideOutside, ReasonDetectorLate
		case failed:
			return redact.HideOutside, ReasonDetectorFailed
		}
	}
	return redact.HidePolicy, NoReason
}

// unfit returns why nothing of the newest frame may be shown, or NoReason.
func (r *run) unfit() Reason {
	switch {
	case r.format.foreign:
		return ReasonAspectChanged
	case r.viewReason() != NoReason:
		return r.viewReason()
	case r.format.fresh:
		return ReasonFormatChanged
	}
	return NoReason
}

// told keeps the owner informed: one event when the pipeline begins to hide
// more than the policy asks, one when it ends.
func (r *run) told(at time.Duration, level redact.Level, why Reason) {
	if why == r.why {
		return
	}
	was := r.why
	r.why = why
	r.stats.failedClosed(why)
	switch {
	case why != NoReason:
		r.cfg.OnEvent(Event{Time: at, Kind: FailedClosed, Reason: why})
	case was != NoReason && level == redact.HidePolicy:
		r.cfg.OnEvent(Event{Time: at, Kind: Recovered})
	}
}
