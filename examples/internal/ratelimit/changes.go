package ratelimit

import (
	"sync"
	"time"
)

const (
	// firstChanges is of how many changes after a rest is told at once: that a state
	// came, and that it went.
	firstChanges = 2
	// calmShare is for which share of the period a state must hold to be told of before
	// the period ends, and calmMost is when it is told of at the latest.
	calmShare, calmMost = 8, 2 * time.Minute
)

// Changes tells of a state that changes again and again in few lines: of the first changes
// after a rest at once, and of further ones only once the state holds, or at the end of a
// period. So a state that holds is told of within calmMost. Its methods may be
// called by any goroutine.
type Changes[S any] struct {
	tell func(s S, times int, within time.Duration)

	mu     sync.Mutex
	closed bool
	period time.Duration // 0 at rest
	left   int           // changes that are told of at once
	busy   bool          // some of this period were not
	newest S
	times  int       // changes that were not told of
	since  time.Time // when the last line was told
	calm   *time.Timer
	end    *time.Timer
}

// NewChanges returns a Changes that calls tell, one call at a time: with a state, and where
// changes to it and before it were not told of with their number, and the time since the
// last line. tell must not block for long, and not call methods of the Changes.
func NewChanges[S any](tell func(s S, times int, within time.Duration)) *Changes[S] {
	return &Changes[S]{tell: tell}
}

// Change says that the state is another.
func (c *Changes[S]) Change(s S) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	if c.period == 0 {
		c.left = firstChanges
		c.begin(firstPeriod)
	}
	c.newest = s
	if c.left > 0 {
		c.left--
		c.say()
		return
	}
	c.busy = true
	c.times++
	if c.calm != nil {
		c.calm.Stop()
	}
	c.calm = time.AfterFunc(min(c.period/calmShare, calmMost), c.held)
}

// Now is Change for a state that is told of at once, however often it comes.
func (c *Changes[S]) Now(s S) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.newest = s
	c.say()
}

// Close tells of what was not told of yet. Nothing is told of afterwards.
func (c *Changes[S]) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	for _, t := range []*time.Timer{c.calm, c.end} {
		if t != nil {
			t.Stop()
		}
	}
	c.sayRest()
}

// say tells of the newest state. The caller holds the lock, as for all below.
func (c *Changes[S]) say() {
	within := time.Duration(0)
	if c.times > 0 {
		within = time.Since(c.since).Round(time.Second)
	}
	c.tell(c.newest, c.times, within)
	c.times, c.since = 0, time.Now()
}

func (c *Changes[S]) sayRest() {
	if c.times > 0 {
		c.say()
	}
}

// begin begins a period.
func (c *Changes[S]) begin(period time.Duration) {
	c.period, c.busy = period, false
	c.end = time.AfterFunc(period, c.over)
}

// held is called when the state has held for long enough.
func (c *Changes[S]) held() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.sayRest()
	}
}

// over ends a period: one in which all was told of at once is followed by a rest.
func (c *Changes[S]) over() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.sayRest()
	if !c.busy {
		c.period = 0
		return
	}
	c.left = 0
	c.begin(min(2*c.period, longestPeriod))
}
