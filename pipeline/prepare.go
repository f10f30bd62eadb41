package pipeline

import (
	"context"
	"image"
	"slices"
	"sync"

	"github.com/hedgecam/hedge/redact"
)

// drawnAtOnce is how many points of a policy's polygons the event loop of a camera
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

// preparations are policies whose zones are drawn for a size of frames. Any goroutine
// may use them.
type preparations struct {
	mu   sync.Mutex
	size image.Point // of the newest frames; zero: there were none
	list []*preparation
}

// prepare checks a policy and draws its zones for the newest frames' size, on the
// caller's time: a large one takes longer than the event loop has for a frame. Until
// it is done what was in force stays in force.
func (p *preparations) prepare(policy *redact.Policy) error {
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
func (p *preparations) keep(one *preparation) {
	p.forget(one.policy, one.size)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.list) == maxPrepared {
		p.list = slices.Delete(p.list, 0, 1)
	}
	p.list = append(p.list, one)
}

// forget has a policy prepared anew if it is wanted again.
func (p *preparations) forget(policy *redact.Policy, size image.Point) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = slices.DeleteFunc(p.list, func(o *preparation) bool { return o.policy == policy && o.size == size })
}

// find returns the preparation of a policy for frames of a size, or nil.
func (p *preparations) find(policy *redact.Policy, size image.Point) *preparation {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.list {
		if one.policy == policy && one.size == size {
			return one
		}
	}
	return nil
}

// resize notes the size of the frames, for which policies are prepared from now on.
func (p *preparations) resize(size image.Point) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size = size
}

// draw prepares a policy. When ctx ends first, nothing is kept. A panic is the
// preparation's error.
func (p *preparations) draw(ctx context.Context, policy *redact.Policy, size image.Point) {
	done := &preparation{policy: policy, size: size}
	defer func() {
		if v := recover(); v != nil {
			done.err = &panicError{v}
		}
		if ctx.Err() != nil {
			p.forget(policy, size)
			return
		}
		p.keep(done)
	}()
	done.ready, done.err = redact.Prepare(ctx, policy, size)
}
