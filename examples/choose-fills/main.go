// Command choose-fills redacts a recording once with each fill, so that you can choose one.
//
//	go run ./examples/choose-fills -in street.mp4 -out fills
//
// It writes fills/frost.mp4, fills/background.mp4 and fills/solid.mp4. The fills are a closed
// set: what is hidden must be gone, and only the package redact can prove that of a fill. How
// to add one there is in docs/ARCHITECTURE.md.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"os"
	"path/filepath"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

func main() {
	in := flag.String("in", "", "recording to redact")
	out := flag.String("out", "fills", "folder to write to")
	nets := flag.String("networks", networks.HedgeN, "which networks look: "+networks.Names())
	flag.Parse()
	if err := all(context.Background(), *in, *out, *nets); err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

// all writes one recording for each fill.
func all(ctx context.Context, in, out, nets string) error {
	if in == "" {
		return errors.New("-in is missing: name the recording to redact")
	}
	set, err := networks.Open(ctx, nets, networks.Options{})
	if err != nil {
		return err
	}
	defer set.Close()
	if err := os.MkdirAll(out, 0o700); err != nil {
		return err
	}
	for _, fill := range []redact.Fill{redact.Frost, redact.Background, redact.Solid} {
		policy := redact.HideEverything()
		policy.Outside.Fill = fill // how the place is hidden
		policy.Found.Fill = redact.Solid
		if fill == redact.Background {
			policy.Found.Fill = fill // how people, faces and plates are hidden
		}
		if err := policy.Validate(); err != nil {
			return err
		}
		if err := one(ctx, policy, set.Detectors, in, filepath.Join(out, fill.String()+".mp4")); err != nil {
			return err
		}
	}
	return nil
}

// one redacts the recording by a policy.
func one(ctx context.Context, policy *redact.Policy, detectors []detect.Detector, in, out string) error {
	src, err := ffmpeg.Open(ctx, in, ffmpeg.Options{})
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
	c.Policy, c.Detectors, c.Compressed = policy, detectors, true
	p, err := pipeline.New(c)
	if err != nil {
		return err
	}
	defer p.Close()
	return p.Run(ctx, src, dst)
}
