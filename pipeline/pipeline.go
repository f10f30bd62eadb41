package pipeline

import (
	"context"
	"fmt"
	"image"
	"sync"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

// Pipeline takes pictures from a source, hides what its policy asks for, and
// hands them on. Its methods may be called by any goroutine.
type Pipeline struct {
	cfg   Config
	names []string
	stats stats
	asked chan chan stillAnswer // for the owner loop, from Still

	mu        sync.Mutex
	policy    *redact.Policy
	zones     uint64      // counts the policies and confirmations
	reference image.Point // native size the zones were first applied to
	closed    bool
	cancel    context.CancelFunc // ends the Run under way at once
	stop      context.CancelFunc // ends its source
	done      chan struct{}      // closed when it has ended
}

// New makes a pipeline. The policy is checked here; a policy that cannot be
// used is an error that names the field.
func New(c Config) (*Pipeline, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Pipeline{cfg: c, policy: c.Policy, zones: 1, asked: make(chan chan stillAnswer)}
	for i, d := range c.Detectors {
		if d == nil {
			return nil, fmt.Errorf("pipeline: detector %d is nil", i)
		}
		p.names = append(p.names, detectorName(d))
	}
	p.stats.init(p.names)
	return p, nil
}

// detectorName returns the detector's own name, if it has one, and otherwise
// its classes.
func detectorName(d detect.Detector) string {
	if s, ok := d.(fmt.Stringer); ok {
		return s.String()
	}
	name := ""
	for c := range detect.Class(detect.NumClasses) {
		if d.Classes().Has(c) {
			if name != "" {
				name += "+"
			}
			name += c.String()
		}
	}
	return name + " detector"
}

// begin registers a Run, and returns a context that ends when Stop is called.
func (p *Pipeline) begin(ctx context.Context) (run, stop context.Context, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return nil, nil, ErrClosed
	case p.done != nil:
		return nil, nil, ErrRunning
	}
	run, p.cancel = context.WithCancel(ctx)
	stop, p.stop = context.WithCancel(run)
	p.done = make(chan struct{})
	return run, stop, nil
}

func (p *Pipeline) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancel()
	p.stop()
	close(p.done)
	p.done = nil
}

// Stop ends a Run under way as the end of its source would: what is held back
// is written, and the sink finished. It returns at once.
func (p *Pipeline) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done != nil {
		p.stop()
	}
}

// abort ends a Run under way at once.
func (p *Pipeline) abort() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done != nil {
		p.cancel()
	}
}

// Close ends a Run under way, throwing away what is held back, and waits for
// it. It may be called more than once.
func (p *Pipeline) Close() error {
	p.mu.Lock()
	p.closed = true
	done := p.done
	if done != nil {
		p.cancel()
	}
	p.mu.Unlock()
	if done != nil {
		<-done
	}
	return nil
}

// SetPolicy puts a new policy in force from the next frame on. An invalid one
// is refused, and the old one stays in force. A nil policy hides everything.
// The zones count as confirmed for what the camera sees now.
func (p *Pipeline) SetPolicy(policy *redact.Policy) error {
	if policy == nil {
		policy = redact.HideEverything()
	}
	if err := policy.Validate(); err != nil {
		return fmt.Errorf("pipeline: the old policy stays in force: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.policy = policy
	p.renew()
	return nil
}

// Confirm says that the zones of the policy in force are right for what the
// camera sees now: after CameraMoved or FormatChanged, which hide the whole
// frame until then.
func (p *Pipeline) Confirm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.renew()
}

// renew has the zones applied anew to the next frame, whatever its format.
func (p *Pipeline) renew() {
	p.reference = image.Point{}
	p.zones++
}

// inForce returns the policy for the next frame, and the native picture size
// that its zones were drawn for: that of the first frame it was applied to.
func (p *Pipeline) inForce(native image.Point) (policy *redact.Policy, reference image.Point, zones uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reference == (image.Point{}) {
		p.reference = native
	}
	return p.policy, p.reference, p.zones
}

// Stats returns what the pipeline has done so far.
func (p *Pipeline) Stats() Stats { return p.stats.snapshot() }
