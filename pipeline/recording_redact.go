package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/pipeline/evidence"
	"github.com/hedgecam/hedge/redact"
)

// secondPass is one second pass.
type secondPass struct {
	*Recording
	d       *Decision
	sink    Sink
	rd      *evidence.Reader
	red     *redact.Redactor
	at      int            // the picture of the evidence that frame holds
	frame   evidence.Frame // the newest one read
	done    bool           // there are no more
	objects []detect.Object
	motion  []detect.Box
	why     Reason
	unknown int       // pictures in a row that the first pass did not see
	fails   int       // failures of redact in a row
	outline *outliner // nil if nobody's silhouette is wanted
}

// redactOptions returns the redactor's options.
func (r *Recording) redactOptions() redact.Options {
	o := redact.DefaultOptions()
	if o.Margin = 0; r.cfg.Compressed {
		// One block: most of what compression leaves beside somebody lies in it (see
		// redact.Residue). Of 4,476 people on PETS09-S2L1 and 3,142 on a moving window of it 1 and
		// 4 are shown with it, 3 and 14 without, and 1 and 1 with two blocks, which hide up to a
		// point more for nothing.
		o.Grow = 1
	}
	if r.cfg.Redact != nil {
		r.cfg.Redact(&o)
	}
	return o
}

// Redact is the second pass: it reads src, the same recording from its beginning,
// hides in each picture what was decided, and hands it to sink. At the end the sink
// is finished. When ctx ends, or on an error, it is not. src and sink are not closed.
func (r *Recording) Redact(ctx context.Context, src Source, d *Decision, sink Sink) (err error) {
	s := &secondPass{Recording: r, d: d, sink: sink, at: -1}
	if s.rd, err = evidence.NewReader(d.ev.log.Reader()); err != nil {
		return err
	}
	policy := *r.cfg.Policy
	if d.HideOutside {
		policy.Outside.Hide, policy.Strip = redact.HideAll, nil
		if policy.Outside.Fill == redact.Background {
			policy.Outside.Fill = redact.Frost // nobody has asked whether all of the place may be shown
		}
	}
	if s.red, err = redact.New(&policy, d.ev.header.Size, r.redactOptions()); err != nil {
		return &StageError{Stage: "redact", Count: 1, Err: err}
	}
	if r.cfg.Segmenter != nil && showsSilhouettes(r.cfg.Policy) {
		s.outline = &outliner{seg: r.cfg.Segmenter, timeout: r.cfg.Timeout}
	}
	r.stats.plate(d.BackgroundKnown())
	work, stop := context.WithCancel(ctx)
	pictures := readRecording(work, &r.stats, src, 3)
	w := newRecordingWriter(work, &r.stats, sink, pictures)
	err = s.run(work, pictures, w)
	if err != nil {
		stop()
	}
	// The sink's own error says more than that it has failed.
	werr := w.close(err != nil)
	if errors.Is(err, errSink) {
		err = nil
	}
	stop()
	err = firstError(err, werr, pictures.join(), ctx.Err()) // ctx may have ended during the last pictures
	if f, ok := sink.(Finisher); ok && err == nil {
		if ferr := f.Finish(ctx); ferr != nil {
			err = &StageError{Stage: "sink", Count: 1, Err: ferr}
		}
	}
	return err
}

func (s *secondPass) run(ctx context.Context, pictures *recordingReader, w *recordingWriter) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &StageError{Stage: "inspect", Count: 1, Err: &panicError{v}}
		}
	}()
	if err := s.advance(); err != nil {
		return err
	}
	for {
		b, err := pictures.next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := s.one(ctx, b, w, pictures); err != nil {
			return err
		}
		s.cfg.OnPicture(2)
	}
	if !s.done {
		return &StageError{Stage: "source", Count: 1,
			Err: fmt.Errorf("%w: at picture %d of %d", ErrCutOff, s.at+1, s.d.ev.frames)}
	}
	return nil
}

// advance reads the evidence of the next picture.
func (s *secondPass) advance() error {
	if s.at++; s.at == s.d.ev.frames {
		s.done = true
		return nil
	}
	return s.rd.Next(&s.frame)
}

