package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/motion"
	"github.com/hedgecam/hedge/detect/track"
	"github.com/hedgecam/hedge/redact"
)

// frame is one picture of the pool on its way through the pipeline.
type frame struct {
	buf   Buffer
	at    time.Duration // by the pipeline's clock; buf.Time is that of the source
	level redact.Level  // once redacted, how much was hidden
	why   Reason        // why nothing of it may be shown
	moved []detect.Box  // patches whose motion nothing has explained
	out   redact.Frame  // the redacted picture, once there is one

	ruling uint64   // in force when it came
	ruled  uint64   // the newest that it was hidden under
	trial  *preview // who sees it under a preview, too

	movedAt time.Duration // when something last moved in the frames up to it
	since   time.Duration // of the last cut up to it,
	until   time.Duration // and of the next one
	number  int           // by run.jump
	wasAt   time.Duration // of the frame drivenBack before it

	doubtful bool // a detector failed in it, if only one that stills need
	clear    bool // it shows the view beyond doubt
}

const (
	// tick is how often the owner loop looks for detectors that hang.
	tick = 50 * time.Millisecond
	// grace is how long a detector may take to return after its context ended.
	grace = 500 * time.Millisecond
	// queued is how many redacted pictures may wait for the sink, and arrived how
	// many raw ones for the owner loop: live sources come in bursts, after the
	// network's or their own.
	queued, arrived = 3, 4
)

// run is one Run of a pipeline. All fields but the channels belong to the
// owner loop's goroutine.
type run struct {
	*Pipeline
	src  Source
	sink Sink

	free    *framePool
	in      chan *frame     // raw, from the reader
	out     chan *frame     // redacted, to the writer
	results chan lookResult // from the lookers
	readErr chan error      // how reading ended, once
	sinkErr chan error      // how writing ended, once

	clock   clock
	window  window
	budget  budget
	pan     motion.Pan // the shift of a moving camera
	jump    motion.Jump
	leapt   bool                          // the newest frame is not what the one before has become
	cutAt   time.Duration                 // frame time of the last cut
	times   [drivenBack + 1]time.Duration // of the newest frames, by their number
	before  []detect.Object               // the objects in an earlier frame
	motion  *motion.Model
	still   bool            // nothing moves in the newest frame
	movedAt time.Duration   // frame time of the newest frame in which something moved
	fresh   bool            // something moves in it that nothing has looked at
	comers  [2][]detect.Box // scratch: such patches at the picture's edges, and the others
	now     []detect.Object // the objects in the newest frame
	judged  []detect.Object // the objects in a frame that was looked at
	current []*scaled       // small copies of the newest frame
	refused []*looker       // detectors that could not look, being hung
	why     Reason          // why more is hidden than the policy asks
	format  format
	lookers []*looker
	pending int // looks that File mode waits for
	pool    scaledPool
	looks   []*look // spare ones

	drawing    context.Context // ends with the Run
	draws      sync.WaitGroup  // of what draws zones beside the owner loop
	red        *redact.Redactor
	policies   []*redact.Policy // of the ruling that the newest frame was looked at for
	zones      uint64           // its number
	applied    []*redact.Policy // that red works by
	scratch    []*redact.Policy
	trials     trials
	stills     stills
	background background
	needs      detect.ClassSet
	missing    detect.ClassSet // needed, and no detector finds it
	tracker    *track.Tracker
	objects    []detect.Object
	lastLook   time.Duration // frame time of File mode's newest look
	lastAt     time.Duration // frame time of the newest frame
	frames     int
	ended      bool // the source has: nothing newer waits behind the frames held back
	redFails   int
}

