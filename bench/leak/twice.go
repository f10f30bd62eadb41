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
	start := time.Now()
	in, err := evidence.Sample(path)
	if err != nil {
		return nil, err
	}
	var r *pipeline.Recording
	var ev *pipeline.Evidence
	first := &counter{rate: rate, frames: map[time.Duration]int{}}
	err = open(ctx, path, func(src *ffmpeg.Source) (err error) {
		first.src, c.Length = src, src.Info().Duration
		if n := src.Info().Frames; rate > 0 && n > 0 {
			c.Length = time.Duration(float64(n) / rate * float64(time.Second))
		}
		if r, err = pipeline.NewRecording(c); err == nil {
			ev, err = r.Inspect(ctx, first, in)
		}
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
	second := &counter{rate: rate, frames: map[time.Duration]int{}, watcher: w}
	out := &masks{frameAt: second.frameAt, watcher: w}
	err = open(ctx, path, func(src *ffmpeg.Source) error {
		if second.src = src; w != nil {
			w.size = src.Info().Size
		}
		return r.Redact(ctx, second, d, out)
	})
	if err != nil {
		return nil, err
	}
	return &played{decoded: first.frame, shots: out.shots, stats: r.Stats(), wall: time.Since(start), decision: d}, w.end()
}
