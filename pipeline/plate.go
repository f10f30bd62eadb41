package pipeline

import (
	"context"
	"fmt"
	"image"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/nodump"
	"github.com/hedgecam/hedge/redact"
)

// plateIdle is how long, by the wall clock, the detectors go on watching after the
// last call of BackgroundPlate.
const plateIdle = 15 * time.Second

// BackgroundPlate returns a frame of the place with nobody in it, for drawing the zones
// of a policy. It shows the background plate (see [redact.BackgroundPlate]), whatever the
// policy in force hides outside. A block is known when, for Config.PlateSpan, no face,
// person or plate was found in it, nothing moved unexplained and it looked the same.
// Unknown blocks are filled with a smooth continuation of known ones. The policy's masks
// are frost, a fill of coarse cells. Somebody who stands still for longer than PlateSpan
// and whom no detector finds is shown. With Config.Moving motion says nothing, so anybody
// whom no detector finds is shown. The plate is hidden as a whole while nothing of a frame
// may be shown (the camera was moved, another aspect ratio), until Confirm. After a move
// nothing from before it is shown.
//
// Detectors that the policy does not need run for it, until 15 seconds after the last
// call. It waits until all of them have watched for three seconds of the source, and
// returns what is known by then. While a detector fails, no pixels are taken and no call
// returns. The caller releases the frame.
//
// Errors: that of ctx; ErrNotRunning if there is no Run or it ends; ErrNoDetector if no
// detector finds faces, people or plates; a *StageError when a detector that only the
// plate needs has failed Config.MaxFailures times in a row. Then the Run goes on, and the
// next call begins anew.
func (p *Pipeline) BackgroundPlate(ctx context.Context) (redact.Frame, error) {
	p.mu.Lock()
	done := p.done
	p.mu.Unlock()
	if done == nil {
		return redact.Frame{}, ErrNotRunning
	}
	answer := make(chan plateAnswer, 1)
	select {
	case p.requests <- answer:
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

type plateAnswer struct {
	frame redact.Frame
	err   error
}

// plateRequests are the calls of BackgroundPlate that wait. They belong to the event
// loop.
type plateRequests struct {
	options  redact.Options
	prepared *preparations

	waiting  []chan plateAnswer
	askedAt  time.Time       // wall clock of the newest call
	on       bool            // the detectors watch for them
	missing  detect.ClassSet // what no detector finds
	redactor *redact.Redactor
	ruling   uint64 // of the policy whose masks the redactor has
}

// add enters a call. It reports whether the detectors have to begin to watch.
func (t *plateRequests) add(a chan plateAnswer, now time.Time) (begins bool) {
	t.waiting = append(t.waiting, a)
	t.askedAt = now
	begins = !t.on
	t.on = true
	return begins
}

// require says which classes detectors find.
func (t *plateRequests) require(finds detect.ClassSet) { t.missing = everybody &^ finds }

// idle stops the watching when nobody has asked for a while. It reports whether it did.
func (t *plateRequests) idle(now time.Time) bool {
	if !t.on || len(t.waiting) != 0 || now.Sub(t.askedAt) <= plateIdle {
		return false
	}
	t.reset()
	return true
}

// fail tells those who wait why they get no plate, and stops the watching.
func (t *plateRequests) fail(why error) {
	for _, a := range t.waiting {
		a <- plateAnswer{err: fmt.Errorf("pipeline: background plate: %w", why)}
	}
	t.reset()
}

func (t *plateRequests) reset() { *t = plateRequests{options: t.options, prepared: t.prepared} }

// plateView is what is shown of the place at a frame.
type plateView struct {
	size    image.Point
	at      time.Duration
	blocked bool             // nothing of the frame may be shown
	policy  *redact.Policy   // whose masks stay hidden
	floor   []*redact.Policy // what these hide stays hidden
	ruling  uint64           // its number
	plate   *redact.BackgroundPlate
}

// answer answers those who wait, once the place has been watched for long enough, or at once
// while nothing of it may be shown.
func (t *plateRequests) answer(watched time.Duration, v *plateView) {
	if t.missing == 0 && watched < watchedFor && !v.blocked {
		return
	}
	for _, a := range t.waiting {
		frame, err := t.redact(v)
		a <- plateAnswer{frame, err}
	}
	t.waiting = t.waiting[:0]
}

// redact returns the plate as a frame, in memory of its own.
func (t *plateRequests) redact(v *plateView) (out redact.Frame, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = redact.Frame{}, &StageError{Stage: "background plate", Count: 1, Err: &panicError{p}}
		}
	}()
	if t.missing != 0 {
		return redact.Frame{}, fmt.Errorf("pipeline: background plate: %w: %v", ErrNoDetector, t.missing)
	}
	if t.redactor == nil || t.ruling != v.ruling || t.redactor.Size() != v.size {
		if err := t.equip(v); err != nil {
			t.redactor = nil
			return redact.Frame{}, &StageError{Stage: "background plate", Count: 1, Err: err}
		}
	}
	level := redact.HidePolicy
	if v.blocked {
		// The masks may lie elsewhere than what they are to hide.
		level = redact.HideFrame
	}
	// Nothing of the frame itself is in it: it begins as an empty picture.
	pic := nodump.Picture(v.size.X, v.size.Y)
	return t.redactor.Redact(pic, redact.Scene{Time: v.at, Level: level, Plate: v.plate})
}

// equip makes the redactor for a size and a policy's masks.
func (t *plateRequests) equip(v *plateView) (err error) {
	place := &redact.Policy{Version: 1, Mask: v.policy.Mask, Outside: redact.Outside{Fill: redact.Background}}
	if t.redactor, err = redact.New(nil, v.size, t.options); err != nil {
		return err
	}
	if one := t.prepared.find(v.policy, v.size); one != nil && one.ready != nil {
		t.redactor.Ready(one.ready.Masks(place)) // they are drawn
	}
	for _, q := range v.floor {
		if one := t.prepared.find(q, v.size); one != nil && one.ready != nil {
			t.redactor.Ready(one.ready)
		}
	}
	t.ruling = v.ruling
	return t.redactor.SetPolicies(append([]*redact.Policy{place}, v.floor...)...)
}
