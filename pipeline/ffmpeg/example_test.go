package ffmpeg_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// redactFile writes a redacted copy of a recording.
func redactFile(ctx context.Context, in, out string, policy *redact.Policy) (stats pipeline.Stats, err error) {
	src, err := ffmpeg.Open(ctx, in, ffmpeg.Options{})
	if err != nil {
		return stats, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	dst, err := ffmpeg.Create(ctx, out, src.Info().OutOptions())
	if err != nil {
		return stats, err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	c := pipeline.DefaultConfig()
	c.Policy, c.Compressed = policy, true
	p, err := pipeline.New(c)
	if err != nil {
		return stats, err
	}
	err = p.Run(ctx, src, dst)
	return p.Stats(), errors.Join(err, p.Close())
}

// A recording of ten pictures is hidden as a whole, which needs no detector.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	in, out := filepath.Join(dir, "street.mp4"), filepath.Join(dir, "redacted.mp4")
	made := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10:duration=1", "-pix_fmt", "yuv420p", in)
	if err := made.Run(); err != nil {
		fmt.Println(err)
		return
	}
	stats, err := redactFile(context.Background(), in, out, redact.HideEverything())
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = os.Stat(out)
	fmt.Println(stats.FramesOut, "frames,", stats.FramesHidden, "hidden as a whole; written:", err == nil)
	// Output: 10 frames, 10 hidden as a whole; written: true
}
