package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/motion"
	"github.com/hedgecam/hedge/redact"
)

const (
	// tick is how often the event loop looks for detectors that hang.
	tick = 50 * time.Millisecond
	// grace is how long a detector may take to return after its context ended.
	grace = 500 * time.Millisecond
	// arrived is how many raw frames may wait for the event loop: live sources come in
	// bursts, after the network's or their own.
	arrived = 4
	// keepHistory is the least value of scene.history.
	keepHistory = 2 * time.Second
)

// loop is the event loop of one Run: one goroutine that owns the state of all parts. The
// reader, the writer, the workers and who shows previews are goroutines of their own
// and have none of it.
type loop struct {
	mode     Mode
	most     int // failures of a stage in a row
	stats    *stats
	rulings  *rulings
	requests <-chan chan plateAnswer
	onEvent  func(Event)

	reader     reader
	writer     writer
	scheduler  scheduler
	trust      trust
	scene      scene
	view       *viewWatch
	background background
	plates     plateRequests
	redaction  redaction
	previewer  previewer
	outlines   outlines
	pool       *framePool

	clock    clock
	window   window
	copies   copies
	policies []*redact.Policy // of the ruling that the newest frame was inspected for
	floor    []*redact.Policy // of that ruling
	ruling   uint64           // its number
	needs    detect.ClassSet  // what has to be found
	lastAt   time.Duration    // of the newest frame
	frames   int              // so many have come
	ended    bool             // the source has: nothing newer waits behind the frames held back

	detectors []detect.Detector
	names     []string
}

func newLoop(p *Pipeline, src Source, sink Sink) *loop {
	c := &p.cfg
	held, live := c.held(), c.Mode == Live
	// The window and its newest frame, one in the reader's hand and those that
	// wait, those that wait for the writer and one in its hand.
	pool := newFramePool(held + 1 + 1 + arrived + mostWaitingOf(live) + 1)
	l := &loop{
		mode: c.Mode, most: c.MaxFailures, stats: &p.stats, rulings: p.rulings, requests: p.requests,
		onEvent: c.OnEvent, pool: pool, view: &p.view, detectors: c.Detectors, names: p.names,
		window:     newWindow(c.LookAhead, held+1),
		reader:     reader{src: src, live: live, maxFailures: c.MaxFailures, pool: pool, ruling: p.rulings.newest, stats: &p.stats},
		writer:     writer{sink: sink, live: live, maxFailures: c.MaxFailures, pool: pool, gate: p.gate, stats: &p.stats},
		scene:      newScene(c, held),
		trust:      newTrust(c, p.names, &p.stats, &p.view),
		background: background{span: c.PlateSpan},
		plates:     plateRequests{options: c.redact, prepared: &p.prepared},
		redaction:  redaction{options: c.redact, live: live, rulings: p.rulings, prepared: &p.prepared},
		previewer:  previewer{options: c.redact},
	}
	if live {
		l.outlines = outlines{seg: c.Segmenter, most: c.LookAhead, stats: &p.stats}
	}
	l.scheduler = scheduler{
		live: live, every: c.Every, timeout: c.Timeout, stats: &p.stats,
		copies: &l.copies, trust: &l.trust, budget: budget{cores: c.Cores}, backlog: l.writer.backlog,
	}
	l.view.lastAt = 0
	return l
}

// start starts the other goroutines. They end with ctx; stop ends the reader.
func (l *loop) start(ctx, stop context.Context) {
	l.redaction.drawing = ctx
	l.scheduler.start(ctx, l.detectors, l.names)
	l.reader.start(stop)
	l.writer.start(ctx)
	l.previewer.start(ctx, l.rulings.newest)
	l.outlines.start(ctx)
}

