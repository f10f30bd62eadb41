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

// explain takes out of f.moved what the tracked objects explain by now. A vehicle is
// shown, and explains nothing as long as nobody has looked for its plate.
func (f *frame) explain(objects []detect.Object, vehicles bool) {
	kept := f.moved[:0]
	for _, b := range f.moved {
		if !covered(b, objects, vehicles) {
			kept = append(kept, b)
		}
	}
	f.moved = kept
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
