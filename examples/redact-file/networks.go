package main

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/detectors"
	"github.com/hedgecam/hedge/examples/internal/recording"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// openNetworks opens the networks, one set for each core up to two. Those that the
// policy never asks need not be there, nor any where evidence stands in for them.
func openNetworks(ctx context.Context, o *options, policy *redact.Policy, files []file, stderr io.Writer) (sets []*networks.Set, err error) {
	o.silhouettes = policy.Visitors == redact.VisitorsSilhouette && o.networks != networks.None
	if policy.Needs()|policy.NeedsBackground() == 0 || !slices.ContainsFunc(files, needsNetworks) {
		o.networks = networks.None
	}
	scores := pipeline.RecordingScores
	if slices.ContainsFunc(files, func(f file) bool { return !recording.IsFile(f.in) }) {
		// What can be read once only is done as a camera's picture, in which each find of
		// these scores would count.
		scores = [detect.NumClasses]float32{}
	}
	for i := range min(runtime.NumCPU(), 2) {
		s, err := detectors.Open(ctx, o.networks, networks.Options{Progress: progressOf("weights", stderr), MinScore: scores,
			Silhouettes: o.silhouettes && i == 0, Provider: o.provider})
		if err != nil {
			for _, s := range sets {
				err = errors.Join(err, s.Close())
			}
			return nil, err
		}
		sets = append(sets, s)
	}
	return sets, nil
}

// needsNetworks reports whether there is no evidence of the file.
func needsNetworks(f file) bool {
	if f.evidence == "" {
		return true
	}
	_, err := os.Stat(f.evidence)
	return err != nil
}
