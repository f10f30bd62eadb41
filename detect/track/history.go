package track

import (
	"math"
	"time"

	"github.com/hedgecam/hedge/detect"
)

const (
	// maxObservations bounds the history of one object.
	maxObservations = 256
	// nearby is the time before and after an observation in which others count for its
	// speed and padded box, and nearest how many count in any case. If there are more
	// than samples on one side, only some are used.
	nearby  = 1200 * time.Millisecond
	nearest = 8
	samples = 8
	// speedSpan is the time, in seconds, over which observations agree on a speed:
	// one that far off weighs half.
	speedSpan = 0.5
	// damping is the time constant, in seconds, with which an object out of
	// sight is assumed to lose its speed.
	damping = 4.0
	// A detection counts in full as an observation of its own object if a share of at
	// least ownInFull of its box lies outside of all more confident ones, and not at all
	// up to ownNothing.
	ownInFull, ownNothing = 0.5, 0.1
	// atEdge is the distance to the picture's border, in pixels, within which the side of a
	// box shows the border and not the object.
	atEdge = 2
)

// observation is one detection of an object, and what is derived from it and its
// neighbours.
type observation struct {
	at       time.Duration
	box      detect.Box
	score    float32
	ownShare float32 // share of the box that no more confident detection of the inference covers
	whole    bool    // the inference was on the whole picture

	derived bool
	padded  detect.Box // what must be hidden at this time
	best    float32    // highest score of the neighbours
	vx, vy  float32    // pixels per second
	sigma   float32    // standard deviation of the speed, pixels per second
}

// object is one track.
type object struct {
	id          uint64
	class       detect.Class
	seen        []observation // rising times, never empty
	count       int           // observations ever, forgotten ones too
	confident   int           // of these with a score of at least High
	uncertainty float32       // 0..1: what the observations leave

	missed     bool          // an inference after the last observation has missed it,
	missedAt   time.Duration // first at this time
	unseen     bool          // an inference before the first observation has not seen it,
	unseenAt   time.Duration // last at this time
	misses     int           // weights of the inferences after the last observation that have missed or overlooked it, missApart or more apart
	judged     int           // how many of them have missed it,
	twiceAt    time.Duration // and when they were two
	lastMiss   time.Duration // the newest of them
	goneAt     time.Duration // when they were as much as ClassConfig.Misses
	cameAt     time.Duration // so many inferences before the first observation have not seen it since then
	begun      bool          // the first observations are still there
	spot       spot          // where it is if it is a thing of the place
	from, till time.Duration // when it may be in the picture
}

func seconds(d time.Duration) float32 { return float32(d.Seconds()) }

func size(b detect.Box) float32 { return float32(math.Sqrt(float64(b.Area()))) }

func lerp(a, b detect.Box, f float32) detect.Box {
	return detect.Box{
		X0: a.X0 + (b.X0-a.X0)*f, Y0: a.Y0 + (b.Y0-a.Y0)*f,
		X1: a.X1 + (b.X1-a.X1)*f, Y1: a.Y1 + (b.Y1-a.Y1)*f,
	}
}

func outset(b detect.Box, d float32) detect.Box {
	return detect.Box{X0: b.X0 - d, Y0: b.Y0 - d, X1: b.X1 + d, Y1: b.Y1 + d}
}

