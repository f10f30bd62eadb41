package pipeline

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/motion"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

const (
	// ahead is how many pictures may wait for their inferences, and so how many pictures
	// later these are learnt from. It must not depend on the number of copies: then the
	// evidence would. prefetched is how many raw pictures wait to be taken.
	ahead, prefetched = 3, 2
	// mostPatches is how many moving patches of a picture are kept apart; with more
	// of them the whole picture counts as one.
	mostPatches = 1024
)

// firstPass is one first pass.
type firstPass struct {
	*Recording
	alone     bool // it looks at one part, and writes no evidence
	w         *evidence.Writer
	log       *evidence.Log
	detectors []*passDetector // those that the policy needs; nil for the others
	out       chan *passInference
	done      chan struct{} // receives once for each worker that has ended
	jobs      int           // workers

	pictures   *recordingReader
	background *recordingBackground
	size       image.Point
	pool       copyPool
	small      []*smallCopy // copies of the newest picture
	waiting    []*passFrame
	toLearn    []*passFrame // looked at, and not yet learnt from
	motion     *motion.Model
	pan        motion.Pan
	mosaic     *motion.Mosaic // nil until the camera first moves
	seen       *motion.View
	away       int // how often the picture has begun to show another place
	parts      partChoice
	observed   []detect.Object
	n          int // pictures taken
	lastAt     time.Duration
}

// Inspect is the first pass: it reads src to its end and returns what was seen. in
// says which file it is. When ctx ends, or on an error, nothing is left of it. It
// closes neither src nor the detectors. The caller closes the evidence.
func (r *Recording) Inspect(ctx context.Context, src Source, in evidence.Input) (ev *Evidence, err error) {
	s := &firstPass{Recording: r, log: evidence.NewLog(r.cfg.Spill, r.cfg.Memory), parts: partChoice{length: r.cfg.Part}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.log.Close())
		}
	}()
	r.stats.begin()
	ctx, stop := context.WithCancel(ctx)
	s.startWorkers(ctx)
	s.pictures = readRecording(ctx, nil, src, ahead+2)
	err = s.run(ctx, in)
	stop()
	err = firstError(err, s.pictures.join(), s.stopWorkers())
	if err != nil {
		return nil, err
	}
	if ev, err = ReadEvidence(s.log); err == nil {
		ev.plate = s.background.plate
	}
	return ev, err
}

// run takes one picture after the other.
func (s *firstPass) run(ctx context.Context, in evidence.Input) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &StageError{Stage: "inspect", Count: 1, Err: &panicError{v}}
		}
	}()
	for {
		b, err := s.pictures.next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if s.w == nil {
			if err := s.begin(b.pic.Rect.Size(), in); err != nil {
				return err
			}
		}
		start := time.Now()
		if err := s.take(ctx, b); err != nil {
			return err
		}
		s.stats.stage(stageInspect, time.Since(start))
		s.cfg.OnPicture(1)
	}
	if s.w == nil {
		return &StageError{Stage: "source", Count: 1, Err: fmt.Errorf("%w: there is not one", ErrPicture)}
	}
	if s.few() {
		if err := s.lookAgain(ctx); err != nil {
			return err
		}
	}
	if err := s.complete(ctx, 0); err != nil {
		return err
	}
	return s.w.End()
}

// begin writes the evidence's first line.
func (s *firstPass) begin(size image.Point, in evidence.Input) (err error) {
	s.start(size)
	s.background = s.newBackground(size, s.cfg.Networks)
	s.w, err = evidence.NewWriter(s.log, evidence.Header{Input: in, Size: size, Networks: s.cfg.Networks, Camera: s.cfg.Camera.told()})
	return err
}

// start prepares for pictures of that size.
func (s *firstPass) start(size image.Point) {
	s.size = size
	if s.cfg.Camera != MovingCamera && (!s.alone || s.parts.n == 0) {
		s.motion = motion.New(motion.DefaultConfig())
	}
}

// take inspects one picture.
func (s *firstPass) take(ctx context.Context, b *Buffer) error {
	if b.pic.Rect.Size() != s.size {
		return &StageError{Stage: "source", Count: 1, Err: fmt.Errorf("%w: picture %d is %v, and the first was %v", ErrPicture, s.n+1, b.pic.Rect.Size(), s.size)}
	}
	s.learn()
	s.parts.begin(s.n, b.Time)
	f := &passFrame{frame: evidence.Frame{Time: b.Time}, buf: b, index: s.n, part: s.parts.n}
	if err := s.watch(f, b); err != nil {
		return err
	}
	if s.finds() && s.parts.looks(s.n, s.cfg.Every) {
		if err := s.schedule(ctx, f, b.pic); err != nil {
			return err
		}
	}
	s.releaseSmall()
	s.n++
	s.lastAt = b.Time
	s.waiting = append(s.waiting, f)
	if s.few() {
		return nil
	}
	return s.complete(ctx, ahead)
}

// releaseSmall gives up the copies of the newest picture.
func (s *firstPass) releaseSmall() {
	for _, p := range s.small {
		s.pool.release(p)
	}
	s.small = s.small[:0]
}

