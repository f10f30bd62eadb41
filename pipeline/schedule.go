package pipeline

import (
	"image"
	"math"
	"time"

	"github.com/hedgecam/hedge/detect"
)

const (
	// beatStill is how long, in the source's time, a detector leaves a scene alone in
	// which nothing moves, and every known object is held. At 30 frames a second this
	// skips 97 % of the looks.
	beatStill = time.Second
	// fileBeat is the longest time that one look serves in File mode.
	fileBeat = 100 * time.Millisecond
	// burst is how much core time may be saved up for a busy moment.
	burst = 300 * time.Millisecond
)

// plan is what the scheduler knows of one detector.
type plan struct {
	lastAt  time.Duration // frame time of the newest look offered
	offered bool
	fresh   bool          // something unexplained moved when it was
	beat    time.Duration // in force at the newest frame
	cost    time.Duration // core time of a look, smoothed
	waiting *look         // newest look that could not start yet
	crops   int           // looks at parts since the last look at the whole
	next    int           // counts the choices of a part
	carrier int           // counts the choices among people and vehicles
}

// budget is the core time that the detectors may use: a bucket that fills with
// the wall clock and that each look is paid from.
type budget struct {
	cores    float64
	tokens   time.Duration
	filledAt time.Time
	inFlight int
}

func (b *budget) fill(now time.Time) {
	if !b.filledAt.IsZero() {
		b.tokens += time.Duration(b.cores * float64(now.Sub(b.filledAt)))
		b.tokens = min(b.tokens, time.Duration(b.cores*float64(burst)))
	} else {
		b.tokens = time.Duration(b.cores * float64(burst))
	}
	b.filledAt = now
}

// allows reports whether one more look may start: the bucket is not empty, and
// no more looks are under way than there are cores for.
func (b *budget) allows() bool {
	return b.tokens > 0 && b.inFlight < int(math.Ceil(b.cores))
}

// offer decides which detectors look at the frame f, and on what.
func (r *run) offer(f *frame) error {
	if r.cfg.Mode == File {
		return r.offerFile(f)
	}
	r.budget.fill(time.Now())
	for _, k := range r.lookers {
		if !k.needed {
			continue
		}
		k.plan.beat = r.beat(k)
		r.stats.beat(k.index, k.plan.beat)
		if k.plan.waiting == nil && k.plan.offered && !r.leapt && !due(f.at-k.plan.lastAt, k.plan.beat, f.at-r.lastAt) {
			r.stats.skipped(k.index)
			continue
		}
		if old := k.plan.waiting; old != nil {
			// Newest frame wins.
			k.plan.waiting = nil
			r.recycleLook(old)
			r.stats.offerDropped(k.index)
		}
		l, err := r.newLook(k, f, r.aim(k, f))
		if err != nil {
			return err
		}
		k.plan.waiting = l
	}
	r.startWaiting()
	return nil
}

// due reports whether of frames that come a step apart one that is so long after
// the last look is nearest to the beat.
func due(since, beat, step time.Duration) bool { return since >= beat-step/2 }

// startWaiting starts waiting looks as the budget allows, the one that has
// waited longest for its turn first.
func (r *run) startWaiting() {
	for r.budget.allows() {
		var next *looker
		for _, k := range r.lookers {
			if k.plan.waiting != nil && !k.busy && (next == nil || overdue(k) > overdue(next)) {
				next = k
			}
		}
		if next == nil {
			return
		}
		l := next.plan.waiting
		next.plan.waiting = nil
		next.plan.lastAt, next.plan.offered, next.plan.fresh = l.at, true, r.fresh
		r.budget.inFlight++
		r.budget.tokens -= next.plan.cost
		r.start(next, l)
	}
}

// overdue returns how late the waiting look is, in beats.
func overdue(k *looker) float64 {
	if !k.plan.offered {
		return math.Inf(1)
	}
	return float64(k.plan.waiting.at-k.plan.lastAt) / float64(max(k.plan.beat, 1))
}

// settle ends the account of a look that came back, or of one that was given
// up (nil).
func (r *run) settle(k *looker, l *look) {
	if r.cfg.Mode == File {
		r.pending--
		return
	}
	r.budget.inFlight--
	if l == nil {
		return
	}
	r.budget.tokens += k.plan.cost - l.spent
	if k.plan.cost == 0 {
		k.plan.cost = l.spent
	}
	k.plan.cost += (l.spent - k.plan.cost) / 4
}

// beat returns how long detector k leaves the scene alone: while something moves no
// longer than the budget asks for. What begins to move unexplained is looked at at
// once.
func (r *run) beat(k *looker) time.Duration {
	switch {
	case r.motion == nil:
		return r.affordable()
	case r.fresh && !k.plan.fresh:
		return 0
	case r.still:
		return beatStill
	case !r.fresh && k.wants == detect.Classes(detect.Plate) && r.vehiclesKnown() && !r.has(detect.Vehicle):
		// Something moves, but nothing that carries a plate.
		return beatStill
	}
	return r.affordable()
}

// affordable returns the interval at which all detectors in use can look in turn for
// the core time allowed. What a look costs is measured, so that the interval grows
// where the machine has other things to do.
func (r *run) affordable() time.Duration {
	var round time.Duration
	for _, k := range r.lookers {
		if k.needed {
			round += k.plan.cost
		}
	}
	return min(time.Duration(float64(round)/r.budget.cores), beatStill)
}

// vehiclesKnown reports whether a detector in use finds vehicles, so that their
// absence means something.
func (r *run) vehiclesKnown() bool {
	for _, k := range r.lookers {
		if k.needed && k.wants.Has(detect.Vehicle) && k.health.good() {
			return true
		}
	}
	return false
}

// has reports whether an object of the class is in the newest frame.
func (r *run) has(c detect.Class) bool {
	for i := range r.now {
		if r.now[i].Class == c {
			return true
		}
	}
	return false
}

// offerFile has every detector look at each frame that is due, and the owner
// loop wait for all of them.
func (r *run) offerFile(f *frame) error {
	if r.frames > 0 {
		if r.cfg.Every > 0 {
			if r.frames%r.cfg.Every != 0 {
				return nil
			}
		} else if !r.leapt && !due(f.at-r.lastLook, fileBeat, f.at-r.lastAt) {
			return nil
		}
	}
	r.lastLook = f.at
	for _, k := range r.lookers {
		switch {
		case !k.needed:
		case k.busy: // given up, but has not returned
			r.refused = append(r.refused, k)
		default:
			l, err := r.newLook(k, f, image.Rectangle{})
			if err != nil {
				return err
			}
			r.pending++
			r.start(k, l)
		}
	}
	return nil
}
