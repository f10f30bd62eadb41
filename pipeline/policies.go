package pipeline

import (
	"fmt"
	"slices"

	"github.com/hedgecam/hedge/redact"
)

// Flusher is the optional ability of a [Sink] that holds frames back. Flush throws
// away those that have not gone out: SetPolicy calls it when the new policy may hide
// what the old one showed. It may be called by any goroutine, also during a Write
// that does not return, and after Run, until the pipeline is closed; it must return
// soon.
type Flusher interface {
	Flush()
}

// SetPolicy puts a new policy in force, of which it makes a copy. An invalid one is refused,
// and the old one stays in force. A nil policy hides everything. A preview ends. It confirms
// nothing: after an event that awaits the owner, everything stays hidden until Confirm.
//
// Frames that are under way go out hidden under both policies. Where the new one
// may hide more, redacted ones that wait for the sink are dropped, a Write under way
// is waited for (for a second at most, should the sink hang), and a sink that is a
// Flusher is flushed: once SetPolicy has returned, no frame that only the old
// policy hid reaches the sink. A sink must not call SetPolicy in its Write.
func (p *Pipeline) SetPolicy(policy *redact.Policy) error {
	policy = p.rulings.own(policy)
	if err := p.prepared.prepare(policy); err != nil {
		return fmt.Errorf("pipeline: the old policy stays in force: %w", err)
	}
	if p.rulings.setPolicy(policy) {
		p.flush()
	}
	return nil
}

// flush has the sink of the newest Run throw away what it holds, after the Write under way.
func (p *Pipeline) flush() {
	p.mu.Lock()
	sink, gate := p.sink, p.gate
	p.mu.Unlock()
	gate.between(func() {
		if f, ok := sink.(Flusher); ok {
			f.Flush()
		}
	})
}

// SetFloor has policies hold beside every other one: what any of them hides is hidden
// in every frame, in those of a preview and in the background plate too, whatever
// SetPolicy and SetPreview are given. It makes copies of them. None ends that; a nil one
// hides everything. Invalid ones are refused, and what was there stays. Frames under way
// and waiting ones are those of SetPolicy.
func (p *Pipeline) SetFloor(floor ...*redact.Policy) error {
	floor = slices.Clone(floor)
	for i, q := range floor {
		q = p.rulings.own(q)
		floor[i] = q
		if err := p.prepared.prepare(q); err != nil {
			return fmt.Errorf("pipeline: the old floor stays in force: %w", err)
		}
	}
	if p.rulings.setFloor(floor) {
		p.flush()
	}
	return nil
}

// SetPreview lets somebody try a policy out: a frame under it and the floor goes to sink
// every 100 ms or less often, while the pipeline's own sink gets nothing that the
// policy in force or the preview hides. It makes a copy of the policy. A nil one ends
// the preview, and so does SetPolicy; nothing is confirmed by it. An invalid one is
// refused, and what was there stays. The sink is called on a goroutine of its own until
// the preview or the Run ends; frames that it is too slow for are left out.
func (p *Pipeline) SetPreview(policy *redact.Policy, sink Sink) error {
	var next *preview
	if policy != nil {
		policy = p.rulings.own(policy)
		if err := p.prepared.prepare(policy); err != nil {
			return fmt.Errorf("pipeline: no preview: %w", err)
		}
		next = &preview{policy: policy, sink: sink}
	}
	p.rulings.setPreview(next)
	return nil
}
