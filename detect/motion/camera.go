package motion

import (
	"math"
	"time"
)

const (
	// shiftReach is how far a shifted picture is searched, in samples each way.
	shiftReach = 8
	// cameraBeat is the number of pictures from one comparison to the next
	// while nothing is wrong.
	cameraBeat = 8
	// same is the correlation of gradients above which the camera looks where it
	// looked; lost is that below which nothing of the old picture is left.
	same, lost = 0.55, 0.2
	// anchorAge is the time after which the reference is taken anew, so that it
	// follows the day.
	anchorAge = time.Minute
	// darkLuma is the mean luma below which a picture is little but noise.
	darkLuma = blackLevel + 6
	// settle is the time after a reset at which the reference is taken first.
	settle = time.Second
)

// camera compares the gradients of the picture with those of a reference. In the
// logarithm of the luma these do not change with the light's strength. While
// they disagree it searches for a shift at which they agree, one row of shifts
// a picture.
type camera struct {
	ref   []int16  // background at the time taken
	cur   []int16  // the picture under search
	sums  [3]int64 // here, since what C writes to would be allocated elsewhere
	taken time.Duration
	start time.Duration
	have  bool
	dark  bool // cur shows nothing
	gone  bool

	since      time.Duration // of the disagreement
	doubt      bool
	row        int
	best, zero float64
	bestX      int
	bestY      int
	wrong      int // searches in a row that found the camera moved
}

func (c *camera) setSize(n int) {
	if len(c.ref) != n {
		c.ref, c.cur = make([]int16, n), make([]int16, n)
	}
	c.have, c.dark, c.gone, c.doubt, c.start, c.wrong = false, false, false, false, never, 0
}

// update compares the newest picture with the reference.
func (c *camera) update(m *Model) {
	if c.start == never {
		c.start = m.now
	}
	switch {
	case !c.have:
		if m.now-c.start >= settle {
			c.take(m)
		}
		return
	case c.row > 0 || c.doubt && m.frames%2 == 0:
		c.search(m)
		return
	case m.frames%cameraBeat != 0:
		return
	}
	c.current(m)
	rho, ok := c.correlation(m, 0, 0)
	c.doubt = ok && rho < same
	if !c.doubt {
		c.wrong = 0
		if ok && m.now-c.taken >= anchorAge {
			c.take(m)
		}
	}
}

// take makes the background the reference.
func (c *camera) take(m *Model) {
	for i, v := range m.bg {
		c.ref[i] = int16(v >> 8)
	}
	c.have, c.taken, c.doubt = true, m.now, false
}

// current takes the newest picture to be compared.
func (c *camera) current(m *Model) {
	sum := 0
	for i, v := range m.tiny {
		c.cur[i] = m.table[v]
		sum += int(v)
	}
	c.dark = sum < len(m.tiny)*darkLuma*16
}

// correlation returns that of the gradients of the reference and of the picture
// shifted by (dx, dy). It reports false if one of the two has no structure: in
// the dark, or for a bare wall, nothing can be said.
func (c *camera) correlation(m *Model, dx, dy int) (float64, bool) {
	if c.dark {
		return 0, false
	}
	s := &c.sums
	correlate(c.ref, c.cur, m.w, m.h, dx, dy, s)
	// A mean squared gradient of 16 units, a contrast of half a percent.
	if least := int64(m.w) * int64(m.h) * 16 / 4; s[1] < least || s[2] < least {
		return 0, false
	}
	return float64(s[0]) / math.Sqrt(float64(s[1])*float64(s[2])), true
}

// search tries one row of shifts; after the last it draws the conclusion.
func (c *camera) search(m *Model) {
	if c.row == 0 {
		c.current(m)
		rho, ok := c.correlation(m, 0, 0)
		if !ok || rho >= same {
			c.doubt, c.wrong = false, 0
			return
		}
		c.zero, c.best = rho, -1
	}
	dy := c.row - shiftReach
	for dx := -shiftReach; dx <= shiftReach; dx++ {
		if rho, ok := c.correlation(m, dx, dy); ok && rho > c.best {
			c.best, c.bestX, c.bestY = rho, dx, dy
		}
	}
	if c.row++; c.row <= 2*shiftReach {
		return
	}
	c.row = 0
	shifted := (c.bestX != 0 || c.bestY != 0) && c.best > c.zero+0.15 && c.best > 0.4
	if !shifted && c.zero >= lost {
		c.wrong = 0
		return
	}
	if c.wrong++; c.wrong == 1 {
		c.since = m.now
	} else if m.now-c.since >= m.cfg.MovedAfter {
		c.gone = true
	}
}

// Moved reports whether the camera was moved, turned or blocked: for
// Config.MovedAfter the structure of the picture has been that of the reference
// shifted, or none of it was left. Light that changes does not count. It stays
// true until [Model.Reset].
func (m *Model) Moved() bool { return m.camera.gone }
