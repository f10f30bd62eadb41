package pipeline

import (
	"context"
	"image"
	"slices"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/track"
)

// startLookers starts a goroutine for each detector.
func (r *run) startLookers(ctx context.Context) {
	for i, d := range r.cfg.Detectors {
		k := &looker{
			name: r.names[i], det: d, classes: d.Classes(), index: i,
			in: make(chan *look, 1), out: r.results, done: make(chan error, 1),
		}
		k.renew(ctx)
		r.lookers = append(r.lookers, k)
		go k.work(r.cfg.Mode == Live)
	}
}

// stopLookers ends the detectors' goroutines. One whose detector does not
// return when asked is left behind, and named in the error.
func (r *run) stopLookers() error {
	for _, k := range r.lookers {
		k.cancel(context.Canceled)
		close(k.in)
	}
	var err error
	for _, k := range r.lookers {
		err = firstError(err, join(k.name, k.done))
	}
	return err
}

// newLook returns a look at f, or at the part region of it (empty: the whole),
// scaled to what the looker's network sees.
func (r *run) newLook(k *looker, f *frame, region image.Rectangle) (*look, error) {
	pic := f.buf.pic
	var small *scaled
	var err error
	part := region
	if region.Empty() {
		part = pic.Rect
		if small, err = r.small(f, k.inputSize(part.Size())); err == nil {
			small.refs++
		}
	} else {
		small, err = r.pool.scalePart(pic, region, k.inputSize(part.Size()))
	}
	if err != nil {
		return nil, err
	}
	var l *look
	if n := len(r.looks); n > 0 {
		l, r.looks = r.looks[n-1], r.looks[:n-1]
	} else {
		l = &look{}
	}
	size := small.pic.Rect.Size()
	l.pic, l.at, l.epoch, l.err = small, f.at, r.format.epoch, nil
	l.region, l.wants = rectBox(region), k.wants
	l.toFrame = mapping{
		sx: float32(part.Dx()) / float32(size.X), sy: float32(part.Dy()) / float32(size.Y),
		dx: float32(part.Min.X), dy: float32(part.Min.Y),
	}
	return l, nil
}

// small returns the newest frame at the given size. The picture is made once
// for all who ask; who keeps it adds a reference.
func (r *run) small(f *frame, size image.Point) (*scaled, error) {
	for _, s := range r.current {
		if s.pic.Rect.Size() == size {
			return s, nil
		}
	}
	s, err := r.pool.scale(f.buf.pic, size)
	if err == nil {
		r.current = append(r.current, s)
	}
	return s, err
}

// dropSmall gives up the small pictures of the last frame.
func (r *run) dropSmall() {
	for _, s := range r.current {
		r.pool.release(s)
	}
	r.current = r.current[:0]
}

// start hands a look to a looker that is idle.
func (r *run) start(k *looker, l *look) {
	k.busy, k.abandoned, k.expired = true, false, 0
	k.startedAt = time.Now()
	l.ctx = k.ctx
	k.in <- l
}

// recycleLook takes a look's memory back.
func (r *run) recycleLook(l *look) {
	r.pool.release(l.pic)
	l.pic = nil
	r.looks = append(r.looks, l)
}

// enter takes in what a detector found.
func (r *run) enter(ctx context.Context, res lookResult) error {
	k, l := res.from, res.look
	defer r.recycleLook(l)
	k.busy = false
	if k.ctx.Err() != nil {
		k.renew(ctx)
	}
	abandoned := k.abandoned
	k.abandoned = false
	if !abandoned {
		r.settle(k, l)
	}
	r.stats.looked(k.index, l.spent)
	if r.cfg.Mode == Live {
		r.startWaiting()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case abandoned || l.epoch != r.format.epoch:
		return nil
	case l.err != nil:
		return r.lookFailed(k, l.at, l.err)
	}
	if k.wants&^l.wants == 0 { // otherwise it was made before the policy asked for more
		k.health.succeed(l.at, l.region.Empty())
		r.background.looked(k, l)
	}
	r.stats.found(l.found)
	look := track.Look{Time: l.at, Classes: l.wants, Region: l.region, Detections: l.found}
	r.tracker.Update(look)
	if r.motion != nil && l.wants.Has(detect.Person) {
		// A vehicle is not hidden for itself: where one stands or drives, nothing
		// was found.
		r.judged = slices.DeleteFunc(r.tracker.At(l.at, r.judged[:0]), isVehicle)
		region := l.region
		if region.Empty() {
			region = detect.Box{X1: float32(r.format.size.X), Y1: float32(r.format.size.Y)}
		}
		r.motion.Judge(l.at, region, r.judged)
		r.reconsider(l.at)
	}
	return nil
}

// reconsider takes what moves unexplained in the newest frame anew, if that is the
// one that was just looked at. Its patches were noted before the look: all of the
// first picture is one, because nobody had looked anywhere yet.
func (r *run) reconsider(at time.Duration) {
	if n := r.window.len(); n > 0 && r.window.at(n-1).at == at {
		f := r.window.at(n - 1)
		f.moved = r.motion.Unexplained(f.moved[:0], nil)
	}
}

func isVehicle(o detect.Object) bool { return o.Class == detect.Vehicle }

// lookFailed counts a look that came to nothing. The frames that it would have been
// for have everything outside of the property hidden, see health; if only stills
// need the detector, no pixels are taken from them. An error ends the run.
func (r *run) lookFailed(k *looker, at time.Duration, err error) error {
	k.health.fail(at)
	r.stats.lookFailed(k.index, err)
	for i := range r.window.len() {
		f := r.window.at(i)
		if f.at < at {
			continue
		}
		f.doubtful = true
	}
	r.cfg.OnEvent(Event{Time: at, Kind: DetectorFailed, Detector: k.name, Err: err})
	if k.health.failures < r.cfg.MaxFailures {
		return nil
	}
	failed := &StageError{Stage: k.name, Count: k.health.failures, Err: err}
	if k.vital {
		return failed
	}
	if k.needed {
		r.giveUpStills(failed)
	}
	return nil
}

// expire ends looks that take too long. A detector that does not even return
// when its context has ended is left alone, and counts as one more failure for
// each further Timeout.
func (r *run) expire(now time.Time) error {
	for _, k := range r.lookers {
		if !k.busy {
			continue
		}
		took := now.Sub(k.startedAt)
		if took > r.cfg.Timeout {
			k.cancel(ErrTimeout)
		}
		if took > time.Duration(k.expired+1)*r.cfg.Timeout+grace {
			k.expired++
			if !k.abandoned {
				k.abandoned = true
				r.settle(k, nil)
			}
			if err := r.lookFailed(k, r.lastAt, ErrTimeout); err != nil {
				return err
			}
		}
	}
	return nil
}
