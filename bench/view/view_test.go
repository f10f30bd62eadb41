package view

import (
	"context"
	"errors"
	"flag"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

var clips = flag.String("clips", "", "clips of fixed cameras, separated by commas")

const half = `{"version": 1, "property": [[[0,0.5],[1,0.5],[1,1],[0,1]]]}`

// alarms are what became of some clips.
type alarms struct {
	length         time.Duration
	frames, hidden uint64
	began, moved   int // times that frames began to be hidden, and events
}

func (a *alarms) add(o alarms) {
	a.length += o.length
	a.frames, a.hidden = a.frames+o.frames, a.hidden+o.hidden
	a.began, a.moved = a.began+o.began, a.moved+o.moved
}

func BenchmarkFalseAlarms(b *testing.B) {
	if *clips == "" {
		b.Skip("no -clips of fixed cameras")
	}
	var all alarms
	for path := range strings.SplitSeq(*clips, ",") {
		a, err := play(b.Context(), path)
		if err != nil {
			b.Fatalf("%s: %v", path, err)
		}
		all.add(a)
		b.Run("clip="+filepath.Base(path), a.report)
	}
	b.Run("clip=all", all.report)
}

func (a alarms) report(b *testing.B) {
	b.ReportMetric(0, "ns/op") // leaves the unit out
	b.ReportMetric(a.length.Minutes(), "min")
	b.ReportMetric(float64(a.frames), "frames")
	b.ReportMetric(float64(a.hidden), "hidden")
	b.ReportMetric(float64(a.began), "times")
	b.ReportMetric(float64(a.moved), "moved")
	b.ReportMetric(float64(a.began)/a.length.Hours(), "hidden/h")
	b.ReportMetric(float64(a.moved)/a.length.Hours(), "moved/h")
}

// play plays one clip.
func play(ctx context.Context, path string) (a alarms, err error) {
	policy, err := redact.ParsePolicy([]byte(half))
	if err != nil {
		return a, err
	}
	src, err := ffmpeg.Open(ctx, path, ffmpeg.Options{})
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	p, err := pipeline.New(pipeline.Config{Policy: policy, OnEvent: func(e pipeline.Event) {
		switch {
		case e.Kind == pipeline.CameraMoved:
			a.moved++
		case e.Kind == pipeline.FailedClosed && e.Reason == pipeline.ReasonViewDiffers:
			a.began++
		}
	}})
	if err != nil {
		return a, err
	}
	err = p.Run(ctx, src, &sink{&a})
	s := p.Stats()
	a.frames, a.hidden = s.FramesOut, s.FramesFailedClosed
	return a, errors.Join(err, p.Close())
}

// sink notes the time.
type sink struct{ a *alarms }

// Write implements pipeline.Sink.
func (s *sink) Write(_ context.Context, f redact.Frame) error {
	s.a.length = f.Time()
	return nil
}

// Close implements pipeline.Sink.
func (s *sink) Close() error { return nil }
