package pipeline

import (
	"context"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

// adopt makes all parts fit the frame's format and the policy in force. When the format
// changes, the frames held back go out first.
func (l *loop) adopt(ctx context.Context, f *frame) error {
	size, native := formatOf(&f.buf)
	format := &l.trust.format
	now, confirmations := l.rulings.inForce()
	changed := size != format.size || native != format.native
	released := l.view.confirm(native, confirmations, format.foreign)
	if !changed && now.number == l.ruling {
		if format.unseen && l.trust.looked() {
			format.unseen = false
		}
		return nil
	}
	first := l.redaction.redactor == nil
	if changed {
		for l.window.len() > 0 {
			if err := l.release(ctx); err != nil {
				return err
			}
		}
	}
	if first || changed || released {
		if err := l.redaction.resize(size); err != nil {
			return &StageError{Stage: "redact", Count: 1, Err: err}
		}
	}
	l.policies, l.floor, l.ruling = now.policies, now.floor, now.number
	if changed || released {
		l.background.forget(l.lastAt)
	}
	if released {
		l.scene.forgetBackground()
	}
	format.foreign = !sameAspect(native, l.view.known.Native)
	if changed {
		format.size, format.native, format.unseen = size, native, !first
		l.restart(f)
	}
	l.require()
	return nil
}

// restart forgets what was known of frames of another format.
func (l *loop) restart(f *frame) {
	format := &l.trust.format
	l.scheduler.reformat()
	l.scene.restart(format.size)
	l.outlines.forget()
	l.stats.renumbered()
	for i := range l.detectors {
		l.trust.forget(i)
	}
	if format.unseen || format.foreign {
		l.onEvent(Event{Time: f.buf.Time, Kind: FormatChanged, Reason: l.trust.blockReason(), Size: format.native})
	}
}

// require tells the parts what has to be found, and whether motion is watched: for the
// policy, and for the background plate.
func (l *loop) require() {
	if l.policies == nil {
		return
	}
	required, motion := needsOf(l.policies)
	var plate, found detect.ClassSet
	for _, p := range l.policies {
		plate |= p.NeedsBackground()
	}
	if l.scene.moving {
		plate = 0
	}
	if l.plates.on {
		plate = everybody
	}
	l.needs = required | plate
	motion = motion || plate != 0
	if l.view.uncertain() {
		l.needs |= explains
	}
	finds := make([]detect.ClassSet, len(l.detectors))
	for i, k := range l.scheduler.slots {
		if l.scheduler.require(i, l.needs) {
			l.trust.forget(i)
		}
		finds[i] = k.finds
		found |= k.finds
	}
	l.trust.require(required, l.needs)
	l.plates.require(found)
	if plate&^found != 0 {
		plate = 0 // nobody can promise an empty place
	}
	l.background.require(plate, finds, l.lastAt)
	l.scene.watch(motion, explainer(l.scheduler.lookedFor()))
	l.trust.setSupport(l.policies, l.scene.watches())
}

// needsOf returns what the policies need together.
func needsOf(policies []*redact.Policy) (classes detect.ClassSet, motion bool) {
	for _, p := range policies {
		classes |= p.Needs()
		motion = motion || p.NeedsMotion()
	}
	return classes, motion
}
