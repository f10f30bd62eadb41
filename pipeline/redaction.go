package pipeline

import (
	"context"
	"image"
	"slices"
	"sync"

	"github.com/hedgecam/hedge/redact"
)

// redaction redacts frames under the policies that they came under. It belongs to the
// event loop.
type redaction struct {
	options  redact.Options
	live     bool
	rulings  *rulings
	prepared *preparations
	drawing  context.Context // ends with the Run
	draws    sync.WaitGroup  // goroutines that draw zones

	redactor *redact.Redactor // nil before the first frame
	applied  []*redact.Policy // that the redactor works by
	scratch  []*redact.Policy
	failures int // in a row
}

// resize makes a redactor for frames of another size. Which policies it works by is
// settled frame by frame; until then it hides everything.
func (r *redaction) resize(size image.Point) error {
	red, err := redact.New(nil, size, r.options)
	if err != nil {
		return err
	}
	r.redactor, r.applied = red, nil
	r.prepared.resize(size)
	return nil
}

// obey has the redactor hide f under every policy since f came. It returns how much
// must be hidden because f was inspected for other needs than these policies have.
func (r *redaction) obey(f *frame) (redact.Level, error) {
	policies, last, known := r.rulings.since(f.ruling, r.scratch[:0])
	r.scratch = policies
	f.ruled, f.preview = last.number, nil
	if last.number == f.ruling {
		f.preview = last.preview
	}
	if !slices.Equal(policies, r.applied) {
		if ready, err := r.equip(r.redactor, policies...); !ready {
			return redact.HideFrame, err
		}
		if err := r.redactor.SetPolicies(policies...); err != nil {
			return redact.HideFrame, err
		}
		r.applied = append(r.applied[:0], policies...)
	}
	if !known {
		return redact.HideFrame, nil
	}
	for _, q := range policies[1:] {
		if last.number != f.ruling && (q.Needs() != policies[0].Needs() || q.NeedsMotion() != policies[0].NeedsMotion()) {
			return redact.HideOutside, nil
		}
	}
	return redact.HidePolicy, nil
}

// equip hands red what is prepared of policies that it is to work by. It reports
// false while one of them is still being drawn: nothing may be shown until then. A
// small one, and any of a recording, which waits, red draws by itself.
func (r *redaction) equip(red *redact.Redactor, policies ...*redact.Policy) (bool, error) {
	all := true
	for _, q := range policies {
		one := r.prepared.find(q, red.Size())
		switch {
		case one == nil && (!r.live || q.Points() <= drawnAtOnce):
		case one == nil:
			r.draw(q, red.Size())
			all = false
		case one.err != nil:
			r.prepared.forget(q, red.Size()) // the next frame tries again
			return false, one.err
		case one.ready == nil:
			all = false
		default:
			red.Ready(one.ready)
		}
	}
	return all, nil
}

// draw prepares a policy on another goroutine.
func (r *redaction) draw(policy *redact.Policy, size image.Point) {
	prepared, ctx := r.prepared, r.drawing
	prepared.keep(&preparation{policy: policy, size: size})
	r.draws.Go(func() { prepared.draw(ctx, policy, size) })
}

// redact redacts a raw picture in place. A panic is an error.
func (r *redaction) redact(pic *image.YCbCr, s redact.Scene) (redact.Frame, error) {
	return redactPicture(r.redactor, pic, s)
}

func redactPicture(red *redact.Redactor, pic *image.YCbCr, s redact.Scene) (out redact.Frame, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = redact.Frame{}, &panicError{v}
		}
	}()
	return red.Redact(pic, s)
}

// failed counts a frame that could not be redacted. It returns an error when they are
// too many in a row.
func (r *redaction) failed(err error, most int) error {
	if r.failures++; r.failures >= most {
		return &StageError{Stage: "redact", Count: r.failures, Err: err}
	}
	return nil
}
