package pipeline

import (
	"fmt"
	"slices"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

// ruling is what the owner asked for from some moment on: a policy, a preview, or
// that the zones are right.
type ruling struct {
	number   uint64           // rises by one from ruling to ruling
	policies []*redact.Policy // what any of them hides is hidden from the sink
	preview  *preview         // nil: nobody draws
}

// preview is a policy that somebody tries out, and who sees it.
type preview struct {
	policy *redact.Policy
	sink   Sink
}

// maxRulings is how many rulings are remembered for the frames held back. Frames
// from before the oldest of them are hidden whole.
const maxRulings = 8

// Flusher is the optional ability of a [Sink] that holds pictures back. Flush throws
// away those that have not gone out: SetPolicy calls it when the new policy may hide
// what the old one showed. It may be called by any goroutine, also during a Write
// that does not return, and after Run, until the pipeline is closed; it must return
// soon.
type Flusher interface {
	Flush()
}

// SetPolicy puts a new policy in force. An invalid one is refused, and the old one
// stays in force. A nil policy hides everything. A preview ends. It confirms
// nothing: after an event that awaits the owner, everything stays hidden until Confirm.
//
// Pictures that are under way go out hidden under both policies. Where the new one
// may hide more, redacted ones that wait for the sink are dropped, a Write under way
// is waited for (for a second at most, should the sink hang), and a sink that is a
// Flusher is flushed: once SetPolicy has returned, no picture that only the old
// policy hid reaches the sink. A sink must not call SetPolicy in its Write.
func (p *Pipeline) SetPolicy(policy *redact.Policy) error {
	if policy == nil {
		policy = redact.HideEverything()
	}
	if err := p.prepare(policy); err != nil {
		return fmt.Errorf("pipeline: the old policy stays in force: %w", err)
	}
	p.mu.Lock()
	tighter := policy.Tightens(p.policy)
	p.policy, p.trial = policy, nil
	p.rule()
	if tighter {
		p.least = p.zones
	}
	p.mu.Unlock()
	if tighter {
		p.flush()
	}
	return nil
}

// SetPreview lets somebody try a policy out: a picture under it alone goes to sink
// every 100 ms or less often, while the pipeline's own sink gets nothing that the
// policy in force or the preview hides. A nil policy ends the preview, and so does
// SetPolicy; nothing is confirmed by it. An invalid one is refused, and what was
// there stays. The sink is called on a goroutine of its own until the preview or
// the Run ends, and not closed; pictures that it is too slow for are left out.
func (p *Pipeline) SetPreview(policy *redact.Policy, sink Sink) error {
	var trial *preview
	if policy != nil {
		if err := p.prepare(policy); err != nil {
			return fmt.Errorf("pipeline: no preview: %w", err)
		}
		trial = &preview{policy, sink}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.trial == nil && trial == nil {
		return nil
	}
	p.trial = trial
	p.rule()
	return nil
}

// rule begins a new ruling.
func (p *Pipeline) rule() {
	p.zones++
	next := ruling{number: p.zones, policies: []*redact.Policy{p.policy}, preview: p.trial}
	if p.trial != nil {
		next.policies = append(next.policies, p.trial.policy)
	}
	if len(p.rulings) == maxRulings {
		p.rulings = slices.Delete(p.rulings, 0, 1)
	}
	p.rulings = append(p.rulings, next)
}

// newest returns the number of the ruling in force.
func (p *Pipeline) newest() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.zones
}

// allows reports whether a picture that was hidden under all rulings up to number
// may still go out.
func (p *Pipeline) allows(number uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return number >= p.least
}

// under appends to dst the policies of all rulings from number on, the newest
// first, and returns the ruling in force. It reports false if number is older than
// what is remembered. Rulings before number are forgotten: frames come in order.
func (p *Pipeline) under(number uint64, dst []*redact.Policy) (policies []*redact.Policy, last ruling, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := 0
	for old < len(p.rulings)-1 && p.rulings[old].number < number {
		old++
	}
	p.rulings = slices.Delete(p.rulings, 0, old)
	for i := len(p.rulings) - 1; i >= 0; i-- {
		for _, q := range p.rulings[i].policies {
			if !slices.Contains(dst, q) {
				dst = append(dst, q)
			}
		}
	}
	return dst, p.rulings[len(p.rulings)-1], p.rulings[0].number <= number
}

// flush waits for a Write under way, and has the sink throw away what it holds.
func (p *Pipeline) flush() {
	late := time.NewTimer(2 * grace)
	defer late.Stop()
	select {
	case p.writing <- struct{}{}:
		defer func() { <-p.writing }()
	case <-late.C:
	}
	p.mu.Lock()
	sink := p.sink
	p.mu.Unlock()
	if f, ok := sink.(Flusher); ok {
		f.Flush()
	}
}

// obey has the redactor hide f under every policy since f came. It returns how much
// must be hidden because what f was looked at for is not what these ask for.
func (r *run) obey(f *frame) (redact.Level, error) {
	policies, last, known := r.under(f.ruling, r.scratch[:0])
	r.scratch = policies
	f.ruled, f.trial = last.number, nil
	if last.number == f.ruling {
		f.trial = last.preview
	}
	if !slices.Equal(policies, r.applied) {
		if ready, err := r.equip(r.red, policies...); !ready {
			return redact.HideFrame, err
		}
		if err := r.red.SetPolicies(policies...); err != nil {
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

// needsOf returns what the policies need together.
func needsOf(policies []*redact.Policy) (classes detect.ClassSet, motion bool) {
	for _, p := range policies {
		classes |= p.Needs()
		motion = motion || p.NeedsMotion()
	}
	return classes, motion
}
