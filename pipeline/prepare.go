package pipeline

import (
	"context"
	"image"
	"slices"

	"github.com/hedgecam/hedge/redact"
)

// drawnAtOnce is how many points of a policy's polygons the owner loop of a camera
// may draw between two frames. An edge as high as a 1080p picture takes about 30 us.
const drawnAtOnce = 256

// maxPrepared is how many prepared policies are kept: those that frames under way may
// have come under, for the picture's size and the one before.
const maxPrepared = 2 * maxRulings

// preparation is a policy that was prepared, or is about to be.
type preparation struct {
	policy *redact.Policy
	size   image.Point
	ready  *redact.Prepared // nil: under way, or err
	err    error
}

// prepare checks a policy and draws its zones for the newest frames' size, on the
// caller's time: a large one takes longer than the owner loop has for a frame. Until
// it is done what was in force stays in force.
func (p *Pipeline) prepare(policy *redact.Policy) error {
	p.mu.Lock()
	size := p.size
	p.mu.Unlock()
	if size == (image.Point{}) {
		return policy.Validate()
	}
	ready, err := redact.Prepare(context.Background(), policy, size)
	if err != nil {
		return err
	}
	p.keep(&preparation{policy: policy, size: size, ready: ready})
	return nil
}

// keep takes a preparation in, in place of another of the same policy and size.
func (p *Pipeline) keep(one *preparation) {
	p.forget(one.policy, one.size)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.prepared) == maxPrepared {
		p.prepared = slices.Delete(p.prepared, 0, 1)
	}
	p.prepared = append(p.prepared, one)
}

// forget has a policy prepared anew if it is wanted again.
func (p *Pipeline) forget(policy *redact.Policy, size image.Point) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prepared = slices.DeleteFunc(p.prepared, func(o *preparation) bool { return o.policy == policy && o.size == size })
}

// drawn returns the preparation of a policy for pictures of a size, or nil.
func (p *Pipeline) drawn(policy *redact.Policy, size image.Point) *preparation {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.prepared {
		if one.policy == policy && one.size == size {
			return one
		}
	}
	return nil
}

// sized notes the size of the frames, for which policies are prepared from now on.
func (p *Pipeline) sized(size image.Point) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size = size
}

// equip hands red what is prepared of policies that it is to work by. It reports
// false while one of them is still being drawn: nothing may be shown until then. A
// small one, and any of a recording, which waits, red draws by itself.
func (r *run) equip(red *redact.Redactor, policies ...*redact.Policy) (bool, error) {
	all := true
	for _, q := range policies {
		one := r.drawn(q, red.Size())
		switch {
		case one == nil && (r.cfg.Mode != Live || q.Points() <= drawnAtOnce):
		case one == nil:
			r.draw(q, red.Size())
			all = false
		case one.err != nil:
			r.forget(q, red.Size()) // the next frame tries again
			return false, one.err
		case one.ready == nil:
			all = false
		default:
			red.Ready(one.ready)
		}
	}
	return all, nil
}

// draw prepares a policy beside the owner loop.
func (r *run) draw(policy *redact.Policy, size image.Point) {
	r.keep(&preparation{policy: policy, size: size})
	r.draws.Go(func() {
		done := &preparation{policy: policy, size: size}
		defer func() {
			if v := recover(); v != nil {
				done.err = &panicError{v}
			}
			if r.drawing.Err() != nil {
				r.forget(policy, size)
				return
			}
			r.keep(done)
		}()
		done.ready, done.err = redact.Prepare(r.drawing, policy, size)
	})
}
