package onnx

import (
	"context"
	"fmt"

	ort "github.com/yalue/onnxruntime_go"

	native "github.com/hedgecam/hedge/internal/ort"
)

// canceller ends a run when its context is done. Its goroutine lives as long as
// the Session, so that a run starts none.
type canceller struct {
	options *ort.RunOptions
	ctxs    chan context.Context
	stop    chan struct{}
	fired   chan bool
	ended   chan struct{}
	armed   bool
}

func newCanceller() (*canceller, error) {
	o, err := ort.NewRunOptions()
	if err != nil {
		return nil, fmt.Errorf("onnx: run options: %w", err)
	}
	native.Live.Add(1)
	c := &canceller{
		options: o,
		ctxs:    make(chan context.Context),
		stop:    make(chan struct{}),
		fired:   make(chan bool),
		ended:   make(chan struct{}),
	}
	go c.watch()
	return c, nil
}

func (c *canceller) watch() {
	defer close(c.ended)
	for ctx := range c.ctxs {
		fired := false
		select {
		case <-ctx.Done():
			// An error would mean options that are gone, which close rules out.
			fired = c.options.Terminate() == nil
			<-c.stop
		case <-c.stop:
		}
		c.fired <- fired
	}
}

// begin watches ctx until end is called.
func (c *canceller) begin(ctx context.Context) {
	if c.armed = ctx.Done() != nil; c.armed {
		c.ctxs <- ctx
	}
}

// end stops watching and reports whether the run was told to stop.
func (c *canceller) end() bool {
	if !c.armed {
		return false
	}
	c.stop <- struct{}{}
	if !<-c.fired {
		return false
	}
	if err := c.options.UnsetTerminate(); err != nil {
		panic(fmt.Sprintf("onnx: %v", err)) // options that are gone: a bug here
	}
	return true
}

func (c *canceller) close() error {
	close(c.ctxs)
	<-c.ended
	native.Live.Add(-1)
	return c.options.Destroy()
}
