package pipeline

import (
	"context"
	"image"
	"math"
	"time"

	"github.com/hedgecam/hedge/detect"
)

const (
	// staticInterval is how long, in the source's time, a detector leaves a scene alone
	// in which nothing moves, and every known object is held. At 30 frames a second this
	// skips 97 % of the inferences.
	staticInterval = time.Second
	// fileInterval is the longest time that one inference serves in File mode.
	fileInterval = 100 * time.Millisecond
	// burst is how much core time may be saved up for a busy moment.
	burst = 300 * time.Millisecond
	// behind is how many frames wait for a sink that falls behind, and yielded how much
	// longer than their interval, in the source's time, detectors then leave it their
	// cores. What comes late only has more hidden; a frame that is dropped is lost.
	behind, yielded = 2, 300 * time.Millisecond
)

// budget is the core time that the detectors may use: a bucket that fills with
// the wall clock and that each inference is paid from.
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

// allows reports whether one more inference may start: the bucket is not empty, and
// no more are under way than there are cores for.
func (b *budget) allows() bool {
	return b.tokens > 0 && b.inFlight < int(math.Ceil(b.cores))
}

// scheduler decides which detectors look at which frame, and at which part of it. It
// belongs to the event loop and starts the workers.
type scheduler struct {
	live    bool
	every   int // in File mode, see Config.Every
	timeout time.Duration
	stats   *stats
	copies  *copies
	trust   *trust     // is only asked
	backlog func() int // frames that wait for the sink

	slots    []*slot
	results  chan *inference // from the workers
	budget   budget
	spare    []*inference
	epoch    int             // counts the changes of the picture format
	pending  int             // inferences that File mode waits for
	refused  []*slot         // detectors that hang and could not take the newest frame
	lastAt   time.Duration   // time of File mode's newest inferences
	entering [2][]detect.Box // scratch: unexplained patches at the picture's edges, and the others
}

// slot is what the scheduler knows of one detector and its worker.
type slot struct {
	index    int
	detector detect.Detector
	finds    detect.ClassSet // what it can find
	classes  detect.ClassSet // what its inferences are for: all of that, unless it is a detect.Selector
	needed   bool            // it runs, for the policy in force or for the plate
	sweeps   bool            // it looks for faces or plates, and nobody for the people or vehicles that carry them

	in        chan<- *inference
	done      <-chan error
	ctx       context.Context // ends when an inference takes too long
	cancel    context.CancelCauseFunc
	busy      bool
	abandoned bool // busy, but nobody waits for the answer any more
	expired   int  // how many timeouts the inference in flight has let pass
	startedAt time.Time

	waiting     *inference    // newest inference that could not start yet
	begun       bool          // at least one was started
	lastAt      time.Duration // frame time of the newest one started
	unexplained bool          // something unexplained moved when it was
	interval    time.Duration // in force at the newest frame
	cost        time.Duration // core time of an inference, smoothed
	turns       turns
	earlier     turns            // before the inference that waits
	wanted      []*detect.Object // scratch: those that want a region
	tiles       []image.Rectangle
	tiled       [2]image.Point // the sizes of the frame and of the tiles that tiles is for
}

// renew gives the worker a context that has not ended.
func (k *slot) renew(ctx context.Context) { k.ctx, k.cancel = context.WithCancelCause(ctx) }

// inputSize returns the size at which the detector wants to see the frame.
func (k *slot) inputSize(full image.Point) image.Point { return inputSize(k.detector, full) }

// start starts a worker for each detector.
func (s *scheduler) start(ctx context.Context, detectors []detect.Detector, names []string) {
	s.results = make(chan *inference, len(detectors))
	for i, d := range detectors {
		in, done := make(chan *inference, 1), make(chan error, 1)
		k := &slot{index: i, detector: d, finds: d.Classes(), in: in, done: done}
		k.renew(ctx)
		s.slots = append(s.slots, k)
		w := &worker{name: names[i], detector: d, classes: k.finds, in: in, out: s.results, done: done}
		go w.run(s.live)
	}
}

// stop ends the workers. One whose detector does not return when asked is left behind,
// and named in the error.
func (s *scheduler) stop(names []string) error {
	for _, k := range s.slots {
		k.cancel(context.Canceled)
		close(k.in)
	}
	var err error
	for i, k := range s.slots {
		err = firstError(err, join(names[i], k.done))
	}
	return err
}

// require sets what detector i has to find from now on. It reports whether that is more
// than before: the inferences made until now say nothing of the rest.
func (s *scheduler) require(i int, needs detect.ClassSet) (more bool) {
	k := s.slots[i]
	ran, was := k.needed, k.classes
	k.needed = k.finds&needs != 0
	s.stats.running(i, k.needed)
	if !k.needed {
		return false
	}
	k.classes = k.finds
	if _, ok := k.detector.(detect.Selector); ok {
		k.classes &= withCarriers(needs)
	}
	return !ran || k.classes&^was != 0
}

