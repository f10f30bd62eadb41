package worker

import (
	"context"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/recording"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// Passes are the two passes over a recording. Both must leave nothing behind when they
// fail.
type Passes interface {
	// Look writes what networks find in a part of the recording at path to a new file.
	Look(ctx context.Context, part *queue.Recording, path string, progress func(done, total int64), to string) error
	// Inspect writes the evidence of the recording at path to a new file. known is what was
	// found in its parts, nil if it was not cut.
	Inspect(ctx context.Context, r *queue.Recording, path string, progress func(done, total int64), known *recording.Known, to string) error
	// Render redacts the recording at path by evidence.
	Render(ctx context.Context, r *queue.Recording, path, evidence string, progress func(done, total int64), out recording.Outputs) error
}

// Networked are the passes with sets of networks. None of its methods is called while
// another runs.
type Networked struct {
	// Sets look, by their keys: each is a set, and copies of it that run beside it.
	Sets map[string][]*networks.Set
	// Room is that of recording.Pass.
	Room func(ffmpeg.Room) []string
}

func (n *Networked) pass(r *queue.Recording, path string, progress func(done, total int64)) (recording.Pass, error) {
	p := recording.Pass{Path: path, Room: n.Room, Progress: progress, Options: recording.Options{Policy: &redact.Policy{}}}
	if r.Parts != nil {
		p.Part = r.Parts.Length
	}
	return p, p.Policy.UnmarshalJSON([]byte(r.Policy))
}

// Look implements Passes.
func (n *Networked) Look(ctx context.Context, part *queue.Recording, path string, progress func(done, total int64), to string) error {
	p, err := n.pass(part, path, progress)
	if err != nil {
		return err
	}
	p.Networks = n.Sets[part.Networks]
	return recording.Look(ctx, p, part.Version, part.Part, to)
}

// Inspect implements Passes.
func (n *Networked) Inspect(ctx context.Context, r *queue.Recording, path string, progress func(done, total int64), known *recording.Known, to string) error {
	p, err := n.pass(r, path, progress)
	if err != nil {
		return err
	}
	p.Networks = n.Sets[r.Networks]
	if known == nil {
		return recording.Inspect(ctx, p, to)
	}
	return recording.InspectKnown(ctx, p, r.Version, *known, to)
}

// Render implements Passes. It needs no networks.
func (n *Networked) Render(ctx context.Context, r *queue.Recording, path, evidence string, progress func(done, total int64), out recording.Outputs) error {
	p, err := n.pass(r, path, progress)
	if err != nil {
		return err
	}
	_, err = recording.Render(ctx, p, evidence, out)
	return err
}
