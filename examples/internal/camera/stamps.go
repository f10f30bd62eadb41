package camera

import (
	"time"

	"github.com/hedgecam/hedge/pipeline"
)

const (
	// maxDrift is how far the time stamps of a live camera may be from the clock.
	maxDrift = 2 * time.Second
	// maxJump is how much more than the clock they may rise from one picture to the
	// next.
	maxJump = time.Second
	// A second drift within driftAgain of the first is no accident. Within settleTime
	// of a connection's beginning a drift is normal: what was waiting comes at once.
	driftAgain, settleTime = 30 * time.Second, 10 * time.Second
	// trustAfter is how long stamps have to be right to be believed again.
	trustAfter = time.Minute
	// gap is put between the pictures before and after an interruption, at least.
	gap = 40 * time.Millisecond
	// arrivalStep is the least time between two pictures timed by their arrival.
	arrivalStep = time.Millisecond
)

// What may be wrong with the time stamps of a camera.
const (
	stampsJump  = "jump"
	stampsDrift = "run too fast or too slow"
	stampsStand = "stand still"
)

// stamps puts the times of all connections on one clock. The stamps of a live
// camera are believed as long as they go with the clock; else pictures have the
// time at which they come.
type stamps struct {
	live    bool // a picture comes when it was taken
	begin   time.Time
	base    time.Duration // is added to the connection's times
	last    time.Duration
	first   bool // the next picture is the first of a connection
	started bool

	fault     string        // what is wrong with the stamps; empty while they are believed
	faultAt   time.Duration // when that was last seen
	since     time.Duration // of the connection
	driftedAt time.Duration // when base was last moved
	stamp     time.Duration // of the newest picture, as the connection has it
	came      time.Duration // when it came
	// What has passed since it was last checked whether they stand still: by the
	// stamps, by the clock, and in pictures.
	told, passed time.Duration
	pictures     int
}

// interrupted says that the next picture comes from another connection.
func (s *stamps) interrupted() { s.first = true }

// put sets the time of a picture that has just come.
func (s *stamps) put(b *pipeline.Buffer) {
	now := time.Now()
	if !s.started {
		s.started, s.begin = true, now
		s.connect(b.Time, 0, 0)
		s.last, b.Time = 0, 0
		return
	}
	elapsed := now.Sub(s.begin)
	if s.first {
		s.connect(b.Time, elapsed, max(elapsed, s.last+gap))
	}
	at := b.Time + s.base
	if s.live {
		at = s.check(b.Time, elapsed)
	}
	if at <= s.last {
		at = s.last + time.Microsecond
	}
	s.last = at
	b.Time = at
}

// connect begins a connection whose first picture has the time at.
func (s *stamps) connect(stamp, elapsed, at time.Duration) {
	*s = stamps{live: s.live, begin: s.begin, started: true, last: s.last,
		base: at - stamp, since: elapsed, driftedAt: elapsed - driftAgain, stamp: stamp, came: elapsed}
}

// check returns the time of a picture with the stamp given that came when elapsed
// had passed.
func (s *stamps) check(stamp, elapsed time.Duration) time.Duration {
	step, passed := stamp-s.stamp, elapsed-s.came
	s.stamp, s.came = stamp, elapsed
	at := stamp + s.base
	if off := at - elapsed; off > maxDrift || off < -maxDrift {
		// It must not carry all that follows along with it.
		switch {
		case step > passed+maxJump:
			s.blame(stampsJump, elapsed)
		case elapsed-s.since > settleTime && elapsed-s.driftedAt < driftAgain:
			s.blame(stampsDrift, elapsed)
		}
		s.driftedAt = elapsed
		at = max(elapsed, s.last+gap)
		s.base = at - stamp
	}
	s.watchStanding(step, passed, elapsed)
	switch {
	case s.fault == "":
		return at
	case elapsed-s.faultAt < trustAfter:
		return max(elapsed, s.last+arrivalStep)
	}
	s.fault = ""
	at = max(elapsed, s.last+gap)
	s.base = at - stamp
	return at
}

// watchStanding notices stamps that do not rise, or next to not.
func (s *stamps) watchStanding(step, passed, elapsed time.Duration) {
	// What the network held up comes late, and then at once: a long wait counts
	// as a short one.
	s.told, s.passed = s.told+step, s.passed+min(passed, 200*time.Millisecond)
	if s.pictures++; s.pictures < 8 || s.passed < 500*time.Millisecond {
		return
	}
	if s.told*8 < s.passed {
		s.blame(stampsStand, elapsed)
	}
	s.told, s.passed, s.pictures = 0, 0, 0
}

func (s *stamps) blame(fault string, elapsed time.Duration) {
	if s.fault == "" {
		s.fault = fault
	}
	s.faultAt = elapsed
}