// scaled returns the newest picture at the given size, made once for all.
func (s *firstPass) scaled(pic *image.YCbCr, size image.Point) (*smallCopy, error) {
	for _, p := range s.small {
		if p.pic.Rect.Size() == size {
			return p, nil
		}
	}
	p, err := s.pool.scale(pic, size)
	if err == nil {
		s.small = append(s.small, p)
	}
	return p, err
}

// watched returns the newest picture at the size at which shift and motion are seen.
func (s *firstPass) watched(pic *image.YCbCr) (*smallCopy, error) {
	size := image.Pt(max(s.size.X/4, 1), max(s.size.Y/4, 1))
	for _, k := range s.detectors {
		if k != nil {
			size = k.inputSize(s.size)
			break
		}
	}
	return s.scaled(pic, size)
}

// finds reports whether the policy asks for anything to be found. The camera is watched
// whatever it asks.
func (s *firstPass) finds() bool { return s.needs|s.plateNeeds != 0 }

// watch notes how the picture has shifted and what moves in it.
func (s *firstPass) watch(f *passFrame, b *Buffer) error {
	if s.alone && !s.finds() {
		return nil
	}
	p, err := s.watched(b.pic)
	if err != nil {
		return err
	}
	if !s.alone {
		f.frame.DX, f.frame.DY, f.frame.Clear = s.pan.Update(p.pic, s.size)
		if s.n == 0 {
			f.frame.Clear = true // nothing has shifted yet
		}
		if s.finds() {
			s.lay(f, b.Time, p.pic)
		}
	}
	if s.cfg.Camera == MovingCamera {
		return nil
	}
	if !s.alone {
		f.frame.View = s.place(b)
	}
	if !s.finds() {
		return nil
	}
	s.parts.watch(b.Time, p.pic, s.size)
	if s.motion != nil {
		s.motion.Update(b.Time, p.pic, s.size)
		f.frame.Moved = s.patches(s.motion, nil)
		f.moved = f.frame.Moved
	}
	if s.parts.own != nil {
		s.parts.moved = s.patches(s.parts.own, s.parts.moved[:0])
		f.moved = s.parts.moved
	}
	return nil
}

// lay lays the picture into the mosaic of a camera that moves.
func (s *firstPass) lay(f *passFrame, at time.Duration, pic *image.YCbCr) {
	e := &f.frame
	if s.cfg.Camera == FixedCamera || s.mosaic == nil && !jolt(e, s.size) {
		return
	}
	if s.mosaic == nil {
		s.mosaic = &motion.Mosaic{}
	}
	if s.mosaic.Update(at, pic, s.size, e.DX, e.DY) {
		e.Mosaic = evidence.Mosaic{Number: s.mosaic.Number(), Pose: s.mosaic.Pose(), Moved: s.most(s.mosaic.Patches(nil))}
	}
}

// patches appends the moving patches of the newest picture to dst.
func (s *firstPass) patches(m *motion.Model, dst []detect.Box) []detect.Box {
	return s.most(m.Patches(dst))
}

// most cuts patches to the picture, and makes them one if there are too many.
func (s *firstPass) most(dst []detect.Box) []detect.Box {
	whole := rectBox(image.Rectangle{Max: s.size})
	if len(dst) > mostPatches {
		dst = append(dst[:0], whole)
	}
	for i := range dst {
		dst[i] = dst[i].Intersect(whole)
	}
	return dst
}

// place returns 0 while the picture shows the place of the recording's beginning, and
// otherwise how often it has begun to show another.
func (s *firstPass) place(b *Buffer) int {
	if s.seen == nil {
		s.seen = motion.NewView()
	}
	was := s.seen.State()
	if s.seen.Update(b.Time, b.pic, image.Point{}, nil) < motion.ViewDiffers {
		return 0
	}
	if was < motion.ViewDiffers {
		s.away++
	}
	return s.away
}