// Run takes pictures from src until its end, hides in each what the policy
// asks for, and hands it to sink. At the end of src everything held back is
// written and the sink finished. When ctx ends, what is held back is thrown
// away, the sink is not finished, and Run returns ctx's error. Stop ends a Run
// as the end of src does. Run closes neither src nor sink; whichever way it
// ends, it waits for all its goroutines, and names a stage that does not
// return within a second of being asked.
func (p *Pipeline) Run(ctx context.Context, src Source, sink Sink) error {
	runCtx, stop, err := p.begin(ctx, sink)
	if err != nil {
		return err
	}
	defer p.end()
	r := &run{Pipeline: p, src: src, sink: sink, drawing: runCtx,
		// The window and its newest frame, one in the reader's hand and those that
		// wait, those that wait for the writer and one in its hand.
		free:    newFramePool(p.cfg.held() + 1 + 1 + arrived + queued + 1),
		in:      make(chan *frame, arrived),
		out:     make(chan *frame, queued),
		results: make(chan lookResult, len(p.cfg.Detectors)),
		readErr: make(chan error, 1),
		sinkErr: make(chan error, 1),
		window:  newWindow(p.cfg.held() + 1),
		jump:    motion.Jump{Keep: p.cfg.held() + 2 + drivenBack},
	}
	r.stats.begin()
	r.budget.cores = p.cfg.Cores
	r.background.span = p.cfg.PlateSpan
	r.startLookers(runCtx)
	go func() { r.readErr <- r.read(stop); close(r.in) }()
	go func() { r.sinkErr <- r.write(runCtx) }()
	r.trials.start(runCtx, p)

	err = r.own(runCtx)
	if err == nil {
		err = runCtx.Err() // the reader may have seen it first, and ended as a source does
	}
	r.saveStructure(r.lastAt)

	// Whatever the reason, everybody is called back and waited for.
	if err != nil {
		p.abort()
	}
	p.Stop()
	close(r.out)
	err = firstError(err, join("source", r.readErr), r.joinSink(runCtx))
	p.abort()
	err = firstError(err, r.stopLookers(), r.trials.stop())
	r.draws.Wait()
	if f, ok := sink.(Finisher); ok && err == nil {
		if ferr := f.Finish(ctx); ferr != nil {
			err = &StageError{Stage: "sink", Count: 1, Err: ferr}
		}
	}
	return err
}

// read is the reader's goroutine. It ends with the source or with ctx.
func (r *run) read(ctx context.Context) error {
	const before = time.Duration(-1 << 62) // before any picture
	lost, last := 0, before
	var failed error
	for {
		f := r.free.get(ctx)
		if f == nil {
			return nil
		}
		f.ruling = r.newest()
		err := r.readOne(ctx, f)
		if err == nil && f.buf.Time <= last {
			err = fmt.Errorf("%w: its time %v is not after that of the picture before, %v", ErrPicture, f.buf.Time, last)
		}
		switch {
		case err == nil:
			lost, last = 0, f.buf.Time
			r.stats.count(&r.stats.s.FramesIn)
			r.deliver(ctx, f)
		case errors.Is(err, ErrPicture):
			r.free.put(f)
			r.stats.count(&r.stats.s.FramesLost)
			lost++
			failed = &StageError{Stage: "source", Count: lost, Err: err}
			// A recording has an end, and what comes behind the damage is wanted.
			if r.cfg.Mode == Live && lost >= r.cfg.MaxFailures {
				return failed
			}
		case errors.Is(err, io.EOF) && failed != nil && last == before:
			r.free.put(f)
			return failed // there was not one good picture
		case errors.Is(err, io.EOF), ctx.Err() != nil:
			r.free.put(f)
			return nil //nolint:nilerr // the end of the source, or of the run
		default:
			r.free.put(f)
			return &StageError{Stage: "source", Count: 1, Err: err}
		}
	}
}

func (r *run) readOne(ctx context.Context, f *frame) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v}
		}
	}()
	f.buf.Native.X, f.buf.Native.Y = 0, 0
	if err := r.src.Read(ctx, &f.buf); err != nil {
		return err
	}
	if f.buf.pic == nil || f.buf.pic.Rect.Empty() {
		return fmt.Errorf("%w: it has no pixels", ErrPicture)
	}
	return nil
}

