package speed

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/evidence"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// BenchmarkTwice redacts a recording in two passes, as redact-file does: as many networks
// look beside each other as there are processors.
func BenchmarkTwice(b *testing.B) {
	needsRuntime(b)
	in := recording(b)
	frames := 8 * rate
	if testing.Short() {
		frames = 4
	}
	c := pipeline.DefaultRecordingConfig()
	c.Policy = &redact.Policy{Version: 1, Outside: redact.Outside{Hide: redact.HideDetected}}
	c.Compressed, c.Length = true, time.Duration(frames)*frameStep
	for i := range runtime.NumCPU() {
		_, detectors, set := openMeters(b)
		b.Cleanup(func() { closes(b, set.Close) })
		if i == 0 {
			c.Detectors = detectors
		} else {
			c.Copies = append(c.Copies, detectors)
		}
	}
	for _, w := range []struct {
		networks string
		every    int
	}{{"every_3rd_picture", 3}, {"every_picture", 1}} {
		c.Every = w.every
		start, core := time.Now(), processTime()+childrenTime()
		if err := redactTwice(b.Context(), in, filepath.Join(b.TempDir(), "twice.mp4"), frames, c); err != nil {
			b.Fatal(err)
		}
		n := float64(frames)
		says(b, "networks="+w.networks, map[string]float64{"frames/s": n / time.Since(start).Seconds(), "core-ms/frame": ms(processTime()+childrenTime()-core) / n})
	}
}

// redactTwice redacts the first frames of a recording.
func redactTwice(ctx context.Context, in, out string, frames int, c pipeline.RecordingConfig) (err error) {
	r, err := pipeline.NewRecording(c)
	if err != nil {
		return err
	}
	sample, err := evidence.Sample(in)
	if err != nil {
		return err
	}
	src, err := ffmpeg.Open(ctx, in, ffmpeg.Options{})
	if err != nil {
		return err
	}
	ev, err := r.Inspect(ctx, newCamera(src, frames, nil), sample)
	if err := errors.Join(err, src.Close()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ev.Close()) }()
	d, err := r.Decide(ev)
	if err != nil {
		return err
	}
	again, err := ffmpeg.Open(ctx, in, ffmpeg.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, again.Close()) }()
	o := again.Info().OutOptions()
	o.Overwrite = true
	sink, err := ffmpeg.Create(ctx, out, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	return r.Redact(ctx, newCamera(again, frames, nil), d, sink)
}