// run takes frames and results until the source has ended and all frames held back are
// with the writer. A panic in what it does to a frame ends the run: the frame goes
// nowhere.
func (l *loop) run(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &StageError{Stage: "inspect", Count: 1, Err: &panicError{v}}
		}
	}()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for !l.ended {
		// In File mode the next frame is taken only when every inference of the last
		// one is in.
		next := l.reader.frames
		if l.scheduler.waits() {
			next = nil
		}
		select {
		case f, ok := <-next:
			err = l.handleFrame(ctx, f, ok)
		case job := <-l.scheduler.results:
			err = l.handleResult(ctx, job)
		case <-l.writer.caughtUp:
			l.scheduler.startWaiting(&l.scene.activity)
		case job := <-l.outlines.results:
			l.outlines.take(job)
		case request := <-l.requests:
			l.handleRequest(request)
		case now := <-ticker.C:
			err = l.handleTick(now)
		case err = <-l.writer.ended:
			l.writer.ended <- nil
			return err
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if err := l.releaseRipe(ctx); err != nil {
			return err
		}
	}
	return nil
}

// handleFrame takes a new frame in: format, policy, motion, inferences, view, window.
// There is none (ok is false) when the source has ended.
func (l *loop) handleFrame(ctx context.Context, f *frame, ok bool) error {
	if !ok {
		// The reader ends with its source, and with the run.
		l.ended = true
		return ctx.Err()
	}
	f.unsound, f.viewClear = false, false
	f.index, f.at = l.frames, l.clock.next(f.buf.Time)
	f.step = f.at - l.lastAt
	f.movedAt, f.cut, f.nextCut = f.at, l.scene.cutAt, forever
	if err := l.adopt(ctx, f); err != nil {
		return err
	}
	start := time.Now()
	if err := l.inspect(f); err != nil {
		return err
	}
	l.stats.stage(stageInspect, time.Since(start))
	f.blocked = l.trust.blockReason()
	if f.blocked == ReasonViewDiffers || f.blocked == ReasonCameraMoved {
		l.window.hideBack(f.blocked)
	}
	l.window.push(f)
	l.lastAt, l.view.lastAt = f.at, f.at
	l.frames++
	for _, k := range l.scheduler.refused {
		if err := l.detectorFailed(k.index, f.at, ErrTimeout); err != nil {
			return err
		}
	}
	l.scheduler.refused = l.scheduler.refused[:0]
	return nil
}

// inspect shows the newest frame to the scene, the scheduler and the view.
func (l *loop) inspect(f *frame) error {
	l.copies.next()
	var objects []detect.Object
	if l.needs != 0 {
		small, err := l.copies.whole(f.buf.pic, l.scheduler.watchSize(f.buf.pic.Rect.Size()))
		if err != nil {
			return err
		}
		transition, err := l.scene.update(f, small.pic)
		if err != nil {
			return err
		}
		if transition == motion.Cut {
			l.window.cut(f.at)
		}
		if err := l.scheduler.schedule(f, &l.scene.activity); err != nil {
			return err
		}
		objects = l.scene.activity.objects
		if slices.ContainsFunc(l.policies, showsSilhouettes) {
			l.outlines.look(f, objects)
		}
	}
	if l.trust.format.foreign {
		return nil
	}
	was := l.view.uncertain()
	if l.view.update(f, objects) {
		l.background.forget(f.at)
	}
	if l.view.uncertain() != was {
		l.require()
	}
	return nil
}

func showsSilhouettes(p *redact.Policy) bool { return p.Visitors == redact.VisitorsSilhouette }

// handleResult takes in what a detector found.
func (l *loop) handleResult(ctx context.Context, job *inference) error {
	defer l.scheduler.recycle(job)
	wanted := l.scheduler.take(ctx, job, &l.scene.activity)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !wanted:
		return nil
	case job.err != nil:
		return l.detectorFailed(job.detector, job.at, job.err)
	}
	l.stats.found(job.found)
	if !l.scene.observe(job, l.trust.format.size, l.window.newest()) {
		return nil // of a time that nobody remembers: nothing of it can be hidden any more
	}
	if l.scheduler.covers(job) { // otherwise it was made before the policy asked for more
		l.trust.succeeded(job.detector, job.at, job.region.Empty())
		l.background.observe(job)
	}
	return nil
}

