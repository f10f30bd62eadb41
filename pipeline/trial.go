package pipeline

import (
	"context"
	"image"
	"time"

	"github.com/hedgecam/hedge/internal/nodump"
	"github.com/hedgecam/hedge/redact"
)

// trialEvery is the least time between two pictures of a preview.
const trialEvery = 100 * time.Millisecond

// trials makes the pictures of a preview: a copy of the raw picture, redacted under
// the preview alone. Two copies are in use at most: one that is made, one that is
// shown.
type trials struct {
	red     *redact.Redactor
	policy  *redact.Policy // that red works by
	options redact.Options
	shown   time.Duration // frame time of the newest one
	any     bool          // there was one

	free chan *image.YCbCr
	out  chan trial
	done chan error
}

// trial is one picture of a preview on its way to who draws.
type trial struct {
	frame  redact.Frame
	pic    *image.YCbCr // its memory
	sink   Sink
	ruling uint64
}

// start starts the goroutine that shows the pictures.
func (t *trials) start(ctx context.Context, p *Pipeline) {
	t.options = p.cfg.Redact
	t.free, t.out, t.done = make(chan *image.YCbCr, 2), make(chan trial, 1), make(chan error, 1)
	for range cap(t.free) {
		t.free <- &image.YCbCr{}
	}
	go func() {
		defer func() { t.done <- nil }()
		for one := range t.out {
			if ctx.Err() == nil && p.newest() == one.ruling {
				show(ctx, one)
			}
			one.frame.Release()
			t.free <- one.pic
		}
	}()
}

// show hands a picture to who draws. What goes wrong there is theirs: nobody else
// gets less for it.
func show(ctx context.Context, t trial) {
	defer func() { _ = recover() }()
	_ = t.sink.Write(ctx, t.frame)
}

// stop ends the goroutine.
func (t *trials) stop() error {
	close(t.out)
	return join("preview", t.done)
}

// try shows f to who draws, before it is redacted for all others.
func (r *run) try(f *frame, s redact.Scene) {
	t := &r.trials
	if f.trial == nil || t.any && f.at-t.shown < trialEvery {
		return
	}
	var pic *image.YCbCr
	select {
	case pic = <-t.free:
	default:
		return // the last ones are still being shown
	}
	if t.red == nil || t.red.Size() != f.buf.pic.Rect.Size() {
		// It hides everything until it works by the preview.
		red, err := redact.New(nil, f.buf.pic.Rect.Size(), t.options)
		if err != nil {
			t.free <- pic
			return
		}
		t.red, t.policy = red, nil
	}
	if t.policy != f.trial.policy {
		if ready, err := r.equip(t.red, f.trial.policy); !ready || err != nil {
			t.free <- pic
			return // it comes when its zones are drawn
		}
	}
	out, err := t.redact(pic, f, s)
	if err != nil {
		t.red = nil
		t.free <- pic
		return
	}
	t.any, t.shown = true, f.at
	t.out <- trial{out, pic, f.trial.sink, f.ruling} // has room: it is one of two
}

// redact fills pic with f as the preview shows it.
func (t *trials) redact(pic *image.YCbCr, f *frame, s redact.Scene) (out redact.Frame, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = redact.Frame{}, &panicError{v}
		}
	}()
	src := f.buf.pic
	if t.policy != f.trial.policy {
		if err := t.red.SetPolicy(f.trial.policy); err != nil {
			return redact.Frame{}, err
		}
		t.policy = f.trial.policy
	}
	if pic.Rect != src.Rect {
		*pic = *nodump.Picture(src.Rect.Dx(), src.Rect.Dy())
	}
	copy(pic.Y, src.Y)
	copy(pic.Cb, src.Cb)
	copy(pic.Cr, src.Cr)
	return t.red.Redact(pic, s)
}
