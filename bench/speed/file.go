package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hedgecam/hedge/bench/internal/reach"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// measureFile measures how fast a recording is redacted, beside ffmpeg alone,
// which decodes and encodes it and nothing else.
func measureFile(ctx context.Context, s *suite) (err error) {
	clip, err := s.prepareClip(ctx)
	if err != nil {
		return err
	}
	_, detectors, set, err := s.openMeters(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	frames, turns := 60, 3
	if s.short() {
		frames, turns = 4, 1
	}
	t := reach.Table{
		Title:   "A file of 1080p30, H.264 to H.264 superfast",
		Columns: []string{"what", "frames a second", "core ms a frame, with ffmpeg's", "wall time against ffmpeg alone"},
		Note:    fmt.Sprintf("%d frames, medians of %d turns. Rates are wall time and depend on what else runs on the machine.", frames, turns),
	}
	hide := redact.HideEverything()
	found := &redact.Policy{Version: 1, Outside: redact.Outside{Hide: redact.HideDetected}}
	out := filepath.Join(filepath.Dir(clip), "file.mp4")
	ways := []struct {
		name string
		run  func() error
	}{
		{"ffmpeg alone", func() error { return transcode(ctx, clip, out, frames) }},
		{"everything hidden", func() error { return redactFile(ctx, clip, out, frames, hide, nil, 0) }},
		{"what is found hidden, three networks every 100 ms", func() error { return redactFile(ctx, clip, out, frames, found, detectors, 0) }},
		{"what is found hidden, three networks on every frame", func() error { return redactFile(ctx, clip, out, frames, found, detectors, 1) }},
	}
	walls, cores := make([][]float64, len(ways)), make([][]float64, len(ways))
	for range turns {
		for i, w := range ways {
			start, core := time.Now(), processTime()+childrenTime()
			if err := w.run(); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			walls[i] = append(walls[i], ms(time.Since(start)))
			cores[i] = append(cores[i], ms(processTime()+childrenTime()-core))
		}
	}
	for i, w := range ways {
		n := float64(frames)
		t.Line(w.name, 1000*n/median(walls[i]), median(cores[i])/n, ratio(walls[i], walls[0]))
	}
	s.report.Tables = append(s.report.Tables, t)
	return nil
}

// transcode decodes and encodes with the same options as the pipeline's sink.
func transcode(ctx context.Context, in, out string, frames int) error {
	text, err := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-y", "-v", "error", "-i", in, "-frames:v", strconv.Itoa(frames),
		"-an", "-c:v", "libx264", "-preset", "superfast", "-crf", "21", out).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ffmpeg: %w: %s", err, strings.TrimSpace(string(text)))
	}
	return nil
}

// redactFile redacts the first frames of a file.
func redactFile(ctx context.Context, in, out string, frames int, policy *redact.Policy, detectors []detect.Detector, every int) (err error) {
	src, err := ffmpeg.Open(ctx, in, ffmpeg.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	o := src.Info().OutOptions()
	o.Preset, o.Overwrite = "superfast", true
	sink, err := ffmpeg.Create(ctx, out, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	p, err := pipeline.New(pipeline.Config{Policy: policy, Detectors: detectors, Every: every, LookAhead: pipeline.DefaultConfig().LookAhead, Compressed: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	return p.Run(ctx, newCamera(src, frames, nil), sink)
}
