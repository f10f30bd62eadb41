package pipeline

import (
	"context"
	"fmt"
	"image"
	"slices"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

const (
	// stillCalm is how long, in the source's time, nothing may have been found or
	// moved in a block before its pixels are taken for stills, and stillProof how
	// long from then on: whoever comes is seen late, and so is who goes.
	stillCalm, stillProof = time.Second, 2 * time.Second
	// stillIdle is how long, by the wall clock, the voices go on watching after
	// the last call of Still.
	stillIdle = 15 * time.Second
)

// everybody is what has to be found for stills.
var everybody = detect.Classes(detect.Face, detect.Person, detect.Plate)

// Still returns a picture of the place with nobody in it, for drawing the zones
// of a policy: whatever the policy in force hides outside, the place is shown,
// put together from blocks in which for three seconds of the source no face,
// person or plate was found and nothing moved unexplained. Blocks of which there
// was no such time since the first call are hidden, and so are the policy's masks.
// Somebody who stands still and whom no detector finds is shown; with
// Config.Moving, which says nothing of motion, so is whoever no detector finds.
// Where nothing of a frame may be shown (the camera was moved, another aspect
// ratio) a still is hidden as a whole too, until Confirm or SetPolicy; of a camera
// that was moved, nothing from before that is shown afterwards.
//
// Detectors that the policy does not need run for it, until 15 seconds after the
// last call. It returns when all of them have watched for three seconds, which the
// first call waits for, and with an error when ctx or the Run ends before that,
// with ErrNotRunning if there is no Run. While a detector fails, no pixels are
// taken and nobody is answered. When one that only stills need has failed
// Config.MaxFailures times in a row, those who wait get a *StageError that names
// it, what was known of the place is forgotten, and the Run goes on; the next call
// begins anew. The caller releases the frame.
func (p *Pipeline) Still(ctx context.Context) (redact.Frame, error) {
	p.mu.Lock()
	done := p.done
	p.mu.Unlock()
	if done == nil {
		return redact.Frame{}, ErrNotRunning
	}
	answer := make(chan stillAnswer, 1)
	select {
	case p.asked <- answer:
	case <-done:
		return redact.Frame{}, ErrNotRunning
	case <-ctx.Done():
		return redact.Frame{}, ctx.Err()
	}
	select {
	case a := <-answer:
		return a.frame, a.err
	case <-done:
		return redact.Frame{}, ErrNotRunning
	case <-ctx.Done():
		return redact.Frame{}, ctx.Err()
	}
}

type stillAnswer struct {
	frame redact.Frame
	err   error
}

// stills is what a run knows for its stills. It belongs to the owner loop.
type stills struct {
	waiting []chan stillAnswer
	askedAt time.Time     // wall clock of the newest call
	on      bool          // the voices watch for stills
	since   time.Duration // frame time since when they have
	begun   bool          // since is set
	from    time.Duration // frames up to this time do not count: nobody watched, or they show another place
	grid    image.Point   // size of the frames in blocks
	blocks  []stillOf
	fresh   *image.YCbCr // pixels that wait for their proof
	clean   *image.YCbCr // pixels that have it
	patches []detect.Box // scratch
	missing detect.ClassSet
	red     *redact.Redactor
	zones   uint64 // generation of the policy whose masks red has
}

// stillOf is what is known of one block.
type stillOf struct {
	hid     time.Duration // when it was last to be hidden
	taken   time.Duration // when its fresh pixels were taken
	isFresh bool
	isClean bool
}

const stillBlock = 16 // pixels; a multiple of redact's unit of hiding

// askStill enters a call of Still.
func (r *run) askStill(a chan stillAnswer) {
	r.stills.waiting = append(r.stills.waiting, a)
	r.stills.askedAt = time.Now()
	if !r.stills.on {
		r.stills.on = true
		r.stills.from = r.lastAt // the frames held back were not watched for stills
		r.need()
	}
}

// endStills stops watching when nobody has asked for a while.
func (r *run) endStills(now time.Time) {
	if r.stills.on && len(r.stills.waiting) == 0 && now.Sub(r.stills.askedAt) > stillIdle {
		r.stills = stills{}
		r.need()
	}
}

// giveUpStills tells those who wait why they get none, and stops watching.
func (r *run) giveUpStills(why error) {
	for _, a := range r.stills.waiting {
		a <- stillAnswer{err: fmt.Errorf("pipeline: still: %w", why)}
	}
	r.stills = stills{}
	r.need()
}

// remember notes what must be hidden in stills because of f, takes pixels from the
// rest of it, and answers those who wait for one. It comes before f is redacted.
func (r *run) remember(f *frame, s redact.Scene) {
	t := &r.stills
	if !t.on {
		return
	}
	t.fit(f)
	switch {
	case !r.watched(f):
		t.doubt()
	case !t.begun:
		t.begun, t.since = true, f.at
	}
	for i := range s.Objects {
		if s.Objects[i].Class != detect.Vehicle {
			t.mark(s.Objects[i].Cover, f.at)
		}
	}
	for _, b := range s.Motion {
		t.mark(b, f.at)
	}
	if t.begun {
		t.gather(f)
	}
	if t.missing == 0 && (!t.begun || f.at-t.since < stillCalm+stillProof) {
		return
	}
	for _, a := range t.waiting {
		frame, err := r.makeStill(f)
		a <- stillAnswer{frame, err}
	}
	t.waiting = t.waiting[:0]
}

// watched reports whether f was watched for stills: all detectors in use have
// looked, and none has failed.
func (r *run) watched(f *frame) bool {
	return f.at > r.stills.from && !f.doubtful &&
		!slices.ContainsFunc(r.lookers, func(k *looker) bool { return k.needed && !k.health.vouches(f.at, r.cfg.TimeToLive) })
}

// fit makes room for frames of f's size.
func (t *stills) fit(f *frame) {
	size := f.buf.pic.Rect.Size()
	if t.clean != nil && t.clean.Rect.Size() == size {
		return
	}
	t.grid = image.Pt((size.X+stillBlock-1)/stillBlock, (size.Y+stillBlock-1)/stillBlock)
	t.blocks = make([]stillOf, t.grid.X*t.grid.Y)
	t.fresh = image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	t.clean = image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	t.begun, t.red = false, nil
}

// forget begins anew after the frame of the time at: the camera shows another
// place, or the same one in another format.
func (t *stills) forget(at time.Duration) {
	t.begun, t.from = false, at
	clear(t.blocks)
}

// doubt throws away the pixels that have no proof yet: nobody knows what they show.
func (t *stills) doubt() {
	t.begun = false
	for i := range t.blocks {
		t.blocks[i].isFresh = false
	}
}

// mark notes that the blocks under b are to be hidden at the time, with one more
// around them: residue of compression sits beside what moves.
func (t *stills) mark(b detect.Box, at time.Duration) {
	x0, y0 := max(int(b.X0)/stillBlock-1, 0), max(int(b.Y0)/stillBlock-1, 0)
	x1, y1 := min(int(b.X1)/stillBlock+1, t.grid.X-1), min(int(b.Y1)/stillBlock+1, t.grid.Y-1)
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			k := &t.blocks[y*t.grid.X+x]
			k.hid, k.isFresh = at, false
		}
	}
}

