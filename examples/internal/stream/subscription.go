package stream

import (
	"sync"
	"sync/atomic"
)

// Subscription is one subscriber's view of a Broadcaster.
type Subscription struct {
	// C delivers the units, beginning with a key unit. It is closed by Close and
	// by the broadcaster's Close. A subscriber who leaves it full loses units, up to the next
	// key unit.
	C <-chan *Unit
	// Flushed gets a value after Broadcaster.Flush, for a subscriber who keeps units: those that
	// are Stale must go no further.
	Flushed <-chan struct{}

	broadcaster *Broadcaster
	c           chan *Unit
	flushed     chan struct{}
	lost        atomic.Uint64
	once        sync.Once

	// What follows is guarded by the broadcaster's mutex.

	breaks  uint64 // of the broadcaster, when this one began
	waiting bool   // for a key unit
	began   bool   // a unit was delivered, so that those left out are lost
}

// Lost returns the number of units that were lost because C was full.
func (s *Subscription) Lost() uint64 { return s.lost.Load() }

// Stale reports whether the broadcaster was flushed since the unit was made: it must go no
// further.
func (s *Subscription) Stale(u *Unit) bool {
	s.broadcaster.mu.Lock()
	defer s.broadcaster.mu.Unlock()
	return u.flushes != s.broadcaster.flushes
}

// Broken reports whether the broadcaster was paused or flushed since the subscription began.
func (s *Subscription) Broken() bool {
	s.broadcaster.mu.Lock()
	defer s.broadcaster.mu.Unlock()
	return s.breaks != s.broadcaster.breaks
}

// flush empties the channel.
func (s *Subscription) flush() {
	for {
		select {
		case _, open := <-s.c:
			if open {
				continue
			}
		default:
		}
		break
	}
	s.waiting = true
	select {
	case s.flushed <- struct{}{}:
	default:
	}
}

// Close ends the subscription and closes C. It may be called more than once.
func (s *Subscription) Close() {
	s.broadcaster.mu.Lock()
	defer s.broadcaster.mu.Unlock()
	delete(s.broadcaster.subs, s)
	s.end()
}

func (s *Subscription) end() { s.once.Do(func() { close(s.c) }) }

// offer delivers a unit, or counts it as lost.
func (s *Subscription) offer(u *Unit) {
	if s.waiting && !u.Key {
		if s.began {
			s.lost.Add(1)
		}
		return
	}
	select {
	case s.c <- u:
		s.waiting, s.began = false, true
	default:
		s.waiting = true
		s.lost.Add(1)
	}
}
