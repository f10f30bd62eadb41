package main

import (
	"context"
	"sync"
	"time"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/buildinfo"
	"github.com/hedgecam/hedge/examples/internal/eventlog"
	"github.com/hedgecam/hedge/models"
)

// recordStart writes into the log which program and networks begin with which policy in
// force.
func (a *app) recordStart() {
	d := eventlog.Data{Version: buildinfo.Version(), Sum: buildinfo.SHA256(), Policy: sumOf(a.inForce()), Models: map[string]string{}}
	for _, name := range networks.Members(a.c.Networks) {
		if m, err := models.Find(name); err == nil {
			d.Models[name] = m.SHA256 // Load refuses any other file
		}
	}
	a.log.Record(eventlog.Started, d)
}

// countEvery is how often the counts of what was hidden go to the event log, at full
// ten minutes by the clock: a power cut costs no more.
const countEvery = 10 * time.Minute

// tally counts what was hidden since it was taken last. Its methods may be called by
// any goroutine.
type tally struct {
	mu     sync.Mutex
	counts eventlog.Counts
}

func newTally() *tally { return &tally{counts: eventlog.Counts{From: time.Now()}} }

// add counts a picture.
func (t *tally) add(s *seen) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := func(n *uint64, is bool) {
		if is {
			*n++
		}
	}
	c := &t.counts
	c.Frames++
	one(&c.Whole, s.Whole)
	one(&c.Closed, s.Counts.Failed)
	one(&c.Faces, s.Counts.Faces > 0)
	one(&c.People, s.Counts.People > 0)
	one(&c.Plates, s.Counts.Plates > 0)
	one(&c.Motion, s.Counts.Motion > 0)
}

// take returns the counts and begins anew.
func (t *tally) take() eventlog.Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counts
	t.counts = eventlog.Counts{From: time.Now()}
	return c
}

// record writes the counts into the log.
func (t *tally) record(log *eventlog.Log) {
	c := t.take()
	log.Record(eventlog.Counted, eventlog.Data{Counts: &c})
}

// keep records at full ten minutes until ctx ends. What is counted from then on is the
// caller's to record.
func (t *tally) keep(ctx context.Context, log *eventlog.Log) {
	for {
		now := time.Now()
		timer := time.NewTimer(now.Truncate(countEvery).Add(countEvery).Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			t.record(log)
		}
	}
}