// handleRequest enters a call of BackgroundPlate.
func (l *loop) handleRequest(a chan plateAnswer) {
	if l.plates.add(a, time.Now()) {
		l.require()
	}
}

// handleTick ends what takes too long, and the watching for plates that nobody asks for.
func (l *loop) handleTick(now time.Time) error {
	if l.plates.idle(now) {
		l.require()
	}
	return l.scheduler.expire(now, func(detector int) error {
		return l.detectorFailed(detector, l.lastAt, ErrTimeout)
	})
}

// detectorFailed counts an inference that came to nothing. The frames that it would have
// been for have everything outside of the property hidden, see health; if only the plate
// needs the detector, no pixels are taken from them. An error ends the run.
func (l *loop) detectorFailed(i int, at time.Duration, err error) error {
	failed := l.trust.failed(i, at, err)
	l.window.failed(at)
	k := &l.trust.detectors[i]
	switch {
	case failed == nil:
	case k.required:
		return failed
	case k.needed:
		l.plates.fail(failed)
		l.require()
	}
	return nil
}

// releaseRipe lets the frames go out that have waited for the look-ahead. None goes
// while File mode waits for inferences.
func (l *loop) releaseRipe(ctx context.Context) error {
	if l.scheduler.waits() {
		return nil
	}
	for l.window.ripe(l.ended, l.clock.usual) {
		if err := l.release(ctx); err != nil {
			return err
		}
	}
	return nil
}

// release redacts the oldest frame of the window and hands it to the writer.
func (l *loop) release(ctx context.Context) error {
	f := l.window.pop()
	start := time.Now()
	floor, err := l.redaction.obey(f)
	if err != nil {
		return &StageError{Stage: "redact", Count: 1, Err: err}
	}
	s := l.decide(f)
	s.Level = max(s.Level, floor)
	l.learn(f, s)
	s.Plate = l.background.plate
	l.stats.stage(stageDecide, time.Since(start))

	start = time.Now()
	l.previewer.show(f, s, &l.redaction)
	out, err := l.redaction.redact(f.buf.pic, s)
	l.stats.stage(stageRedact, time.Since(start))
	if err != nil {
		// The picture may be half redacted: it goes nowhere.
		l.writer.drop(f)
		return l.redaction.failed(err, l.most)
	}
	l.redaction.failures = 0
	f.out, f.level = out, s.Level
	return l.writer.put(ctx, f, l.ended)
}

// decide says what has to be hidden in f, which is about to go out.
func (l *loop) decide(f *frame) redact.Scene {
	level, why := l.trust.level(f)
	l.trust.report(f.buf.Time, level, why)
	s := redact.Scene{Time: f.buf.Time, Level: level}
	if l.needs == 0 {
		return s
	}
	s.Objects = l.scene.objects(f)
	l.outlines.attach(f, s.Objects)
	l.scene.explain(f, s.Objects, l.trust.platesFresh(f))
	s.Motion = f.moved
	l.stats.tracked(s.Objects)
	l.scene.forget(f.at - l.scene.history)
	return s
}

// learn feeds the background plate with f before f is redacted, and answers those who
// wait for the plate.
func (l *loop) learn(f *frame, s redact.Scene) {
	s.Time = f.at // the plate counts in the pipeline's time, as inferences do
	l.background.frame(f.buf.pic, s, f.blocked == NoReason && l.trust.sound(f, l.background.networks))
	l.stats.plate(l.background.known())
	if !l.plates.on {
		return
	}
	l.plates.answer(l.background.watched(f.at), &plateView{
		size: f.buf.pic.Rect.Size(), at: f.at, blocked: f.blocked != NoReason || l.trust.blockReason() != NoReason,
		policy: l.policies[0], floor: l.floor, ruling: l.ruling, plate: l.background.plate,
	})
}
