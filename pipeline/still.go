package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/nodump"
	"github.com/hedgecam/hedge/redact"
)

// stillIdle is how long, by the wall clock, the detectors go on watching after the
// last call of Still.
const stillIdle = 15 * time.Second

// Still returns a picture of the place with nobody in it, for drawing the zones
// of a policy: whatever the policy in force hides outside, the place is shown as
// the background plate has it (see [redact.BackgroundPlate]): blocks in which for
// Config.PlateSpan no face, person or plate was found, nothing moved unexplained
// and the same was seen. What is not known is filled with a smooth continuation of
// what is; the policy's masks are frost. Somebody who stands still for longer and
// whom no detector finds is shown; with Config.Moving, which says nothing of motion,
// so is whoever no detector finds. Where nothing of a frame may be shown (the camera
// was moved, another aspect ratio) a still is hidden as a whole too, until Confirm
// or SetPolicy; of a camera that was moved, nothing from before that is shown
// afterwards.
//
// Detectors that the policy does not need run for it, until 15 seconds after the
// last call. It returns when all of them have watched for three seconds of the
// source, with what is known by then, and with an error when ctx or the Run ends
// before that, with ErrNotRunning if there is no Run. While a detector fails, no
// pixels are taken and nobody is answered. When one that only stills need has failed
// Config.MaxFailures times in a row, those who wait get a *StageError that names it,
// and the Run goes on; the next call begins anew. The caller releases the frame.
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

// stills are the calls of Still that wait. They belong to the event loop.
type stills struct {
	waiting []chan stillAnswer
	askedAt time.Time // wall clock of the newest call
	on      bool      // the detectors watch for stills
	missing detect.ClassSet
	red     *redact.Redactor
	zones   uint64 // generation of the policy whose masks red has
}

// askStill enters a call of Still.
func (r *run) askStill(a chan stillAnswer) {
	r.stills.waiting = append(r.stills.waiting, a)
	r.stills.askedAt = time.Now()
	if !r.stills.on {
		r.stills.on = true
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

// answerStills answers those who wait, once the place has been watched for long
// enough up to the frame f.
func (r *run) answerStills(f *frame) {
	t := &r.stills
	if !t.on || t.missing == 0 && r.background.watched(f.at) < watchCalm {
		return
	}
	for _, a := range t.waiting {
		frame, err := r.makeStill(f)
		a <- stillAnswer{frame, err}
	}
	t.waiting = t.waiting[:0]
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
	if t.red == nil || t.zones != r.zones || t.red.Size() != f.buf.pic.Rect.Size() {
		place := &redact.Policy{Version: 1, Mask: r.policies[0].Mask, Outside: redact.Outside{Fill: redact.Background}}
		if t.red, err = redact.New(nil, f.buf.pic.Rect.Size(), r.cfg.Redact); err == nil {
			if one := r.drawn(r.policies[0], t.red.Size()); one != nil && one.ready != nil {
				t.red.Ready(one.ready.Masks(place)) // they are drawn
			}
			err = t.red.SetPolicy(place)
		}
		if err != nil {
			t.red = nil
			return redact.Frame{}, &StageError{Stage: "still", Count: 1, Err: err}
		}
		t.zones = r.zones
	}
	level := redact.HidePolicy
	if f.why != NoReason || r.unfit() != NoReason {
		// The masks may lie elsewhere than what they are to hide.
		level = redact.HideFrame
	}
	// Nothing of the frame itself is in a still: it begins as an empty picture.
	pic := nodump.Picture(f.buf.pic.Rect.Dx(), f.buf.pic.Rect.Dy())
	return t.red.Redact(pic, redact.Scene{Time: f.at, Level: level, Plate: r.background.plate})
}
