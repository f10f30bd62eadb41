package ratelimit

import (
	"fmt"
	"sync"
	"time"
)

const (
	// firstPeriod is how long after it was told of a thing is only counted. Each period
	// is twice the one before as long as it goes on, up to longestPeriod.
	firstPeriod   = time.Minute
	longestPeriod = time.Hour
	// maxTold is of how many clients is told one by one.
	maxTold = 64
	// otherClients stands for all that are more.
	otherClients = "other clients"
)

// Repeats tells of what clients do again and again, such as being refused, in few lines:
// the first time at once, and all further times as a count at the end of a period. Who
// did nothing for a period is told of at once again. Its methods may be called by any
// goroutine.
type Repeats struct {
	tell func(client, text string)

	mu     sync.Mutex
	told   map[repeat]*count
	closed bool
}

// repeat is what is counted, count how often it was in a period.
type repeat struct{ client, kind string }

type count struct {
	began  time.Time
	period time.Duration
	times  int
	text   string
}

// say tells of the count, if there is one.
func (c *count) say(tell func(client, text string), client string) {
	if c.times > 0 {
		tell(client, fmt.Sprintf("%s: %d more within %v", c.text, c.times, time.Since(c.began).Round(time.Second)))
	}
}

// NewRepeats returns a Repeats that calls tell, which must not block for long.
func NewRepeats(tell func(client, text string)) *Repeats {
	return &Repeats{tell: tell, told: map[repeat]*count{}}
}

// Tell says that a client did something. Of one kind the first text is told at once; the
// newest one is told with the count.
func (r *Repeats) Tell(client, kind, text string) {
	if r.first(repeat{client, kind}, text) {
		r.tell(client, text)
	}
}

// first reports whether something is to be told of at once, and else counts it.
func (r *Repeats) first(key repeat, text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	c := r.told[key]
	if c == nil && len(r.told) >= maxTold {
		key.client = otherClients
		c = r.told[key]
	}
	if c != nil {
		c.times, c.text = c.times+1, text
		return false
	}
	r.begin(key, firstPeriod)
	return true
}

// begin begins a period. The caller holds the lock.
func (r *Repeats) begin(key repeat, period time.Duration) {
	r.told[key] = &count{began: time.Now(), period: period}
	time.AfterFunc(period, func() { r.end(key) })
}

// end ends a period: it tells of the count, if there is one, and begins the next.
func (r *Repeats) end(key repeat) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return
	}
	c := *r.told[key]
	if c.times == 0 {
		delete(r.told, key)
	} else {
		r.begin(key, min(2*c.period, longestPeriod))
	}
	r.mu.Unlock()
	c.say(r.tell, key.client)
}

// Close tells of what was only counted. Nothing is told of afterwards.
func (r *Repeats) Close() {
	r.mu.Lock()
	rest := r.told
	r.told, r.closed = nil, true
	r.mu.Unlock()
	for key, c := range rest {
		c.say(r.tell, key.client)
	}
}
