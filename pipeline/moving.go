package pipeline

import (
	"image"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/motion"
	"github.com/hedgecam/hedge/detect/track"
)

// watch shows the new frame to the background model, and notes what moves in it
// unexplained.
func (r *run) watch(f *frame) error {
	f.moved = f.moved[:0]
	full := f.buf.pic.Rect.Size()
	small, err := r.small(f, r.watchSize(full))
	if err != nil {
		return err
	}
	if r.cfg.Moving {
		return r.follow(f, small, full)
	}
	r.leaps(f, r.jump.Update(small.pic, 0, 0))
	r.now = r.tracker.At(f.at, r.now[:0])
	if r.motion == nil {
		return nil
	}
	r.motion.Update(f.at, small.pic, full)
	f.moved = r.motion.Unexplained(f.moved, nil)
	if r.still = r.motion.Still(); r.still {
		f.movedAt = r.movedAt
	} else {
		r.movedAt = f.at
	}
	r.fresh = false
	for _, b := range f.moved {
		if !covered(b, r.now, true) {
			r.fresh = true
			break
		}
	}
	return nil
}

// follow tells the tracker how a moving camera's picture has shifted.
func (r *run) follow(f *frame, small *scaled, full image.Point) error {
	size := small.pic.Rect.Size()
	dx, dy, _ := r.pan.Update(small.pic, size)
	r.leaps(f, r.jump.Update(small.pic, dx, dy))
	if dx != 0 || dy != 0 {
		dx, dy = dx*float64(full.X)/float64(size.X), dy*float64(full.Y)/float64(size.Y)
		if err := r.tracker.Warp(f.at, track.Translation(dx, dy)); err != nil {
			return &StageError{Stage: "inspect", Count: 1, Err: err}
		}
	}
	r.now = r.tracker.At(f.at, r.now[:0])
	return nil
}

// leaps notes how f follows the frame before it. After a cut nothing that was seen
// before holds, and what was held back before it waits for no later look.
func (r *run) leaps(f *frame, leap motion.Leap) {
	r.leapt = leap != motion.Follows
	if leap == motion.Cuts {
		r.cutAt = f.at
		for i := range r.window.len() {
			held := r.window.at(i)
			held.until = min(held.until, f.at)
		}
	}
	f.since = r.cutAt
	f.number = r.jump.Number()
	f.wasAt = r.times[(f.number+1)%len(r.times)] // drivenBack before
	r.times[f.number%len(r.times)] = f.at
}

// forever is a time after all times.
const forever = time.Duration(1<<63 - 1)

// watchSize returns the size of the small picture that the background model
// sees: one that a detector wants as well, if there is any.
func (r *run) watchSize(full image.Point) image.Point {
	for _, k := range r.lookers {
		if k.needed {
			return k.inputSize(full)
		}
	}
	return image.Pt(max(full.X/4, 1), max(full.Y/4, 1))
}

// explained is the share of a moving patch that the cover of one object must
// hold to explain it: what sticks out is its shadow, or the model's coarse grid.
const explained = 0.75

// covered reports whether b is explained by one of objects.
func covered(b detect.Box, objects []detect.Object, vehicles bool) bool {
	for i := range objects {
		if (vehicles || objects[i].Class != detect.Vehicle) && objects[i].Cover.Intersect(b).Area() >= explained*b.Area() {
			return true
		}
	}
	return false
}

// explain takes out of f.moved what the tracked objects explain by now. People are
// hidden, or may be seen, and so may what moves where they are. A vehicle is shown:
// it explains only what moves as it does, and nothing as long as nobody has looked
// for its plate.
func (r *run) explain(f *frame, objects []detect.Object) {
	vehicles := r.platesVouched(f)
	kept := f.moved[:0]
	for _, b := range f.moved {
		if !covered(b, objects, false) && !(vehicles && r.driven(f, b, objects)) {
			kept = append(kept, b)
		}
	}
	f.moved = kept
}

// drivenBack is over how many pictures what moves is compared with a vehicle.
const drivenBack = 6

// driven reports whether b is part of a vehicle, and has moved as that has.
func (r *run) driven(f *frame, b detect.Box, objects []detect.Object) bool {
	for i := range objects {
		o := &objects[i]
		if o.Class != detect.Vehicle || o.Cover.Intersect(b).Area() < explained*b.Area() {
			continue
		}
		// What sticks out of it is its shadow, and the place that it uncovers.
		part := b.Intersect(o.Box)
		dx, dy, ok := r.way(o, f.wasAt)
		if ok && !part.Empty() && r.jump.MovesAs(f.number, drivenBack, part, dx, dy, f.buf.pic.Rect.Size()) {
			return true
		}
	}
	return false
}

// way returns how far an object has moved since the frame time at.
func (r *run) way(o *detect.Object, at time.Duration) (dx, dy float64, ok bool) {
	r.before = r.tracker.At(at, r.before[:0])
	for i := range r.before {
		if was := &r.before[i]; was.ID == o.ID {
			x, y := o.Box.Center()
			wx, wy := was.Box.Center()
			return float64(x - wx), float64(y - wy), true
		}
	}
	return 0, 0, false
}

// platesVouched reports whether those who look for plates have looked often enough for
// f to stand for themselves.
func (r *run) platesVouched(f *frame) bool {
	for _, k := range r.lookers {
		alone := r.waited(support{apart: min(k.support.apart, apartFor), alone: min(k.support.alone, aloneFor), asked: k.support.asked})
		if k.vital && k.classes.Has(detect.Plate) && k.health.judge(f, alone) != vouched {
			return false
		}
	}
	return true
}