// add enters an observation. Two at the same time are one: inferences on neighbouring
// tiles of a picture may each show a part.
func (o *object) add(s observation, c *ClassConfig) {
	i := len(o.seen)
	for i > 0 && o.seen[i-1].at > s.at {
		i--
	}
	if i > 0 && o.seen[i-1].at == s.at {
		i--
		o.seen[i].box = o.seen[i].box.Union(s.box)
		o.seen[i].score = max(o.seen[i].score, s.score)
		o.seen[i].whole = o.seen[i].whole || s.whole
	} else {
		o.seen = append(o.seen, observation{})
		copy(o.seen[i+1:], o.seen[i:])
		o.seen[i] = s
		o.count++
		// A box that lies in more confident ones is often a second one of the same object.
		own := min(max((s.ownShare-ownNothing)/(ownInFull-ownNothing), 0), 1)
		if s.score >= c.High && own > 0.5 {
			o.confident++
		}
		o.uncertainty *= 1 - own*c.evidence(s.score)
	}
	lo, hi := o.around(i)
	for j := lo; j <= hi; j++ {
		o.seen[j].derived = false
	}
	if last := o.seen[len(o.seen)-1].at; o.missed && last >= o.missedAt || !o.missed && i == len(o.seen)-1 {
		o.missed, o.misses, o.judged = false, 0, 0
	}
	if o.unseen && o.seen[0].at <= o.unseenAt {
		o.unseen = false
	}
}

// around returns the first and the last observation that count for observation i.
func (o *object) around(i int) (lo, hi int) {
	at := o.seen[i].at
	lo, hi = i, i
	for lo > 0 && (i-lo < nearest || o.seen[lo-1].at >= at-nearby) {
		lo--
	}
	for hi < len(o.seen)-1 && (hi-i < nearest || o.seen[hi+1].at <= at+nearby) {
		hi++
	}
	return lo, hi
}

// evidence is how much a detection of that score takes off the uncertainty whether
// there is an object.
func (c *ClassConfig) evidence(score float32) float32 {
	q := float32(1)
	if c.High > c.Low {
		q = (score - c.Low) / (c.High - c.Low)
	}
	return 0.7 * min(max(q, 0.1), 1)
}

func (c *ClassConfig) hold(uncertainty float32) time.Duration {
	return blend(c.Hold, c.HoldUncertain, uncertainty)
}

func (c *ClassConfig) backFill(uncertainty float32) time.Duration {
	return blend(c.BackFill, c.BackFillUncertain, uncertainty)
}

func blend(a, b time.Duration, f float32) time.Duration {
	return a + time.Duration(float64(b-a)*float64(f))
}

// span works out when the object may be in the picture.
func (o *object) span(t *Tracker) {
	c, keep := &t.cfg.Class[o.class], t.cfg.Keep
	first, last := o.seen[0].at, o.seen[len(o.seen)-1].at
	o.till = last + c.hold(o.uncertainty)
	switch {
	case o.awaits(t):
		o.till = maxTime
		if o.judged >= 2 {
			o.till = max(last+c.hold(o.uncertainty), o.twiceAt)
		} else if o.missed && !o.confirmed(c) {
			o.till = max(last+c.hold(o.uncertainty), o.missedAt)
		}
	case !o.missed:
		o.till = last + keep
	case o.missedAt > o.till:
		o.till = min(o.missedAt, last+keep)
	}
	o.from = first
	if o.fixture(c) {
		o.till = max(o.till, last+fixtureHold)
	}
	unconfirmed := c.Misses > 0 && !o.confirmed(c) && !o.fixture(c)
	if unconfirmed && o.misses >= c.Misses*missed {
		o.till = min(o.till, o.goneAt)
	}
	if o.begun {
		o.from -= c.backFill(o.uncertainty)
		if unconfirmed && o.cameAt < first {
			o.from = max(o.from, o.cameAt)
		}
		if _, _, carried := carrier(o.class); !o.unseen && carried && !o.seen[0].whole {
			// Nobody has looked there before who could have seen it.
			o.from = min(o.from, first-keep)
			if unconfirmed {
				o.from = max(o.from, o.cameAt)
			}
		}
		if o.unseen && o.unseenAt < o.from {
			o.from = max(o.unseenAt, first-keep)
		}
	}
}

// awaits reports whether the object is there until a region has missed it.
func (o *object) awaits(t *Tracker) bool {
	_, _, carried := carrier(o.class)
	return t.cfg.AwaitRegions && carried && !o.seen[len(o.seen)-1].whole
}

