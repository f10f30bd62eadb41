package main

import (
	"testing"
	"time"
)

// TestSimulate: more workers finish sooner in proportion until the link or the server is
// busy all the time; lost workers' jobs are done again, and all end.
func TestSimulate(t *testing.T) {
	c := costs{queue: time.Millisecond, work: time.Minute, bytes: 1 << 20, link: 1 << 30, silent: 30 * time.Second}
	one, ten := simulate(c, 1, 2000), simulate(c, 10, 2000)
	if r := one.took.Seconds() / ten.took.Seconds(); r < 9.4 || r > 10.6 {
		t.Errorf("ten workers are %.2f times as fast as one", r)
	}
	if want := 2000 * time.Minute; one.took < want*95/100 || one.took > want*105/100 || one.repeated != 0 {
		t.Errorf("one worker takes %v, %d repeated", one.took, one.repeated)
	}
	c.link = 1 << 20 // three seconds for each
	if o := simulate(c, 1000, 2000); o.link < 0.95 || o.took < 6000*time.Second || o.workers > 0.1 {
		t.Errorf("a narrow link: %+v", o)
	}
	c.link, c.queue = 1<<30, time.Second
	if o := simulate(c, 1000, 2000); o.server < 0.95 {
		t.Errorf("a slow server: %+v", o)
	}
	c.queue, c.lost = time.Millisecond, 0.1
	if o := simulate(c, 10, 2000); o.repeated < 150 || o.repeated > 300 || o.took < ten.took {
		t.Errorf("workers are lost: %+v", o)
	}
}
