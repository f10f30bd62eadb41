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
	r.told(f.at, level, why)
	s := redact.Scene{Time: f.at, Level: level}
	if r.needs == 0 {
		return s
	}
	r.objects = r.tracker.At(f.at, r.objects[:0])
	s.Objects = r.objects
	f.explain(r.objects)
	s.Motion = f.moved
	r.stats.tracked(r.objects)
	r.tracker.Forget(f.at - keepHistory)
	return s
}

// level returns how much of f must be hidden at least, and why, in a constant
// text that needs no memory.
func (r *run) level(f *frame) (redact.Level, string) {
	switch {
	case f.why != "":
		return redact.HideFrame, f.why
	case r.needs != 0 && r.missing != 0:
		return max(f.level, redact.HideOutside), "no detector finds what the policy asks to hide"
	}
	for _, k := range r.lookers {
		if !k.vital || k.health.vouches(f.at, r.cfg.TimeToLive) {
			continue
		}
		f.level = max(f.level, redact.HideOutside)
		if k.health.failures > 0 {
			return f.level, "a detector failed"
		}
		return f.level, "a detector is late"
	}
	if f.level != redact.HidePolicy {
		return f.level, "a detector failed"
	}
	return redact.HidePolicy, ""
}

// unfit returns why nothing of the newest frame may be shown, or "".
func (r *run) unfit() string {
	switch {
	case r.format.foreign:
		return "the picture's aspect ratio is not the one the zones were drawn for"
	case r.knocked:
		return "the camera was moved, and the zones are not confirmed"
	case r.format.fresh:
		return "the picture's format changed and has not been looked at yet"
	}
	return ""
}

// told keeps the owner informed: one event when the pipeline begins to hide
// more than the policy asks, one when it ends.
func (r *run) told(at time.Duration, level redact.Level, why string) {
	if why == r.why {
		return
	}
	was := r.why
	r.why = why
	r.stats.failedClosed(why)
	switch {
	case why != "":
		r.cfg.OnEvent(Event{Time: at, Kind: FailedClosed, Text: why})
	case was != "" && level == redact.HidePolicy:
		r.cfg.OnEvent(Event{Time: at, Kind: Recovered, Text: "the policy alone decides again"})
	}
}
