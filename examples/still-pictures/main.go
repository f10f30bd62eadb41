// Command still-pictures redacts pictures one by one, each into a folder under its own name.
//
//	go run ./examples/still-pictures -policy policy.json -out redacted photo1.jpg photo2.png
//
// Pictures come out upright, of the size they had, and without metadata. No input is written
// to, and nothing in the folder is replaced.
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
	"github.com/hedgecam/hedge/pipeline/evidence"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

func main() {
	policyFile := flag.String("policy", "policy.json", "policy file (JSON)")
	out := flag.String("out", "redacted", "folder to write to")
	nets := flag.String("networks", networks.HedgeN, "which networks look: "+networks.Names())
	flag.Parse()
	if err := all(context.Background(), *policyFile, *out, *nets, flag.Args()); err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

// all redacts the pictures into the folder out.
func all(ctx context.Context, policyFile, out, nets string, pictures []string) error {
	if len(pictures) == 0 {
		return errors.New("name the pictures: still-pictures -policy policy.json photo.jpg")
	}
	policy, err := redact.LoadPolicy(policyFile)
	if err != nil {
		return err
	}
	// Weak finds are looked at again, larger.
	set, err := networks.Open(ctx, nets, networks.Options{MinScore: pipeline.RecordingScores})
	if err != nil {
		return err
	}
	defer set.Close()
	if err := os.MkdirAll(out, 0o700); err != nil {
		return err
	}
	for _, picture := range pictures {
		if err := one(ctx, policy, set.Detectors, picture, filepath.Join(out, filepath.Base(picture))); err != nil {
			return err
		}
	}
	return nil
}

// one redacts a picture, as a recording of one: it is looked at more than once.
func one(ctx context.Context, policy *redact.Policy, detectors []detect.Detector, in, out string) error {
	c := pipeline.DefaultRecordingConfig()
	c.Policy, c.Detectors, c.Compressed = policy, detectors, true
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
	defer src.Close()
	ev, err := r.Inspect(ctx, src, sample)
	if err != nil {
		return err
	}
	defer ev.Close()
	decision, err := r.Decide(ev)
	if err != nil {
		return err
	}
	again, err := ffmpeg.Open(ctx, in, ffmpeg.Options{})
	if err != nil {
		return err
	}
	defer again.Close()
	dst, err := ffmpeg.Create(ctx, out, src.Info().OutOptions())
	if err != nil {
		return err
	}
	defer dst.Close()
	return r.Redact(ctx, again, decision, dst)
}
