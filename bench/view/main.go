// Command view counts how often a fixed camera's clip counts as that of a moved one,
// which none of them is: the false alarms of the watch for a moved camera.
//
//	go run ./bench/view $HEDGE_DATA/dev/mot15_PETS09-S2L1/vtest.avi ...
//
// Each clip is played through a pipeline that hides everything outside of half of the
// picture, without a network, so that nothing explains what stands before the camera.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

const half = `{"version": 1, "property": [[[0,0.5],[1,0.5],[1,1],[0,1]]]}`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "view:", err) // nowhere else to say it
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// clip is what became of one clip.
type clip struct {
	length         time.Duration
	frames, hidden uint64
	began, moved   int // times that frames began to be hidden, and events
}

func run(ctx context.Context, paths []string) error {
	if len(paths) == 0 {
		return errors.New("name the clips of fixed cameras: view CLIP")
	}
	var all clip
	fmt.Println("| clip | minutes | frames | hidden | times | moved |\n| --- | --- | --- | --- | --- | --- |")
	for _, path := range paths {
		c, err := play(ctx, path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		line(filepath.Base(path), c)
		all.length += c.length
		all.frames, all.hidden = all.frames+c.frames, all.hidden+c.hidden
		all.began, all.moved = all.began+c.began, all.moved+c.moved
	}
	line("all", all)
	hours := all.length.Hours()
	fmt.Printf("\nFalse alarms per hour: %.1f hidden, %.1f events.\n", float64(all.began)/hours, float64(all.moved)/hours)
	return nil
}

func line(name string, c clip) {
	fmt.Printf("| %s | %.2f | %d | %d | %d | %d |\n", name, c.length.Minutes(), c.frames, c.hidden, c.began, c.moved)
}

// play plays one clip.
func play(ctx context.Context, path string) (c clip, err error) {
	policy, err := redact.ParsePolicy([]byte(half))
	if err != nil {
		return c, err
	}
	src, err := ffmpeg.Open(ctx, path, ffmpeg.Options{})
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	p, err := pipeline.New(pipeline.Config{Policy: policy, OnEvent: func(e pipeline.Event) {
		switch {
		case e.Kind == pipeline.CameraMoved:
			c.moved++
		case e.Kind == pipeline.FailedClosed && e.Reason == pipeline.ReasonViewDiffers:
			c.began++
		}
	}})
	if err != nil {
		return c, err
	}
	err = p.Run(ctx, src, &sink{&c})
	s := p.Stats()
	c.frames, c.hidden = s.FramesOut, s.FramesFailedClosed
	return c, errors.Join(err, p.Close())
}

// sink notes the time.
type sink struct{ c *clip }

func (s *sink) Write(_ context.Context, f redact.Frame) error {
	s.c.length = f.Time()
	return nil
}
