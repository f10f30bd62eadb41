package pipeline

import (
	"context"
	"image"
	"slices"
	"time"

	"github.com/hedgecam/hedge/internal/nodump"
	"github.com/hedgecam/hedge/redact"
)

// previewInterval is the least time between two frames of a preview.
const previewInterval = 100 * time.Millisecond

// previewer makes the frames of a preview: a copy of the raw picture, redacted under
// the preview's policy and the floor alone. Two copies are in use at most: one that is made, one that
// is shown. All but the shower's goroutine belongs to the event loop.
type previewer struct {
	options  redact.Options
	redactor *redact.Redactor
	policies []*redact.Policy // that the redactor works by
	shownAt  time.Duration    // frame time of the newest one
	shown    bool             // there was one

	free chan *image.YCbCr
	out  chan previewFrame
	done chan error
}

// previewFrame is one frame of a preview on its way to who tries the policy out.
type previewFrame struct {
	frame  redact.Frame
	pic    *image.YCbCr // its memory
	sink   Sink
	ruling uint64
}

// start starts the goroutine that shows the frames of the ruling in force.
func (v *previewer) start(ctx context.Context, newest func() uint64) {
	v.free, v.out, v.done = make(chan *image.YCbCr, 2), make(chan previewFrame, 1), make(chan error, 1)
	for range cap(v.free) {
		v.free <- &image.YCbCr{}
	}
	go showPreviews(ctx, newest, v.out, v.free, v.done)
}

func showPreviews(ctx context.Context, newest func() uint64, in <-chan previewFrame, free chan<- *image.YCbCr, done chan<- error) {
	defer func() { done <- nil }()
	for one := range in {
		if ctx.Err() == nil && newest() == one.ruling {
			// What goes wrong there is theirs: nobody else gets less for it.
			_ = writeFrame(ctx, one.sink, one.frame)
		}
		one.frame.Release()
		free <- one.pic
	}
}

// stop ends the goroutine.
func (v *previewer) stop() error {
	close(v.out)
	return join("preview", v.done)
}

// show hands f to who tries a policy out, before f is redacted for all others.
func (v *previewer) show(f *frame, s redact.Scene, zones *redaction) {
	if f.preview == nil || v.shown && f.at-v.shownAt < previewInterval {
		return
	}
	var pic *image.YCbCr
	select {
	case pic = <-v.free:
	default:
		return // the last ones are still being shown
	}
	if v.redactor == nil || v.redactor.Size() != f.buf.pic.Rect.Size() {
		// It hides everything until it works by the preview.
		red, err := redact.New(nil, f.buf.pic.Rect.Size(), v.options)
		if err != nil {
			v.free <- pic
			return
		}
		v.redactor, v.policies = red, nil
	}
	if !slices.Equal(v.policies, f.preview.policies) {
		if ready, err := zones.equip(v.redactor, f.preview.policies...); !ready || err != nil {
			v.free <- pic
			return // it comes when its zones are drawn
		}
	}
	out, err := v.redact(pic, f, s)
	if err != nil {
		v.redactor = nil
		v.free <- pic
		return
	}
	v.shown, v.shownAt = true, f.at
	v.out <- previewFrame{out, pic, f.preview.sink, f.ruling} // has room: it is one of two
}

// redact fills pic with f as the preview shows it.
func (v *previewer) redact(pic *image.YCbCr, f *frame, s redact.Scene) (out redact.Frame, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = redact.Frame{}, &panicError{p}
		}
	}()
	src := f.buf.pic
	if !slices.Equal(v.policies, f.preview.policies) {
		if err := v.redactor.SetPolicies(f.preview.policies...); err != nil {
			return redact.Frame{}, err
		}
		v.policies = f.preview.policies
	}
	if pic.Rect != src.Rect {
		*pic = *nodump.Picture(src.Rect.Dx(), src.Rect.Dy())
	}
	copy(pic.Y, src.Y)
	copy(pic.Cb, src.Cb)
	copy(pic.Cr, src.Cr)
	return v.redactor.Redact(pic, s)
}
