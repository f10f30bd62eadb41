package pipeline

import "time"

// clock is the time that intervals and times to live count in. Time stamps may be
// wrong: they hardly rise, come in bursts or jump. A picture that comes too soon counts
// as the usual interval, and none counts for more than longestStep, which is longer than
// every time to live. If the stamps are sound the clock follows them. A camera that goes
// from one picture a second to 25 is believed after some pictures.
type clock struct {
	stamp, now time.Duration
	usual      time.Duration // interval of pictures; rises fast and falls slowly
	early      int           // so many steps in a row came too soon, but as a source may have them
	longest    time.Duration // of these
}

const (
	// firstUsual is what is assumed of a source of which nothing is known.
	firstUsual = 40 * time.Millisecond
	// longestStep is more than any time to live.
	longestStep = 2500 * time.Millisecond
	// tooSoon divides the usual interval: a shorter step is taken for a wrong stamp.
	tooSoon = 4
	// leastStep is the shortest interval that a source may have, 125 pictures a second, and
	// believed how many steps in a row that are too soon, but no shorter than that, make a new
	// usual interval. Until then they count together as long as one of the old: what must
	// have lasted for a time has not lasted for much less.
	leastStep = 8 * time.Millisecond
	believed  = 8
)

// next returns the time of the picture with the next stamp, which rises.
func (c *clock) next(stamp time.Duration) time.Duration {
	if c.usual == 0 {
		c.usual, c.stamp, c.now = firstUsual, stamp, stamp
		return c.now
	}
	d := min(stamp-c.stamp, longestStep)
	c.stamp = stamp
	if d < c.usual/tooSoon {
		c.now += c.tooEarly(d)
	} else {
		c.now += d
		c.early = 0
	}
	if d > c.usual {
		c.usual += (min(d, 2*c.usual) - c.usual) / 16
	} else {
		c.usual -= (c.usual - d) / 256
	}
	return c.now
}

// tooEarly returns how long a step that comes too soon counts.
func (c *clock) tooEarly(d time.Duration) time.Duration {
	if d < leastStep {
		c.early = 0
		return c.usual
	}
	if c.early == 0 {
		c.longest = 0
	}
	c.early, c.longest = c.early+1, max(c.longest, d)
	counts := c.usual / believed
	if c.early == believed {
		c.usual, c.early = c.longest, 0
	}
	return max(counts, d)
}
