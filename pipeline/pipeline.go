package pipeline

import (
	"context"
	"fmt"
	"sync"
)

// Pipeline takes pictures from a source, hides what its policy asks for, and
// hands them on. Its methods may be called by any goroutine.
type Pipeline struct {
	cfg      Config
	names    []string // of the detectors
	stats    stats
	rulings  *rulings
	prepared preparations
	gate     *gate
	requests chan chan plateAnswer // for the event loop, from BackgroundPlate
	view     viewWatch             // of the Run under way

	mu     sync.Mutex
	sink   Sink // of the newest Run
	closed bool
	cancel context.CancelFunc // ends the Run under way at once
	stop   context.CancelFunc // ends its source
	done   chan struct{}      // closed when it has ended
}

// New makes a pipeline. The policy is checked here; a policy that cannot be
// used is an error that names the field.
func New(c Config) (*Pipeline, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Pipeline{cfg: c, rulings: newRulings(c.Policy, c.Floor), requests: make(chan chan plateAnswer), view: newViewWatch(c)}
	p.gate = newGate(p.rulings)
	for i, d := range c.Detectors {
		if d == nil {
			return nil, fmt.Errorf("pipeline: detector %d is nil", i)
		}
		p.names = append(p.names, d.Name())
	}
	p.stats.init(p.names)
	return p, nil
}

// Run takes pictures from src until its end, hides in each what the policy
// asks for, and hands it to sink. At the end of src everything held back is
// written and the sink finished. When ctx ends, what is held back is thrown
// away, the sink is not finished, and Run returns ctx's error. Stop ends a Run
// as the end of src does. What was learnt of a fixed camera's view stays for the
// next Run: for a recording of another place take another Pipeline, or Confirm
// its view. Run closes neither src nor sink; whichever way it
// ends, it waits for all its goroutines, and names a stage that does not
// return within a second of being asked: see ErrStuck.
func (p *Pipeline) Run(ctx context.Context, src Source, sink Sink) error {
	runCtx, stop, err := p.begin(ctx, sink)
	if err != nil {
		return err
	}
	defer p.end()
	p.stats.begin()
	l := newLoop(p, src, sink)
	l.start(runCtx, stop)
	err = l.run(runCtx)
	if err == nil {
		err = runCtx.Err() // the reader may have seen it first, and ended as a source does
	}
	p.view.keepStructure(l.lastAt)

	// Whatever the reason, everybody is called back and waited for.
	if err != nil {
		p.abort()
	}
	p.Stop()
	l.writer.close()
	// What ended while the last frames were written is no output to be finished.
	err = firstError(err, l.reader.join(), l.writer.join(runCtx), runCtx.Err())
	p.abort()
	err = firstError(err, l.scheduler.stop(p.names), l.previewer.stop(), l.outlines.stop())
	l.redaction.draws.Wait()
	if f, ok := sink.(Finisher); ok && err == nil {
		if ferr := f.Finish(ctx); ferr != nil {
			err = &StageError{Stage: "sink", Count: 1, Err: ferr}
		}
	}
	return err
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
	// A gate of its own: a Write that an earlier Run gave up may hold that one's for ever.
	p.done, p.sink, p.gate = make(chan struct{}), sink, newGate(p.rulings)
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

// Stats returns what the pipeline has done so far.
func (p *Pipeline) Stats() Stats { return p.stats.snapshot() }