// left reports whether the object was last seen before the time tm, and is out of the picture
// then.
func (o *object) left(tm time.Duration, t *Tracker) bool {
	if o.till < maxTime || o.seen[len(o.seen)-1].at >= tm {
		return false
	}
	p, ok := o.at(tm, t)
	return ok && p.box.Intersect(t.whole).Empty()
}

// confirmed reports whether the observations leave no uncertainty that there is an object.
func (o *object) confirmed(c *ClassConfig) bool { return o.count >= c.Observations && o.confident > 0 }

// derive works out the speed at observation i and what must be hidden there.
//
// The speed is a regression line through the sides of the boxes nearby,
// weighted by their distance in time (Cauchy weights), and drawn to 0 by a
// prior, which is the ridge term: with one observation it is 0 and as uncertain as
// ClassConfig.Speed says. Sides at the picture's border say nothing about
// motion. Relying on observations instead of on a recursive state lets late
// observations in and does no harm when an object is found again; the idea is OC-SORT's.
//
// The padded box is the union of the boxes nearby, each moved to this time with that
// speed and drawn in with its distance in time. It follows a growing box at once, even
// before it grows, and a shrinking one at ClassConfig.Shrink.
func (o *object) derive(i int, t *Tracker, c *ClassConfig) {
	s := &o.seen[i]
	lo, hi := o.around(i)
	stride := max((i-lo+samples-1)/samples, (hi-i+samples-1)/samples, 1)
	lo = i - (i-lo)/stride*stride
	sz := size(s.box)
	var x, y regression
	for j := lo; j <= hi; j += stride {
		n := &o.seen[j]
		dt := seconds(n.at - s.at)
		w := 1 / (1 + dt*dt/(speedSpan*speedSpan))
		b := t.warp(n.box, n.at, s.at)
		x.add(w, dt, b.X0, b.X1, n.box.X0 > t.inner.X0, n.box.X1 < t.inner.X1)
		y.add(w, dt, b.Y0, b.Y1, n.box.Y0 > t.inner.Y0, n.box.Y1 < t.inner.Y1)
	}
	prior := c.Jitter / c.Speed
	var sx, sy float32
	s.vx, sx = x.slope(prior*prior, c.Jitter*sz)
	s.vy, sy = y.slope(prior*prior, c.Jitter*sz)
	s.sigma = c.Jitter * sz * max(sx, sy)

	s.padded, s.best = s.box, s.score
	for j := lo; j <= hi; j += stride {
		n := &o.seen[j]
		s.best = max(s.best, n.score)
		dt := seconds(n.at - s.at)
		k := c.Shrink * float32(math.Abs(float64(dt)))
		if k >= 0.5 || j == i {
			continue
		}
		b := t.warp(n.box, n.at, s.at).Shift(-s.vx*dt, -s.vy*dt)
		s.padded = s.padded.Union(b.Grow(-k, -k))
	}
	s.derived = true
}

// regression fits one slope to two rows of points, those of the two sides of a
// box, each row with a level of its own.
type regression struct{ lo, hi sums }

type sums struct{ w, t, x, tt, tx float64 }

func (r *regression) add(w, t, lo, hi float32, useLo, useHi bool) {
	if useLo {
		r.lo.add(float64(w), float64(t), float64(lo))
	}
	if useHi {
		r.hi.add(float64(w), float64(t), float64(hi))
	}
}

func (s *sums) add(w, t, x float64) {
	s.w += w
	s.t += w * t
	s.x += w * x
	s.tt += w * t * t
	s.tx += w * t * x
}

// centred returns the sums of squares and of products about the means.
func (s *sums) centred() (tt, tx float64) {
	if s.w == 0 {
		return 0, 0
	}
	return s.tt - s.t*s.t/s.w, s.tx - s.t*s.x/s.w
}