// deliver hands a raw frame to the owner loop. A file waits for it; a live
// source drops the oldest frame that waits.
func (r *run) deliver(ctx context.Context, f *frame) {
	if r.cfg.Mode == File {
		select {
		case r.in <- f:
		case <-ctx.Done():
			r.free.put(f)
			r.stats.count(&r.stats.s.FramesDropped)
		}
		return
	}
	for {
		select {
		case r.in <- f:
			return
		default:
		}
		select {
		case old := <-r.in:
			r.free.put(old)
			r.stats.count(&r.stats.s.FramesDropped)
		default:
		}
	}
}

// own is the owner loop: it takes frames and results, and releases frames from
// the window. A panic in what it does to a frame ends the run: the frame goes
// nowhere.
func (r *run) own(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &StageError{Stage: "inspect", Count: 1, Err: &panicError{v}}
		}
	}()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	in := r.in
	for {
		// In File mode the next frame is taken only when every look of the last
		// one is in.
		next := in
		if r.cfg.Mode == File && r.pending > 0 {
			next = nil
		}
		select {
		case f, ok := <-next:
			if !ok {
				// The reader ends with its source, and with the run.
				if ctx.Err() != nil {
					return ctx.Err()
				}
				in, r.ended = nil, true
				break
			}
			if err := r.take(ctx, f); err != nil {
				return err
			}
		case res := <-r.results:
			if err := r.enter(ctx, res); err != nil {
				return err
			}
		case a := <-r.asked:
			r.askStill(a)
		case now := <-ticker.C:
			r.endStills(now)
			if err := r.expire(now); err != nil {
				return err
			}
		case err := <-r.sinkErr:
			r.sinkErr <- nil
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
		if r.cfg.Mode == File && r.pending > 0 {
			continue
		}
		for r.ripe(in == nil) {
			if err := r.releaseOldest(ctx); err != nil {
				return err
			}
		}
		if in == nil {
			return nil
		}
	}
}

// take enters a new frame: format, policy, motion, looks, window.
func (r *run) take(ctx context.Context, f *frame) error {
	f.doubtful = false
	f.at = r.clock.next(f.buf.Time)
	f.movedAt, f.since, f.until = f.at, r.cutAt, forever
	if err := r.adopt(ctx, f); err != nil {
		return err
	}
	start := time.Now()
	r.dropSmall()
	if r.needs != 0 {
		if err := r.watch(f); err != nil {
			return err
		}
		if err := r.offer(f); err != nil {
			return err
		}
	}
	r.see(f)
	r.stats.stage(stageInspect, time.Since(start))
	f.why = r.unfit()
	if f.why == ReasonViewDiffers || f.why == ReasonCameraMoved {
		r.hideBack(f.why)
	}
	r.window.push(f)
	r.lastAt = f.at
	r.frames++
	for _, k := range r.refused {
		if err := r.lookFailed(k, f.at, ErrTimeout); err != nil {
			return err
		}
	}
	r.refused = r.refused[:0]
	return nil
}

// releaseOldest redacts the oldest frame of the window and hands it to the
// writer.
func (r *run) releaseOldest(ctx context.Context) error {
	f := r.window.pop()
	start := time.Now()
	floor, err := r.obey(f)
	if err != nil {
		return &StageError{Stage: "redact", Count: 1, Err: err}
	}
	scene := r.decide(f)
	scene.Level = max(scene.Level, floor)
	r.remember(f, scene)
	scene.Plate = r.background.plate
	r.stats.stage(stageDecide, time.Since(start))

	start = time.Now()
	r.try(f, scene)
	out, err := r.redact(f, scene)
	r.stats.stage(stageRedact, time.Since(start))
	if err != nil {
		// The picture may be half redacted: it goes nowhere.
		r.recycle(f)
		r.stats.count(&r.stats.s.FramesDropped)
		if r.redFails++; r.redFails >= r.cfg.MaxFailures {
			return &StageError{Stage: "redact", Count: r.redFails, Err: err}
		}
		return nil
	}
	r.redFails = 0
	f.out, f.level = out, scene.Level
	return r.emit(ctx, f)
}

func (r *run) redact(f *frame, s redact.Scene) (out redact.Frame, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = redact.Frame{}, &panicError{v}
		}
	}()
	return r.red.Redact(f.buf.pic, s)
}