// withCarriers returns the classes and, where people and plates are among them, vehicles,
// which say what is a plate and what is not (see loosePlate), and cost next to nothing
// beside people.
func withCarriers(needs detect.ClassSet) detect.ClassSet {
	if needs.Has(detect.Person) && needs.Has(detect.Plate) {
		needs |= detect.Classes(detect.Vehicle)
	}
	return needs
}

// reformat says that the next frames have another format: what is under way says
// nothing of them.
func (s *scheduler) reformat() {
	s.epoch++
	for _, k := range s.slots {
		k.begun = false
	}
}

// schedule decides which detectors look at the frame f, and at what.
func (s *scheduler) schedule(f *frame, a *activity) error {
	if !s.live {
		return s.scheduleFile(f, a)
	}
	s.budget.fill(time.Now())
	looked := s.lookedFor()
	for _, k := range s.slots {
		if !k.needed {
			continue
		}
		k.sweeps = k.classes.Has(detect.Face) && !looked.Has(detect.Person) || k.classes.Has(detect.Plate) && !looked.Has(detect.Vehicle)
		k.interval = s.interval(k, f, a)
		s.stats.interval(k.index, k.interval)
		if k.waiting == nil && k.begun && !a.jumped && !due(f.at-k.lastAt, k.interval, f.step) {
			s.stats.skipped(k.index)
			continue
		}
		if old := k.waiting; old != nil {
			// Newest frame wins.
			k.waiting = nil
			s.recycle(old)
			s.stats.replaced(k.index)
			k.turns = k.earlier // it has not had its turn
		}
		k.earlier = k.turns
		job, err := s.newInference(k, f, s.selectRegion(k, f, a))
		if err != nil {
			return err
		}
		k.waiting = job
	}
	s.startWaiting(a)
	return nil
}

// due reports whether of frames that come a step apart one that is so long after
// the last inference is nearest to the interval.
func due(since, interval, step time.Duration) bool { return since >= interval-step/2 }

// scheduleFile has every detector look at each frame that is due, and the event loop
// wait for all of them.
func (s *scheduler) scheduleFile(f *frame, a *activity) error {
	if f.index > 0 {
		if s.every > 0 {
			if f.index%s.every != 0 {
				return nil
			}
		} else if !a.jumped && !due(f.at-s.lastAt, fileInterval, f.step) {
			return nil
		}
	}
	s.lastAt = f.at
	for _, k := range s.slots {
		switch {
		case !k.needed:
		case k.busy: // given up, but has not returned
			s.refused = append(s.refused, k)
		default:
			job, err := s.newInference(k, f, image.Rectangle{})
			if err != nil {
				return err
			}
			s.pending++
			s.submit(k, job)
		}
	}
	return nil
}

// newInference returns an inference of f, or of a region of it (empty: the whole),
// scaled to what the detector's network sees.
func (s *scheduler) newInference(k *slot, f *frame, region image.Rectangle) (*inference, error) {
	pic := f.buf.pic
	var small *smallCopy
	var err error
	part := region
	if region.Empty() {
		part = pic.Rect
		if small, err = s.copies.whole(pic, k.inputSize(part.Size())); err == nil {
			small.refs++
		}
	} else {
		small, err = s.copies.part(pic, region, k.inputSize(part.Size()))
	}
	if err != nil {
		return nil, err
	}
	var job *inference
	if n := len(s.spare); n > 0 {
		job, s.spare = s.spare[n-1], s.spare[:n-1]
	} else {
		job = &inference{}
	}
	job.detector, job.small, job.at, job.epoch, job.err = k.index, small, f.at, s.epoch, nil
	job.region, job.classes = rectBox(region), k.classes
	job.toFrame = mappingOf(small.pic.Rect.Size(), part)
	return job, nil
}

// startWaiting starts waiting inferences as the budget allows, the one that has
// waited longest for its turn first.
func (s *scheduler) startWaiting(a *activity) {
	for s.budget.allows() {
		var next *slot
		for _, k := range s.slots {
			if k.waiting != nil && !k.busy && (next == nil || k.overdue() > next.overdue()) {
				next = k
			}
		}
		if next == nil || next.begun && next.waiting.at-next.lastAt < next.interval+yielded && s.backlog() >= behind {
			return
		}
		job := next.waiting
		next.waiting = nil
		next.lastAt, next.begun, next.unexplained = job.at, true, a.unexplained
		s.budget.inFlight++
		s.budget.tokens -= next.cost
		s.submit(next, job)
	}
}

// overdue returns how late the waiting inference is, in intervals.
func (k *slot) overdue() float64 {
	if !k.begun {
		return math.Inf(1)
	}
	return float64(k.waiting.at-k.lastAt) / float64(max(k.interval, 1))
}

