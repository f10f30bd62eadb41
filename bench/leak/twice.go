package main

import (
	"context"
	"errors"
	"time"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/evidence"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// playTwice runs a recording through both passes.
func playTwice(ctx context.Context, path string, c pipeline.RecordingConfig, rate float64, w *watcher) (p *played, err error) {
	length, err := lengthOf(ctx, path, rate)
	if err != nil {
		return nil, err
	}
	c.Length = length
	r, err := pipeline.NewRecording(c)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	in, err := evidence.Sample(path)
	if err != nil {
		return nil, err
	}
	var ev *pipeline.Evidence
	first, err := reading(ctx, path, rate, nil, func(src pipeline.Source) (err error) {
		ev, err = r.Inspect(ctx, src, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ev.Close()) }()
	d, err := r.Decide(ev)
	if err != nil {
		return nil, err
	}
	out := &masks{watcher: w}
	_, err = reading(ctx, path, rate, w, func(src pipeline.Source) error {
		out.frameAt = src.(*counter).frameAt
		return r.Redact(ctx, src, d, out)
	})
	if err != nil {
		return nil, err
	}
	return &played{decoded: first.frame, shots: out.shots, stats: r.Stats(), wall: time.Since(start), decision: d}, w.end()
}

// lengthOf returns how long a recording is, at a rate if that is not 0; 0 if that is
// not known.
func lengthOf(ctx context.Context, path string, rate float64) (d time.Duration, err error) {
	src, err := ffmpeg.Open(ctx, path, ffmpeg.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	info := src.Info()
	if rate > 0 && info.Frames > 0 {
		return time.Duration(float64(info.Frames) / rate * float64(time.Second)), nil
	}
	return info.Duration, nil
}

// reading opens a recording, numbers its pictures, and closes it.
func reading(ctx context.Context, path string, rate float64, w *watcher, do func(pipeline.Source) error) (c *counter, err error) {
	src, err := ffmpeg.Open(ctx, path, ffmpeg.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	if w != nil {
		w.size = src.Info().Size
	}
	c = &counter{src: src, rate: rate, frames: map[time.Duration]int{}, watcher: w}
	return c, do(c)
}
