package pipeline

import (
	"context"
	"fmt"
	"image"
	"sync"

	"github.com/hedgecam/hedge/redact"
)

// Pipeline takes pictures from a source, hides what its policy asks for, and
// hands them on. Its methods may be called by any goroutine.
type Pipeline struct {
	cfg   Config
	names []string
	stats stats
	asked chan chan stillAnswer // for the owner loop, from Still

	mu            sync.Mutex
	policy        *redact.Policy
	trial         *preview    // nil: nobody draws
	zones         uint64      // counts the policies, previews and confirmations
	confirmations uint64      // counts those
	rulings       []ruling    // those that frames under way came under, the newest last
	least         uint64      // redacted pictures of rulings before this one are dropped
	sink          Sink        // of the newest Run
	size          image.Point // of the newest frames; zero: there were none
	prepared      []*preparation
	closed        bool
	cancel        context.CancelFunc // ends the Run under way at once
	stop          context.CancelFunc // ends its source
	done          chan struct{}      // closed when it has ended

	writing chan struct{} // full while the sink is written to

	view viewWatch // of the Run under way
}

// New makes a pipeline. The policy is checked here; a policy that cannot be
// used is an error that names the field.
func New(c Config) (*Pipeline, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Pipeline{cfg: c, policy: c.Policy, asked: make(chan chan stillAnswer), writing: make(chan struct{}, 1), view: newViewWatch(c)}
	p.rule()
	for i, d := range c.Detectors {
		if d == nil {
			return nil, fmt.Errorf("pipeline: detector %d is nil", i)
		}
		p.names = append(p.names, d.Name())
	}
	p.stats.init(p.names)
	return p, nil
}

// begin registers a Run, and returns a context that ends when Stop is called.
func (p *Pipeline) begin(ctx context.Context, sink Sink) (run, stop context.Context, err error) {
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
	p.done, p.sink = make(chan struct{}), sink
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
	p.closed, p.sink = true, nil
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

// inForce returns the ruling for the next frame, and how often the owner has
// confirmed the view.
func (p *Pipeline) inForce() (now ruling, confirmations uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rulings[len(p.rulings)-1], p.confirmations
}

// Stats returns what the pipeline has done so far.
func (p *Pipeline) Stats() Stats { return p.stats.snapshot() }
