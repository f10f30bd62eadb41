package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// openKnown opens a camera that needs no probe.
func openKnown(ctx context.Context, in input, o Options) (*Source, error) {
	in.known = true
	return openProbed(ctx, in, o, *o.Known)
}

// openProbed starts the decoder and waits for the first picture.
func openProbed(ctx context.Context, in input, o Options, info Info) (*Source, error) {
	in.untimed = untimed(info.Container)
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
	s.proc, err = startBehind(in.before, "ffmpeg", sourceArgs(in, o, info), stdin, w, in.hide, s.handler())
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