// gather takes pixels of f where it is calm, and keeps those that were proved.
func (t *stills) gather(f *frame) {
	for i := range t.blocks {
		k := &t.blocks[i]
		if f.at-max(k.hid, t.since) < stillCalm {
			continue
		}
		if k.isFresh && f.at-k.taken < stillProof {
			continue
		}
		at := image.Pt(i%t.grid.X, i/t.grid.X).Mul(stillBlock)
		part := image.Rectangle{Min: at, Max: at.Add(image.Pt(stillBlock, stillBlock))}.Intersect(t.clean.Rect)
		if k.isFresh {
			copyPart(t.clean, t.fresh, part)
			k.isClean = true
		}
		copyPart(t.fresh, f.buf.pic, part)
		k.isFresh, k.taken = true, f.at
	}
}

// copyPart copies a part, whose corner is even, between 4:2:0 pictures of one size.
func copyPart(dst, src *image.YCbCr, part image.Rectangle) {
	for y := part.Min.Y; y < part.Max.Y; y++ {
		copy(dst.Y[dst.YOffset(part.Min.X, y):], src.Y[src.YOffset(part.Min.X, y):][:part.Dx()])
	}
	w := (part.Dx() + 1) / 2
	for y := part.Min.Y; y < part.Max.Y; y += 2 {
		d, s := dst.COffset(part.Min.X, y), src.COffset(part.Min.X, y)
		copy(dst.Cb[d:], src.Cb[s:][:w])
		copy(dst.Cr[d:], src.Cr[s:][:w])
	}
}

// unknown returns the rows of blocks of which there are no clean pixels.
func (t *stills) unknown() []detect.Box {
	t.patches = t.patches[:0]
	for y := range t.grid.Y {
		row := t.blocks[y*t.grid.X : (y+1)*t.grid.X]
		for x := 0; x < len(row); x++ {
			first := x
			for x < len(row) && !row[x].isClean {
				x++
			}
			if x > first {
				t.patches = append(t.patches, detect.Box{
					X0: float32(first * stillBlock), Y0: float32(y * stillBlock),
					X1: float32(x * stillBlock), Y1: float32((y + 1) * stillBlock),
				})
			}
		}
	}
	return t.patches
}

// makeStill returns a still, in memory of its own.
func (r *run) makeStill(f *frame) (out redact.Frame, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = redact.Frame{}, &StageError{Stage: "still", Count: 1, Err: &panicError{v}}
		}
	}()
	t := &r.stills
	if t.missing != 0 {
		return redact.Frame{}, fmt.Errorf("pipeline: still: %w: %v", ErrNoDetector, t.missing)
	}
	if t.red == nil || t.zones != r.zones {
		place := &redact.Policy{Version: 1, Mask: r.policies[0].Mask, Outside: redact.Outside{Hide: redact.HideDetected}}
		if t.red, err = redact.New(place, f.buf.pic.Rect.Size(), r.cfg.Redact); err != nil {
			return redact.Frame{}, &StageError{Stage: "still", Count: 1, Err: err}
		}
		t.zones = r.zones
	}
	pic := image.NewYCbCr(f.buf.pic.Rect, image.YCbCrSubsampleRatio420)
	copyPart(pic, t.clean, t.clean.Rect)
	level := redact.HidePolicy
	if f.why != NoReason || r.unfit() != NoReason {
		// The masks may lie elsewhere than what they are to hide.
		level = redact.HideFrame
	}
	return t.red.Redact(pic, redact.Scene{Time: f.at, Level: level, Motion: t.unknown()})
}
