package pipeline

import (
	"context"
	"fmt"
	"image"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

const (
	// stillMemory is how long, in the source's time, a place stays hidden in
	// stills after something was found or moved there.
	stillMemory = 10 * time.Second
	// stillSettle is how long all voices must have watched before a still is
	// made, so that the background model has learned and a track is a track.
	stillSettle = time.Second
	// stillIdle is how long, by the wall clock, the voices go on watching after
	// the last call of Still.
	stillIdle = 15 * time.Second
)

// everybody is what has to be found for stills.
var everybody = detect.Classes(detect.Face, detect.Person, detect.Plate)

// Still returns a picture of the place with nobody in it, for drawing the zones
// of a policy: whatever the policy in force hides outside, the place is shown,
// except where in the last ten seconds of the source a face, a person or a plate
// was found or something moved unexplained, and except for the policy's masks.
// Somebody who stands still and whom no detector finds is shown.
//
// Detectors that the policy does not need run for it, until 15 seconds after the
// last call. It returns when all of them have watched for a second, which the
// first call waits for, and with an error when ctx or the Run ends before that,
// with ErrNotRunning if there is no Run. The caller releases the frame.
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
	size    image.Point   // of the frames that lastHid is for, in blocks
	lastHid []hid         // when each block was last to be hidden
	patches []detect.Box  // scratch
	missing detect.ClassSet
	red     *redact.Redactor
	zones   uint64 // generation of the policy whose masks red has
}

// hid is a frame time, if there was one.
type hid struct {
	at   time.Duration
	ever bool
}

const stillBlock = 16 // pixels; redact's unit of hiding

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

// remember notes what must be hidden in stills because of f, and answers those
// who wait for one. It comes before f itself is redacted.
func (r *run) remember(f *frame, s redact.Scene) {
	t := &r.stills
	if !t.on {
		return
	}
	size := f.buf.pic.Rect.Size()
	blocks := image.Pt((size.X+stillBlock-1)/stillBlock, (size.Y+stillBlock-1)/stillBlock)
	if blocks != t.size {
		t.size, t.lastHid, t.begun, t.red = blocks, make([]hid, blocks.X*blocks.Y), false, nil
	}
	for i := range s.Objects {
		if s.Objects[i].Class != detect.Vehicle {
			t.mark(s.Objects[i].Cover, f.at)
		}
	}
	for _, b := range s.Motion {
		t.mark(b, f.at)
	}
	switch {
	case !r.vouched(f):
		t.begun = false
	case !t.begun:
		t.begun, t.since = true, f.at
	}
	if t.missing == 0 && (!t.begun || f.at-t.since < stillSettle) {
		return
	}
	for _, a := range t.waiting {
		frame, err := r.makeStill(f)
		a <- stillAnswer{frame, err}
	}
	t.waiting = t.waiting[:0]
}

// mark notes that the blocks under b are to be hidden at the time.
func (t *stills) mark(b detect.Box, at time.Duration) {
	x0, y0 := max(int(b.X0)/stillBlock, 0), max(int(b.Y0)/stillBlock, 0)
	x1, y1 := min(int(b.X1)/stillBlock, t.size.X-1), min(int(b.Y1)/stillBlock, t.size.Y-1)
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			t.lastHid[y*t.size.X+x] = hid{at, true}
		}
	}
}

// hidden returns the rows of blocks that are to be hidden in a still of that
// time, as patches.
func (t *stills) hidden(at time.Duration) []detect.Box {
	t.patches = t.patches[:0]
	for y := range t.size.Y {
		row := t.lastHid[y*t.size.X : (y+1)*t.size.X]
		for x := 0; x < len(row); x++ {
			first := x
			for x < len(row) && row[x].ever && at-row[x].at <= stillMemory {
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

// makeStill returns a still of f, in memory of its own.
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
		place := &redact.Policy{Version: 1, Mask: r.policy.Mask, Outside: redact.Outside{Hide: redact.HideDetected}}
		if t.red, err = redact.New(place, f.buf.pic.Rect.Size(), r.cfg.Redact); err != nil {
			return redact.Frame{}, &StageError{Stage: "still", Count: 1, Err: err}
		}
		t.zones = r.zones
	}
	pic := image.NewYCbCr(f.buf.pic.Rect, image.YCbCrSubsampleRatio420)
	copy(pic.Y, f.buf.pic.Y)
	copy(pic.Cb, f.buf.pic.Cb)
	copy(pic.Cr, f.buf.pic.Cr)
	return t.red.Redact(pic, redact.Scene{Time: f.at, Motion: t.hidden(f.at)})
}
