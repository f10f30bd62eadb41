package pipeline

import "time"

// clock is the time that intervals and times to live count in. Stamps lie: they
// stand nearly still, come in bursts or jump. So a picture never counts for less
// than a good part of the usual interval, and never for more than longestStep,
// after which nothing holds anyhow. Where stamps are sound the clock is theirs.
type clock struct {
	stamp, now time.Duration
	usual      time.Duration // interval of pictures; rises fast and falls slowly
}

const (
	// firstUsual is what is assumed of a source of which nothing is known.
	firstUsual = 40 * time.Millisecond
	// longestStep is more than any time to live.
	longestStep = 2500 * time.Millisecond
	// nowhere is the share of the usual interval below which a step is a lie.
	nowhere = 4
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
	if d < c.usual/nowhere {
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
