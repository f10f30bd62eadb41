//go:build cgo

package pipeline_test

import (
	"context"
	"fmt"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

func redactFile(ctx context.Context, in, out, policyFile string) error {
	policy, err := redact.LoadPolicy(policyFile)
	if err != nil {
		return err
	}
	nets, err := networks.Open(ctx, networks.HedgeN, networks.Options{})
	if err != nil {
		return err
	}
	defer nets.Close()
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
	c.Policy, c.Detectors, c.Compressed = policy, nets.Detectors, true
	p, err := pipeline.New(c)
	if err != nil {
		return err
	}
	return p.Run(ctx, src, dst)
}

func Example() {
	err := redactFile(context.Background(), "street.mp4", "redacted.mp4", "no-such-policy.json")
	fmt.Println(err != nil)
	// Output: true
}
