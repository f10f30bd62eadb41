package pipeline

import "time"

// clock is the time that intervals and times to live count in. Time stamps may be
// wrong: they hardly rise, come in bursts or jump. A picture that comes too soon counts
// as the usual interval, and none counts for more than longestStep, which is longer than
// every time to live. If the stamps are sound the clock follows them.
type clock struct {
	stamp, now time.Duration
	usual      time.Duration // interval of pictures; rises fast and falls slowly
}

const (
	// firstUsual is what is assumed of a source of which nothing is known.
	firstUsual = 40 * time.Millisecond
	// longestStep is more than any time to live.
	longestStep = 2500 * time.Millisecond
	// tooSoon divides the usual interval: a shorter step is taken for a wrong stamp.
	tooSoon = 4
)

// next returns the time of the picture with the next stamp, which rises.
func (c *clock) next(stamp time.Duration) time.Duration {
	if c.usual == 0 {
		c.usual, c.stamp, c.now = firstUsual, stamp, stamp
		return c.now
	}
	d := min(stamp-c.stamp, longestStep)
	c.stamp = stamp
	step := d
	if d < c.usual/tooSoon {
		step = c.usual
	}
	c.now += step
	if d > c.usual {
		c.usual += (min(d, 2*c.usual) - c.usual) / 16
	} else {
		c.usual -= (c.usual - d) / 256
	}
	return c.now
}
