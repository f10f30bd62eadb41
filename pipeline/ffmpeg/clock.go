package ffmpeg

import "time"

// clock turns the time stamps of a source into presentation times that begin at
// zero and rise strictly.
type clock struct {
	// period is the average time between two pictures.
	period time.Duration

	started bool
	base    Rational
	// pts0 has the time t0: all later ones with the same base count from it,
	// so that errors of rounding do not add up.
	pts0 int64
	t0   time.Duration
	last time.Duration
}

// A time stamp that lies this much before or after the last one is not a gap but
// the beginning of another count.
const (
	maxBack = time.Second
	maxGap  = 30 * 24 * time.Hour
)

// next returns the time of the next picture. A picture without a time stamp is
// put one period after the last one; one that is not later than the last one is
// moved by the smallest step.
func (c *clock) next(f frameInfo) time.Duration {
	if !c.started {
		c.started = true
		c.rebase(f, 0)
		return 0
	}
	expected := c.last + max(c.period, time.Microsecond)
	if !f.hasPTS || !f.base.Known() {
		c.last = expected
		return c.last
	}
	t, ok := c.time(f)
	switch {
	case !ok || t < c.last-maxBack || t > c.last+maxGap:
		c.rebase(f, expected)
	case f.base != c.base:
		c.rebase(f, c.later(t))
	default:
		c.last = c.later(t)
	}
	return c.last
}

// time returns the time of f as its time stamp has it.
func (c *clock) time(f frameInfo) (t time.Duration, ok bool) {
	if f.base == c.base {
		d, ok := f.base.duration(f.pts - c.pts0)
		return c.t0 + d, ok
	}
	was, ok1 := c.base.duration(c.pts0)
	is, ok2 := f.base.duration(f.pts)
	return c.t0 + is - was, ok1 && ok2
}

// rebase counts from picture f on, which has the time t.
func (c *clock) rebase(f frameInfo, t time.Duration) {
	c.base, c.pts0, c.t0, c.last = f.base, f.pts, t, t
}

// later returns t, or the first time after the last one if t is not after it.
// The step is a unit of the time base, and no less than the microsecond that a
// [Sink] can tell apart.
func (c *clock) later(t time.Duration) time.Duration {
	if t > c.last {
		return t
	}
	step, ok := c.base.duration(1)
	if !ok {
		step = c.period
	}
	return c.last + max(step, time.Microsecond)
}