// submit hands an inference to a worker that is idle.
func (s *scheduler) submit(k *slot, job *inference) {
	k.busy, k.abandoned, k.expired = true, false, 0
	k.startedAt = time.Now()
	job.ctx = k.ctx
	k.in <- job
}

// take accounts for an inference that came back. It reports whether the answer is still
// waited for.
func (s *scheduler) take(ctx context.Context, job *inference, a *activity) (wanted bool) {
	k := s.slots[job.detector]
	k.busy = false
	if k.ctx.Err() != nil {
		k.renew(ctx)
	}
	abandoned := k.abandoned
	k.abandoned = false
	if !abandoned {
		s.account(k, job)
	}
	s.stats.inferred(k.index, job.spent)
	if s.live {
		s.startWaiting(a)
	}
	return !abandoned && job.epoch == s.epoch
}

// covers reports whether an inference looked for all that its detector has to find now.
func (s *scheduler) covers(job *inference) bool {
	return s.slots[job.detector].classes&^job.classes == 0
}

// account closes the account of an inference that came back, or of one that was given
// up (nil).
func (s *scheduler) account(k *slot, job *inference) {
	if !s.live {
		s.pending--
		return
	}
	s.budget.inFlight--
	if job == nil {
		return
	}
	s.budget.tokens += k.cost - job.spent
	if k.cost == 0 {
		k.cost = job.spent
	}
	k.cost += (job.spent - k.cost) / 4
}

// recycle takes an inference's memory back.
func (s *scheduler) recycle(job *inference) {
	s.copies.release(job.small)
	job.small = nil
	s.spare = append(s.spare, job)
}

// expire ends inferences that take too long, and calls failed for each detector that
// does not even return when its context has ended: it is left alone, and that counts as
// one more failure for each further timeout.
func (s *scheduler) expire(now time.Time, failed func(detector int) error) error {
	for _, k := range s.slots {
		if !k.busy {
			continue
		}
		took := now.Sub(k.startedAt)
		if took > s.timeout {
			k.cancel(ErrTimeout)
		}
		if took > time.Duration(k.expired+1)*s.timeout+grace {
			k.expired++
			if !k.abandoned {
				k.abandoned = true
				s.account(k, nil)
			}
			if err := failed(k.index); err != nil {
				return err
			}
		}
	}
	return nil
}

// waits reports whether File mode waits for an inference.
func (s *scheduler) waits() bool { return !s.live && s.pending > 0 }

// interval returns how long detector k leaves the scene alone: while something moves no
// longer than the budget asks for. What begins to move unexplained is looked at at
// once. Where regions of a frame f that nothing moves in are wanted in turn with the whole,
// that is looked at as often as without.
func (s *scheduler) interval(k *slot, f *frame, a *activity) time.Duration {
	switch {
	case !a.watched:
		return s.affordable()
	case a.unexplained && !k.unexplained:
		return 0
	case a.static:
		size := f.buf.pic.Rect.Size()
		if detailed(k, size) && (k.sweeps || k.wanting(a.objects, f.buf.pic.Rect, k.inputSize(size))) {
			return staticInterval / 2
		}
		return staticInterval
	case !a.unexplained && k.classes == detect.Classes(detect.Plate) && s.vehiclesKnown() && !a.has(detect.Vehicle):
		// Something moves, but nothing that carries a plate.
		return staticInterval
	}
	return s.affordable()
}

// affordable returns the interval at which all detectors in use can look in turn for
// the core time allowed. What an inference costs is measured, so that the interval grows
// where the machine has other things to do.
func (s *scheduler) affordable() time.Duration {
	var round time.Duration
	for _, k := range s.slots {
		if k.needed {
			round += k.cost
		}
	}
	return min(time.Duration(float64(round)/s.budget.cores), staticInterval)
}

// lookedFor returns the classes that the detectors in use look for.
func (s *scheduler) lookedFor() (classes detect.ClassSet) {
	for _, k := range s.slots {
		if k.needed {
			classes |= k.classes
		}
	}
	return classes
}

// explainer returns which of the classes looked for is scene.explainer.
func explainer(looked detect.ClassSet) detect.Class {
	for _, c := range []detect.Class{detect.Person, detect.Face} {
		if looked.Has(c) {
			return c
		}
	}
	return detect.Plate
}

// vehiclesKnown reports whether a detector in use finds vehicles, so that their
// absence means something.
func (s *scheduler) vehiclesKnown() bool {
	for _, k := range s.slots {
		if k.needed && s.trust.healthy(k.index) && k.classes.Has(detect.Vehicle) {
			return true
		}
	}
	return false
}

// watchSize returns the size of the small copy that the scene sees: one that a detector
// wants as well, if there is any.
func (s *scheduler) watchSize(full image.Point) image.Point {
	for _, k := range s.slots {
		if k.needed {
			return k.inputSize(full)
		}
	}
	return image.Pt(max(full.X/4, 1), max(full.Y/4, 1))
}
