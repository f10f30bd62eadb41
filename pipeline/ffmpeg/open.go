package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// openKnown opens a camera that needs no probe.
func openKnown(ctx context.Context, in input, o Options) (*Source, error) {
	in.known = true
	return openProbed(ctx, in, o, *o.Known)
}

// openProbed starts the decoder and waits for the first picture.
func openProbed(ctx context.Context, in input, o Options, info Info) (*Source, error) {
	in.untimed = untimed(info.Container)
	if o.From > 0 && !info.Still {
		return openFrom(ctx, in, o, info)
	}
	o.From = 0
	s, err := begin(ctx, in, o, info)
	if err == nil && s.first.interlaced && !info.Interlaced && !in.live() && !info.Still {
		// The container did not say so. A file can be begun anew.
		info.Interlaced = true
		if err = s.Close(); err == nil {
			s, err = begin(ctx, in, o, info)
		}
	}
	return s, err
}

// openFrom opens a file at a time that counts from its first picture, at which it looks
// before.
func openFrom(ctx context.Context, in input, o Options, info Info) (*Source, error) {
	whole := o
	whole.From = 0
	s, err := openProbed(ctx, in, whole, info)
	if err != nil {
		return nil, err
	}
	info.Interlaced = s.info.Interlaced
	first := s.first
	if err := s.Close(); err != nil {
		return nil, err
	}
	later, err := begin(ctx, in, o, info)
	if errors.Is(err, ErrNotVideo) {
		return nil, fmt.Errorf("ffmpeg: input %q: %w: %v", in.name, ErrFrom, o.From)
	}
	if err == nil {
		later.clock.next(first)
	}
	return later, err
}

// begin starts the decoder and waits for the first picture.
func begin(ctx context.Context, in input, o Options, info Info) (*Source, error) {
	if err := info.decodeBy(o.Decoder); err != nil {
		return nil, err
	}
	list, err := in.list(o, info.version)
	if err != nil {
		return nil, err
	}
	s := &Source{info: info, loop: o.Loop, ends: in.kind == kindHTTP, frames: make(chan frameInfo, queueLen), quit: make(chan struct{})}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: pipe for pictures: %w", err)
	}
	widen(r)
	s.pipe = r
	s.watch.pipe = r
	stdin, err := pipeOf(list)
	if err != nil {
		return nil, errors.Join(err, w.Close(), r.Close())
	}
	s.proc, err = start(in.before, "ffmpeg", sourceArgs(in, o, info), stdin, w, in.hide, s.handler())
	err = errors.Join(err, w.Close(), closeIf(stdin))
	if s.proc == nil {
		return nil, errors.Join(err, r.Close())
	}
	if err == nil {
		err = s.waitFirst(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.estimate(o)
	if info.Live {
		s.watched = make(chan struct{})
		go func() { defer close(s.watched); s.proc.endIfStopped() }()
	}
	s.relay = in.relay
	return s, nil
}

// estimate adapts the rate and the number of pictures to the options.
func (s *Source) estimate(o Options) {
	if o.MaxRate > 0 && (!s.info.Rate.Known() || s.info.Rate.Float() > o.MaxRate) {
		if s.info.Frames > 0 {
			s.info.Frames = int64(s.info.Duration.Seconds()*o.MaxRate + 0.5)
		}
		s.info.Rate = Rational{int64(o.MaxRate*1000 + 0.5), 1000}
	}
	if o.Loop {
		s.info.Duration, s.info.Frames = 0, 0
	}
	s.clock.period = 40 * time.Millisecond
	if d, ok := (Rational{s.info.Rate.Den, s.info.Rate.Num}).duration(1); ok {
		s.clock.period = d
	}
}
