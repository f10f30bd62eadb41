package pipeline

import (
	"context"
	"errors"
	"image"
	"io"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/motion"
	"github.com/hedgecam/hedge/detect/track"
)

const (
	// DefaultPart is RecordingConfig.Part's default.
	DefaultPart = 5 * time.Minute
	// partLead is for how long before a part its motion model has looked when the part
	// begins: it learns the background in 3 s.
	partLead = 5 * time.Second
)

// partChoice chooses the regions of interest, and begins anew with each part of a
// recording: so who looks at one part alone chooses as who looks at the whole. What has
// come before a part has no say in it, but for the pictures of its lead, which no detector
// needs to have seen.
type partChoice struct {
	length  time.Duration // of a part
	n       int           // the part
	first   int           // index of its first picture
	regions regionSelector
	own     *motion.Model // that of this part; nil in the first one, which has the whole's
	next    *motion.Model // that of the next part
	moved   []detect.Box
}

// begin is told of the next picture, with its index and time, before regions are chosen.
func (a *partChoice) begin(index int, at time.Duration) {
	n := int(at / a.length)
	if n <= a.n {
		return
	}
	if n > a.n+1 {
		a.next = nil // of a part that has no pictures
	}
	a.n, a.first, a.regions = n, index, regionSelector{}
	a.own, a.next = a.next, nil
}

// lead is the length of the lead: no longer than a part.
func (a *partChoice) lead() time.Duration { return min(partLead, a.length) }

// watch shows the picture that was begun, or one of the lead, to the motion models.
func (a *partChoice) watch(at time.Duration, pic *image.YCbCr, full image.Point) {
	if a.n > 0 && a.own == nil {
		a.own = motion.New(motion.DefaultConfig())
	}
	if a.own != nil {
		a.own.Update(at, pic, full)
	}
	if at >= time.Duration(a.n+1)*a.length-a.lead() {
		if a.next == nil {
			a.next = motion.New(motion.DefaultConfig())
		}
		a.next.Update(at, pic, full)
	}
}

// looks reports whether the picture of that index is one that detectors see.
func (a *partChoice) looks(index, every int) bool { return (index-a.first)%every == 0 }

// Part returns the presentation times of the pictures that Look reads of a part, from 0.
// Those of its lead come before those that it is for.
func (r *Recording) Part(n int) Span {
	s := Span{From: time.Duration(n) * r.cfg.Part, To: time.Duration(n+1) * r.cfg.Part}
	if n > 0 {
		s.From -= min(partLead, r.cfg.Part)
	}
	return s
}

// Look has the detectors look at one part of a recording, from 0, as Inspect does, and
// keeps nothing: it is for detectors that remember what they found, so that a later Inspect
// of the whole need not ask them again. src may begin before Part(n) and end after it; its
// times are those of the recording. Without pictures of the part it does nothing. Errors
// are those of Inspect. It closes neither src nor the detectors.
func (r *Recording) Look(ctx context.Context, src Source, n int) error {
	s := &firstPass{Recording: r, alone: true, parts: partChoice{length: r.cfg.Part, n: max(n-1, 0)}}
	s.background = &recordingBackground{}
	r.stats.begin()
	ctx, stop := context.WithCancel(ctx)
	s.startWorkers(ctx)
	s.pictures = readRecording(ctx, nil, src, ahead+2)
	err := s.runPart(ctx, n)
	stop()
	return firstError(err, s.pictures.join(), s.stopWorkers())
}

// runPart takes the pictures of a part.
func (s *firstPass) runPart(ctx context.Context, n int) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &StageError{Stage: "inspect", Count: 1, Err: &panicError{v}}
		}
	}()
	span, begins := s.Part(n), time.Duration(n)*s.cfg.Part
	for {
		b, err := s.pictures.next(ctx)
		if errors.Is(err, io.EOF) || err == nil && b.Time >= span.To {
			break
		}
		if err != nil {
			return err
		}
		if s.size == (image.Point{}) {
			s.start(b.pic.Rect.Size())
		}
		switch {
		case b.Time < span.From:
			s.pictures.recycle(b)
		case b.Time < begins:
			err = s.takeLead(b)
		default:
			err = s.take(ctx, b)
		}
		if err != nil {
			return err
		}
		s.cfg.OnPicture(1)
	}
	return s.complete(ctx, 0)
}

// takeLead shows a picture of a part's lead to its motion model.
func (s *firstPass) takeLead(b *Buffer) error {
	defer s.pictures.recycle(b)
	if !s.finds() || s.cfg.Camera == MovingCamera || b.pic.Rect.Size() != s.size {
		return nil
	}
	p, err := s.watched(b.pic)
	if err != nil {
		return err
	}
	s.parts.watch(b.Time, p.pic, s.size)
	s.releaseSmall()
	return nil
}

// few reports whether the pictures so far may be all that there are: see lookAgain.
func (s *firstPass) few() bool {
	return s.n <= track.FewInferences && (!s.alone || s.parts.n == 0)
}