// schedule asks the detectors for inferences of the picture.
func (s *firstPass) schedule(ctx context.Context, f *passFrame, pic *image.YCbCr) error {
	f.looked = true
	for i, k := range s.detectors {
		if k == nil {
			continue
		}
		input := k.inputSize(s.size)
		p, err := s.scaled(pic, input)
		if err != nil {
			return err
		}
		p.refs++
		if err := s.submit(ctx, f, &passInference{network: i, small: p}, pic.Rect); err != nil {
			return err
		}
		for _, a := range s.parts.regions.parts(k, input, s.size, s.cfg.Regions, f) {
			if err := s.submitRegion(ctx, f, i, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// submitRegion hands an inference on a region of the picture to a detector's workers.
func (s *firstPass) submitRegion(ctx context.Context, f *passFrame, network int, a region) error {
	p, err := s.pool.scalePart(f.buf.pic, a.part, a.input)
	if err != nil {
		return err
	}
	return s.submit(ctx, f, &passInference{network: network, small: p, part: a.part, candidate: a.candidate}, a.part)
}

// submit hands an inference to the detector's workers, and takes in results while they are
// all busy.
func (s *firstPass) submit(ctx context.Context, f *passFrame, g *passInference, part image.Rectangle) error {
	k := s.detectors[g.network]
	small := g.small.pic.Rect.Size()
	g.frame = f
	g.toFrame = mappingOf(small, part)
	g.scale = 1 / max(g.toFrame.sx, g.toFrame.sy)
	f.inferences = append(f.inferences, g)
	f.left++
	k.busy++
	for {
		select {
		case k.in <- g:
			return nil
		default:
		}
		if err := s.await(ctx); err != nil {
			return err
		}
	}
}

// complete writes what is complete, and waits until no more than the given number of
// pictures are not.
func (s *firstPass) complete(ctx context.Context, most int) error {
	for len(s.waiting) > 0 {
		if f := s.waiting[0]; f.left == 0 {
			s.waiting = s.waiting[1:]
			if err := s.record(f); err != nil {
				return err
			}
			continue
		}
		if len(s.waiting) <= most {
			return nil
		}
		if err := s.await(ctx); err != nil {
			return err
		}
	}
	return nil
}

// await takes in one result. A detector that does not return when its time is over
// ends the pass: nothing can be said of any further picture.
func (s *firstPass) await(ctx context.Context) error {
	late := time.NewTimer(s.cfg.Timeout + grace)
	defer late.Stop()
	select {
	case g := <-s.out:
		return s.result(g)
	case <-ctx.Done():
		return ctx.Err()
	case <-late.C:
		for _, k := range s.detectors {
			if k != nil && k.busy > 0 {
				return &StageError{Stage: k.name, Count: 1, Err: errStuck}
			}
		}
		return &StageError{Stage: "inspect", Count: 1, Err: ErrTimeout}
	}
}

func (s *firstPass) result(g *passInference) error {
	k := s.detectors[g.network]
	k.busy--
	g.frame.left--
	s.pool.release(g.small)
	g.small = nil
	s.stats.inferred(g.network, g.spent)
	if g.err == nil {
		k.failures = 0
		return nil
	}
	s.stats.inferenceFailed(g.network)
	s.cfg.OnEvent(Event{Time: g.frame.frame.Time, Kind: DetectorFailed, Detector: k.name, Err: g.err})
	if k.failures++; k.failures >= s.cfg.MaxFailures {
		return &StageError{Stage: k.name, Count: k.failures, Err: g.err}
	}
	return nil
}

// record writes the evidence of a picture. All its inferences are in.
func (s *firstPass) record(f *passFrame) error {
	failed := map[int]bool{}
	for _, g := range f.inferences {
		if g.err != nil {
			if !failed[g.network] {
				f.frame.Failed = append(f.frame.Failed, g.network)
			}
			failed[g.network] = true
			continue
		}
		f.frame.Inferences = append(f.frame.Inferences, evidence.Inference{Network: g.network, Region: rectBox(g.part), Scale: g.scale, Found: g.found})
		s.stats.found(g.found)
	}
	if f.looked {
		s.toLearn = append(s.toLearn, f)
	}
	s.background.frame(&f.frame, f.buf.pic)
	s.pictures.recycle(f.buf)
	f.buf = nil
	if s.alone {
		return nil
	}
	return s.w.Frame(&f.frame)
}

// learn takes in the inferences of earlier pictures. They decide what is looked at next,
// and what counts as background. Each is taken in a fixed number of pictures later, and
// not as soon as it is in: so the evidence is the same on every machine.
func (s *firstPass) learn() {
	for len(s.toLearn) > 0 && s.toLearn[0].index < s.n-ahead {
		f := s.toLearn[0]
		s.toLearn = s.toLearn[1:]
		if f.part == s.parts.n {
			s.parts.regions.learn(f)
		}
		if len(f.frame.Failed) == 0 {
			s.observe(f)
		}
	}
}

// observe tells the motion models what the inferences of the picture found.
func (s *firstPass) observe(f *passFrame) {
	s.observed = s.observed[:0]
	var looked detect.ClassSet
	for _, k := range s.detectors {
		if k != nil {
			looked |= k.classes
		}
	}
	explained := false
	for i := range f.frame.Inferences {
		k := &f.frame.Inferences[i]
		explained = explained || k.Region.Empty() && s.detectors[k.Network].classes.Has(explainer(looked))
		for _, d := range k.Found {
			// A vehicle is not hidden for itself: nobody was found where one stands.
			if d.Class != detect.Vehicle {
				s.observed = append(s.observed, detect.Object{Class: d.Class, Box: d.Box, Padded: d.Box.Grow(0.1, 0.05), Score: d.Score})
			}
		}
	}
	if !explained {
		return
	}
	whole := rectBox(image.Rectangle{Max: s.size})
	if s.mosaic != nil {
		s.mosaic.Observe(f.frame.Time, s.observed)
	}
	if s.motion != nil {
		s.motion.Observe(f.frame.Time, whole, s.observed)
	}
	if s.parts.own != nil && f.part == s.parts.n {
		s.parts.own.Observe(f.frame.Time, whole, s.observed)
	}
}
