// Command own-detector hides what a detector of your own finds: here whatever is bright red,
// which it reports as a license plate.
//
//	go run ./examples/own-detector -in street.mp4 -out redacted.mp4
package main

import (
	"context"
	"errors"
	"flag"
	"image"
	"log"
	"os"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// policy shows the whole picture but for what is found.
const policy = `{"version": 1, "property": [[[0,0],[1,0],[1,1],[0,1]]], "inside": {"hide": ["plate"]}, "found": {"fill": "solid"}}`

// red finds the box around everything that is bright red. It keeps no state, so that a
// pipeline may use it at once.
type red struct{}

// Name implements detect.Detector.
func (red) Name() string { return "red" }

// Classes implements detect.Detector.
func (red) Classes() detect.ClassSet { return detect.Classes(detect.Plate) }

// InputSize implements detect.Detector: a quarter of the size is enough to see it.
func (red) InputSize(size image.Point) image.Point {
	if size.X <= 320 {
		return size
	}
	return image.Pt(320, max(1, size.Y*320/size.X))
}

// Detect implements detect.Detector.
func (red) Detect(ctx context.Context, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
	if pic == nil || pic.Rect.Empty() {
		return dst, detect.ErrPicture
	}
	var found image.Rectangle
	for y := pic.Rect.Min.Y; y < pic.Rect.Max.Y; y++ {
		for x := pic.Rect.Min.X; x < pic.Rect.Max.X; x++ {
			if pic.Cr[pic.COffset(x, y)] > 190 {
				found = found.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if found.Empty() {
		return dst, ctx.Err()
	}
	box := detect.Box{X0: float32(found.Min.X), Y0: float32(found.Min.Y), X1: float32(found.Max.X), Y1: float32(found.Max.Y)}
	return append(dst, detect.Detection{Class: detect.Plate, Score: 1, Box: box}), ctx.Err()
}

func (red) Close() error { return nil }

func main() {
	in := flag.String("in", "", "recording to redact")
	out := flag.String("out", "redacted.mp4", "file to write")
	flag.Parse()
	if err := run(context.Background(), *in, *out); err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

func run(ctx context.Context, in, out string) error {
	if in == "" {
		return errors.New("-in is missing: name the recording to redact")
	}
	shown, err := redact.ParsePolicy([]byte(policy))
	if err != nil {
		return err
	}
	c := pipeline.DefaultConfig()
	c.Policy, c.Detectors, c.Compressed = shown, []detect.Detector{red{}}, true
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
	p, err := pipeline.New(c)
	if err != nil {
		return err
	}
	defer p.Close()
	return p.Run(ctx, src, dst)
}
