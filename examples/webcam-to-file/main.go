// Command webcam-to-file records a camera until Ctrl-C, with everything hidden that the
// policy does not show.
//
//	go run ./examples/webcam-to-file -camera /dev/video0 -policy policy.json -out redacted.mp4
//
// The camera may be a V4L2 device, the address of a network camera, or a file.
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

func main() {
	camera := flag.String("camera", "/dev/video0", "V4L2 device, address or file")
	policy := flag.String("policy", "policy.json", "policy file (JSON)")
	out := flag.String("out", "redacted.mp4", "file to write")
	nets := flag.String("networks", networks.HedgeN, "which networks look: "+networks.Names())
	flag.Parse()
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := record(stop, *camera, *policy, *out, *nets)
	cancel()
	if err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

// record writes the camera's redacted pictures to the file until stop ends.
func record(stop context.Context, camera, policyFile, out, nets string) error {
	ctx := context.Background()
	policy, err := redact.LoadPolicy(policyFile)
	if err != nil {
		return err
	}
	set, err := networks.Open(ctx, nets, networks.Options{})
	if err != nil {
		return err
	}
	defer set.Close()
	src, err := ffmpeg.Open(ctx, camera, ffmpeg.Options{})
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := ffmpeg.Create(ctx, out, src.Info().OutOptions())
	if err != nil {
		return err
	}
	defer dst.Close()

	c := pipeline.DefaultConfig()
	c.Policy, c.Detectors, c.Compressed = policy, set.Detectors, true
	if src.Info().Live {
		c.Mode = pipeline.Live
	}
	p, err := pipeline.New(c)
	if err != nil {
		return err
	}
	defer p.Close()
	// The end of the source completes the file. A cancelled Run would throw it away.
	return p.Run(ctx, &until{Source: src, stop: stop}, dst)
}

// until is a source that comes to its end when stop does.
type until struct {
	pipeline.Source
	stop context.Context //nolint:containedctx // it ends the source, not one call
}

// Read implements pipeline.Source.
func (u *until) Read(ctx context.Context, b *pipeline.Buffer) error {
	if u.stop.Err() != nil {
		return io.EOF
	}
	return u.Source.Read(ctx, b)
}