// one redacts one picture and hands it to the writer.
func (s *secondPass) one(ctx context.Context, b *Buffer, w *recordingWriter, pictures *recordingReader) error {
	start := time.Now()
	// Pictures that the first pass could decode and this one cannot are left out.
	for !s.done && s.frame.Time < b.Time {
		if err := s.advance(); err != nil {
			return err
		}
	}
	scene := redact.Scene{Time: b.Time, Level: redact.HideFrame}
	why := ReasonDetectorLate
	seen := !s.done && s.frame.Time == b.Time && b.pic.Rect.Size() == s.d.ev.header.Size
	switch {
	case !seen:
		s.unknown++
		if s.unknown >= s.cfg.MaxFailures {
			return &StageError{Stage: "source", Count: s.unknown, Err: evidence.ErrChanged}
		}
	case b.Native.X > 0 && !sameAspect(b.Native, s.d.ev.header.Size):
		why = ReasonAspectChanged
	default:
		s.unknown = 0
		why = s.d.moments[s.at].reason
		scene = s.d.scene(s.at, &s.frame, s.objects, s.motion)
		s.objects, s.motion = scene.Objects, scene.Motion
		s.stats.tracked(scene.Objects)
	}
	if seen {
		if err := s.advance(); err != nil {
			return err
		}
	}
	if s.outline != nil && scene.Level == redact.HidePolicy {
		found, failed, err := s.outline.look(ctx, b.pic, scene.Objects)
		if err != nil {
			return &StageError{Stage: s.cfg.Segmenter.Name(), Count: 1, Err: err}
		}
		s.stats.outlined(found, failed)
	}
	s.report(b.Time, why)
	s.stats.stage(stageDecide, time.Since(start))

	start = time.Now()
	out, err := redactPicture(s.red, b.pic, scene)
	s.stats.stage(stageRedact, time.Since(start))
	if err != nil {
		// The picture may be half redacted: it goes nowhere.
		pictures.recycle(b)
		s.stats.count(&s.stats.s.FramesDropped)
		if s.fails++; s.fails >= s.cfg.MaxFailures {
			return &StageError{Stage: "redact", Count: s.fails, Err: err}
		}
		return nil
	}
	s.fails = 0
	return w.put(ctx, written{b, out, scene.Level != redact.HidePolicy})
}

// report sends an event when more is hidden than the policy asks, and when it ends.
func (s *secondPass) report(at time.Duration, why Reason) {
	if why == s.why {
		return
	}
	s.why = why
	s.stats.failedClosed(why)
	kind := FailedClosed
	switch why {
	case NoReason:
		kind = Recovered
	case ReasonCameraMoved:
		kind = CameraMoved
	}
	s.cfg.OnEvent(Event{Time: at, Kind: kind, Reason: why})
}

// recordingWriter hands redacted pictures to a sink, on a goroutine of its own.
type recordingWriter struct {
	in    chan written
	ended chan error
	lost  chan struct{} // closed when the sink has failed
}

type written struct {
	b      *Buffer
	f      redact.Frame
	closed bool // more was hidden than the policy asks
}

func newRecordingWriter(ctx context.Context, count *stats, sink Sink, pictures *recordingReader) *recordingWriter {
	w := &recordingWriter{in: make(chan written, 1), ended: make(chan error, 1), lost: make(chan struct{})}
	go func() {
		var failed error
		for p := range w.in {
			if failed == nil && ctx.Err() == nil {
				start := time.Now()
				if failed = writeFrame(ctx, sink, p.f); failed == nil {
					count.stage(stageWrite, time.Since(start))
					count.written(p.f, p.closed)
				} else {
					close(w.lost)
				}
			}
			p.f.Release()
			pictures.recycle(p.b)
		}
		w.ended <- failed
	}()
	return w
}

// put hands a picture over, and waits until it is taken.
func (w *recordingWriter) put(ctx context.Context, p written) error {
	select {
	case w.in <- p:
		return nil
	case <-w.lost:
		p.f.Release()
		return errSink
	case <-ctx.Done():
		p.f.Release()
		return ctx.Err()
	}
}

// errSink stands for the sink's own error, which close returns.
var errSink = errors.New("the sink has failed")

// close waits until everything is written and returns the sink's error. A file
// without one of its pictures is not the file that was asked for.
func (w *recordingWriter) close(cut bool) error {
	close(w.in)
	var err error
	if cut {
		err = join("sink", w.ended)
	} else {
		err = <-w.ended
	}
	if err != nil {
		var stage *StageError
		if errors.As(err, &stage) {
			return err
		}
		return &StageError{Stage: "sink", Count: 1, Err: err}
	}
	return nil
}