// slope returns the slope, and its standard deviation for noise of deviation 1.
// noise is the deviation of the points. Where the two sides differ by more than
// noise explains, the object is not moving but its box is growing or shrinking,
// as behind an obstacle, and the slower side is believed.
func (r *regression) slope(ridge, noise float32) (v, sigma float32) {
	tt0, tx0 := r.lo.centred()
	tt1, tx1 := r.hi.centred()
	// The errors of two sides of a box are not independent, hence the half.
	tt := (tt0+tt1)/2 + float64(ridge)
	mean := (tx0 + tx1) / 2 / tt
	if tt0 > 0 && tt1 > 0 {
		d := math.Abs(tx0/(tt0+float64(ridge))-tx1/(tt1+float64(ridge))) / 2
		d = max(0, d-2*float64(noise)/math.Sqrt(tt))
		mean = math.Copysign(max(0, math.Abs(mean)-d), mean)
	}
	return float32(mean), float32(1 / math.Sqrt(tt))
}

// place is where an object is at some time.
type place struct {
	box, padded detect.Box
	age         time.Duration // to the nearest observation
	best        float32       // highest recent score
	deviation   float32       // how far the true box may be off, in pixels
}

// at returns the place at time tm, and false when the object is not in the
// picture then. Observations are joined by straight lines. How far it may be off:
// with an acceleration of at most A, A*a*b/2 between two observations that are a
// and b away, and (uncertainty of the speed)*a + A*a*a/2 beyond the last.
func (o *object) at(tm time.Duration, t *Tracker) (p place, ok bool) {
	if tm < o.from || tm > o.till {
		return p, false
	}
	c := &t.cfg.Class[o.class]
	n := len(o.seen)
	i := n
	for i > 0 && o.seen[i-1].at > tm {
		i--
	}
	switch {
	case i == 0:
		s := o.observation(0, t)
		p = t.beyond(s, tm, c)
	case o.seen[i-1].at == tm:
		s := o.observation(i-1, t)
		p = place{box: s.box, padded: s.padded, best: s.best}
	case i == n:
		s := o.observation(n-1, t)
		p = t.beyond(s, tm, c)
	default:
		l, r := o.observation(i-1, t), o.observation(i, t)
		a, b := tm-l.at, r.at-tm
		f := float32(a.Seconds() / (r.at - l.at).Seconds())
		p.box = lerp(t.warp(l.box, l.at, tm), t.warp(r.box, r.at, tm), f)
		p.padded = lerp(t.warp(l.padded, l.at, tm), t.warp(r.padded, r.at, tm), f)
		// The two may be of different objects, of which the first was lost and
		// the second not found before.
		if a <= c.hold(o.uncertainty) {
			p.padded = p.padded.Union(t.beyond(l, tm, c).padded)
		}
		if b <= c.backFill(o.uncertainty) {
			p.padded = p.padded.Union(t.beyond(r, tm, c).padded)
		}
		p.age, p.best = min(a, b), max(l.best, r.best)
		sz := size(p.box)
		p.deviation = min(c.Accel*sz*seconds(a)*seconds(b)/2, c.MaxGrow*sz)
	}
	p.padded = outset(p.padded, p.deviation).Grow(c.Margin, c.Margin)
	return p, true
}

// observation returns observation i with everything derived.
func (o *object) observation(i int, t *Tracker) *observation {
	if !o.seen[i].derived {
		o.derive(i, t, &t.cfg.Class[o.class])
	}
	return &o.seen[i]
}

// beyond is the place at a time before the first or after the last observation s.
func (t *Tracker) beyond(s *observation, tm time.Duration, c *ClassConfig) place {
	dt := seconds(tm - s.at)
	a := float32(math.Abs(float64(dt)))
	// The speed fades; what it would have led to is within the growth.
	run := damping * (1 - float32(math.Exp(float64(-a/damping))))
	if dt < 0 {
		run = -run
	}
	sz := size(s.box)
	dx, dy := s.vx*run, s.vy*run
	return place{
		box:       t.warp(s.box.Shift(dx, dy), s.at, tm),
		padded:    t.warp(s.padded.Shift(dx, dy), s.at, tm),
		age:       time.Duration(math.Abs(float64(tm - s.at))),
		best:      s.best,
		deviation: min(s.sigma*a+c.Accel*sz*a*a/2, c.MaxGrow*sz),
	}
}
