package pipeline

import (
	"testing"
	"time"
)

// TestClock: sound stamps are the clock's time; stamps in a burst, or that stand
// nearly still, count pictures, and a jump counts no more than every time to live.
func TestClock(t *testing.T) {
	const ms = time.Millisecond
	run := func(c *clock, from, step time.Duration, n int) time.Duration {
		began := c.now
		for i := range n {
			c.next(from + time.Duration(i)*step)
		}
		return c.now - began
	}
	for _, step := range []time.Duration{12 * ms, 17 * ms, 33 * ms, 40 * ms, 143 * ms, time.Second} {
		var c clock
		for i := range 500 {
			at := 7*time.Second + time.Duration(i)*step
			if got := c.next(at); got != at {
				t.Fatalf("step %v: %v after %d pictures, want %v", step, got, i, at)
			}
		}
		if c.usual < step*9/10 || c.usual > max(step, 15*ms)*2 {
			t.Errorf("step %v: the usual one is taken for %v", step, c.usual)
		}
		// 50 pictures within 4 ms, and then a stamp for each nanosecond.
		if got := run(&c, c.stamp+80*time.Microsecond, 80*time.Microsecond, 50); got < 50*step/2 {
			t.Errorf("step %v: a burst of 50 counts %v", step, got)
		}
		if got := run(&c, c.stamp+1, 1, 50); got < 50*step/3 {
			t.Errorf("step %v: 50 stamps that stand still count %v", step, got)
		}
		before := c.now
		if c.next(c.stamp + time.Hour); c.now-before != longestStep {
			t.Errorf("step %v: a jump counts %v", step, c.now-before)
		}
	}
	// A camera that makes more pictures when something happens.
	for _, fast := range []time.Duration{20 * ms, 40 * ms, 100 * ms} {
		var c clock
		run(&c, 0, time.Second, 200)
		want := 50 * fast
		if got := run(&c, c.stamp+fast, fast, 50); got < want || got > want+time.Second {
			t.Errorf("50 steps of %v after some of 1 s count %v", fast, got)
		}
		if c.usual > fast*3/2 {
			t.Errorf("after 50 steps of %v the usual one is taken for %v", fast, c.usual)
		}
		// It is not believed for stamps that no camera has.
		if got := run(&c, c.stamp+5*ms, 5*ms, 50); fast > 20*ms && got < 50*fast/2 {
			t.Errorf("50 steps of 5 ms after some of %v count %v", fast, got)
		}
	}
	var c clock
	if got := run(&c, 0, 50*time.Microsecond, 40); got < 39*firstUsual/2 {
		t.Errorf("a burst at the beginning counts %v", got)
	}
}
