package pipeline

import (
	"slices"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

// trust decides how much of a frame is hidden beyond what the policy asks, and why: from
// the picture format, the view and how the detectors' inferences ended. It belongs to
// the event loop.
type trust struct {
	live        bool
	every       int
	lookAhead   time.Duration
	timeToLive  time.Duration
	configured  bool // timeToLive was asked for
	maxFailures int
	stats       *stats
	onEvent     func(Event)
	view        *viewWatch // is only asked

	detectors []detectorTrust // in the order of Config.Detectors
	missing   detect.ClassSet // what the policy needs and no detector finds
	format    format
	reported  Reason // the last that the owner was told of
}

// detectorTrust is what is known of one detector.
type detectorTrust struct {
	name     string
	finds    detect.ClassSet
	required bool // the policy in force needs it
	needed   bool // it runs, for the policy or for the plate
	health   health
	support  support
}

func newTrust(c *Config, names []string, s *stats, view *viewWatch) trust {
	t := trust{
		live: c.Mode == Live, every: c.Every, lookAhead: c.LookAhead, timeToLive: c.TimeToLive,
		configured: c.ownTimeToLive, maxFailures: c.MaxFailures, stats: s, onEvent: c.OnEvent, view: view,
	}
	for i, d := range c.Detectors {
		t.detectors = append(t.detectors, detectorTrust{name: names[i], finds: d.Classes()})
	}
	return t
}

// require says what the policy needs, and what has to be found in all.
func (t *trust) require(required, needs detect.ClassSet) {
	// Vehicles only carry plates: without them each plate stands for itself.
	t.missing = required &^ detect.Classes(detect.Vehicle)
	for i := range t.detectors {
		k := &t.detectors[i]
		k.required, k.needed = k.finds&required != 0, k.finds&needs != 0
		t.missing &^= k.finds
	}
	t.stats.missing(t.missing)
}

// setSupport notes what other evidence there is under the policies.
func (t *trust) setSupport(policies []*redact.Policy, watchesMotion bool) {
	for i := range t.detectors {
		k := &t.detectors[i]
		k.support = t.supportOf(k.finds, policies, watchesMotion)
	}
}

// supportOf returns what other evidence there is beside the inferences of a detector of
// the given classes.
func (t *trust) supportOf(finds detect.ClassSet, policies []*redact.Policy, watchesMotion bool) support {
	backed := watchesMotion
	for _, p := range policies {
		// Where only the plate needs it motion is watched everywhere.
		backed = backed && finds&p.Needs()&^detect.Classes(detect.Vehicle)&^p.MotionGuards() == 0
	}
	s := support{apart: t.timeToLive, alone: t.timeToLive, motion: backed, configured: t.configured}
	if !backed && !s.configured {
		s.apart, s.alone = min(s.apart, apartFor), min(s.alone, aloneFor)
		if t.every > 0 {
			s.alone = s.apart // as was asked for
		}
	}
	return s
}

// waited returns s as it is for frames that have waited in the look-ahead window: where
// that is long enough for another inference, it is that one they have waited for.
func (t *trust) waited(s support) support {
	if !s.motion && !s.configured && t.live && t.lookAhead >= waitsFrom {
		s.alone = 0
	}
	return s
}

// verdict says whether what detector i has found holds for f.
func (t *trust) verdict(i int, f *frame) verdict {
	k := &t.detectors[i]
	return k.health.verdict(f, t.waited(k.support))
}

// looked reports whether the newest inference of every detector that the policy needs was a
// good one. Whether that holds for a frame is
// what level says: one that has just come may still have to wait for an inference of its own.
func (t *trust) looked() bool {
	for i := range t.detectors {
		if t.detectors[i].required && !t.healthy(i) {
			return false
		}
	}
	return true
}

// platesFresh reports whether those who look for plates have looked often enough for
// f to stand for themselves.
func (t *trust) platesFresh(f *frame) bool {
	for i := range t.detectors {
		k := &t.detectors[i]
		alone := t.waited(support{apart: min(k.support.apart, apartFor), alone: min(k.support.alone, aloneFor), configured: k.support.configured})
		if k.required && k.finds.Has(detect.Plate) && k.health.verdict(f, alone) != fresh {
			return false
		}
	}
	return true
}

// sound reports whether no detector failed in f and what all of the given ones have found
// holds for it.
func (t *trust) sound(f *frame, detectors []int) bool {
	return !f.unsound && !slices.ContainsFunc(detectors, func(i int) bool { return t.verdict(i, f) != fresh })
}

// healthy reports whether the newest inference of detector i was a good one.
func (t *trust) healthy(i int) bool { return t.detectors[i].health.good() }

// sparesRegions reports whether inferences of the whole of a frame by detector i, with
// one of a region between them, still come often enough to stand for the frames between
// them.
func (t *trust) sparesRegions(i int, interval time.Duration) bool {
	s := &t.detectors[i].support
	return s.motion || 2*interval <= s.apart*3/4
}

// forget drops what was known of detector i: what it did before it rested, or for less,
// says nothing.
func (t *trust) forget(i int) { t.detectors[i].health.reset() }

// succeeded enters a good inference of a frame, or of a region of it.
func (t *trust) succeeded(i int, at time.Duration, whole bool) {
	t.detectors[i].health.succeed(at, whole)
}

// failed counts an inference that came to nothing, and tells the owner. It returns an
// error when they are too many in a row.
func (t *trust) failed(i int, at time.Duration, err error) *StageError {
	k := &t.detectors[i]
	k.health.fail(at)
	t.stats.inferenceFailed(i)
	t.onEvent(Event{Time: at, Kind: DetectorFailed, Detector: k.name, Err: err})
	if k.health.failures < t.maxFailures {
		return nil
	}
	return &StageError{Stage: k.name, Count: k.health.failures, Err: err}
}

// blockReason returns why nothing of the newest frame may be shown, or NoReason.
func (t *trust) blockReason() Reason {
	view := t.view.reason()
	switch {
	case t.format.foreign:
		return ReasonAspectChanged
	case view != NoReason:
		return view
	case t.format.unseen:
		return ReasonFormatChanged
	}
	return NoReason
}

// level returns how much of f must be hidden at least, and why.
func (t *trust) level(f *frame) (redact.Level, Reason) {
	switch {
	case f.blocked != NoReason:
		return redact.HideFrame, f.blocked
	case t.missing != 0:
		return redact.HideOutside, ReasonNoDetector
	}
	for i := range t.detectors {
		if !t.detectors[i].required {
			continue
		}
		switch t.verdict(i, f) {
		case late:
			return redact.HideOutside, ReasonDetectorLate
		case failed:
			return redact.HideOutside, ReasonDetectorFailed
		}
	}
	return redact.HidePolicy, NoReason
}

// report keeps the owner informed: one event when the pipeline begins to hide
// more than the policy asks, one when it ends.
func (t *trust) report(at time.Duration, level redact.Level, why Reason) {
	if why == t.reported {
		return
	}
	was := t.reported
	t.reported = why
	t.stats.failedClosed(why)
	switch {
	case why != NoReason:
		t.onEvent(Event{Time: at, Kind: FailedClosed, Reason: why})
	case was != NoReason && level == redact.HidePolicy:
		t.onEvent(Event{Time: at, Kind: Recovered})
	}
}
