package pipeline

import (
	"context"
	"image"
	"slices"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/motion"
	"github.com/hedgecam/hedge/detect/track"
	"github.com/hedgecam/hedge/redact"
)

// format is the picture format that the run's state was made for.
type format struct {
	size    image.Point // as delivered
	native  image.Point // as the source has it
	epoch   int         // counts the changes
	foreign bool        // another aspect ratio than the zones were drawn for
	fresh   bool        // changed, and not all detectors have looked since
}

// sameAspect reports whether two sizes have the same aspect ratio to 1 %.
func sameAspect(a, b image.Point) bool {
	p, q := a.X*b.Y, b.X*a.Y
	return max(p, q)-min(p, q) <= max(p, q)/100
}

// adopt makes redactor, tracker and the rest fit the frame's format and the
// policy in force. When the format changes, the frames held back go out first.
func (r *run) adopt(ctx context.Context, f *frame) error {
	size := f.buf.pic.Rect.Size()
	native := f.buf.Native
	if native == (image.Point{}) {
		native = size
	}
	now, confirmations := r.inForce()
	changed := size != r.format.size || native != r.format.native
	settled := r.confirm(native, confirmations)
	if !changed && now.number == r.zones {
		if r.format.fresh && r.vouched(f) {
			r.format.fresh = false
		}
		return nil
	}
	first := r.red == nil
	if changed {
		for r.window.len() > 0 {
			if err := r.releaseOldest(ctx); err != nil {
				return err
			}
		}
	}
	if err := r.apply(size, changed || settled); err != nil {
		return &StageError{Stage: "redact", Count: 1, Err: err}
	}
	r.policies, r.zones = now.policies, now.number
	if changed || settled {
		r.background.forget(r.lastAt)
	}
	if settled {
		r.motion = nil
	}
	r.format.foreign = !sameAspect(native, r.view.known.Native)
	if changed {
		r.restart(f, size, native, !first)
	}
	r.need()
	return nil
}

// apply makes a redactor for another format or place; in the same place, what frost
// knows of it goes on. Which policies it works by is settled
// frame by frame; until then it hides everything.
func (r *run) apply(size image.Point, changed bool) error {
	if r.red != nil && !changed {
		return nil
	}
	red, err := redact.New(nil, size, r.cfg.Redact)
	if err == nil {
		r.red, r.applied = red, nil
		r.sized(size)
	}
	return err
}

// fixedLow is the score of a person that the tracker begins to take note of
// where the motion voice stands beside it: what moves is hidden then until it was
// looked at, and weaker detections mostly cost. On PETS09-S2L1 (bench/leak -every
// 2 -compressed=false) the tracker's own 0.05 hides 2.5 points more of the picture
// for the same leak, none. Without that voice 0.15 leaks 0.1 to 0.3 % of the boxes
// there, and 0.05 none.
const fixedLow = 0.15

// movingMisses is, for a moving camera in Live mode, how many inferences that do not
// find it end an object that leaves doubt. On a walk through a street with signs and
// lanterns, which the networks take for people and plates now and then, it takes a
// sixth of what is hidden, and on PETS09-S2L1 without motion (bench/leak -mode live
// -moving yes) nothing more leaks.
const movingMisses = 6

// restart forgets what was known of pictures of another format.
func (r *run) restart(f *frame, size, native image.Point, announce bool) {
	r.format.size, r.format.native, r.format.fresh = size, native, announce
	r.format.epoch++
	c := r.cfg.Track
	c.Size = size
	if low := &c.Class[detect.Person].Low; *low == 0 && !r.cfg.Moving {
		*low = fixedLow
	}
	if r.cfg.Moving && r.cfg.Mode == Live {
		for i := range c.Class {
			if m := &c.Class[i].Misses; *m == 0 {
				*m = movingMisses
			}
		}
	}
	r.tracker = track.New(c)
	r.stats.renumbered()
	r.motion = nil
	for _, k := range r.lookers {
		k.health.reset()
		k.plan.offered = false
	}
	if announce || r.format.foreign {
		r.cfg.OnEvent(Event{Time: f.buf.Time, Kind: FormatChanged, Reason: r.unfit(), Size: native})
	}
}

// vouched reports whether every detector that the policy needs has looked at
// the present format.
func (r *run) vouched(f *frame) bool {
	return !slices.ContainsFunc(r.lookers, func(k *looker) bool { return k.vital && r.judge(k, f) != vouched })
}

// need sets which detectors run, and whether motion is watched: for the policy,
// and for stills while somebody asks for them.
func (r *run) need() {
	if r.policies == nil {
		return
	}
	vital, watch := needsOf(r.policies)
	var plate detect.ClassSet
	for _, p := range r.policies {
		plate |= p.NeedsBackground()
	}
	if r.cfg.Moving {
		plate = 0
	}
	if r.stills.on {
		plate = everybody
	}
	r.needs = vital | plate
	watch = watch || plate != 0
	if r.view.doubts() {
		r.needs |= explains
	}
	// Vehicles only carry plates: without them each plate stands for itself.
	r.missing = vital &^ detect.Classes(detect.Vehicle)
	r.stills.missing = everybody
	for _, k := range r.lookers {
		was := k.needed
		k.vital, k.needed = k.classes&vital != 0, k.classes&r.needs != 0
		if k.needed && (k.wish(r.needs) || !was) {
			k.health.reset() // what it did before it rested, or for less, says nothing
		}
		r.missing &^= k.classes
		r.stills.missing &^= k.classes
		r.stats.running(k.index, k.needed)
	}
	if plate != 0 && !r.findable(plate) {
		plate = 0 // nobody can promise an empty place
	}
	r.background.require(plate, r.lookers, r.lastAt)
	r.stats.missing(r.missing)
	switch {
	case r.cfg.Moving || !watch:
		r.motion = nil
	case r.motion == nil:
		r.motion = motion.New(motion.Config{})
	}
	for _, k := range r.lookers {
		k.support = r.supportOf(k)
	}
}

// findable reports whether there are detectors for all the classes.
func (r *run) findable(classes detect.ClassSet) bool {
	for _, k := range r.lookers {
		classes &^= k.classes
	}
	return classes == 0
}
