package worker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/store"
	"github.com/hedgecam/hedge/examples/internal/recording"
)

// mostParts is into how many parts a recording is cut at most: three days of it. A longer one
// is not cut.
const mostParts = 1000

// passOn reports whether the job is none for this worker as it is: it was cut for several,
// or is given back for one of the kind of machine that has looked at the other parts.
func (w *Worker) passOn(ctx context.Context, log *slog.Logger, j *queue.Job) bool {
	r := &j.Recording
	if r.Stage == queue.Render || r.Networks == queue.NoNetworks {
		return false
	}
	var err error
	if r.Parts != nil {
		if r.Parts.Machine == w.c.Self.Machine || !w.others(ctx, r, r.Parts.Machine) {
			return false
		}
		err = w.persist(ctx, func(ctx context.Context) error { return j.GiveBack(ctx, nil, w.c.Elsewhere) })
	} else {
		n := w.cuts(ctx, r)
		if n == 0 {
			return false
		}
		log.Info("cut for several workers", "parts", n)
		err = w.persist(ctx, func(ctx context.Context) error { return j.Cut(ctx, n, w.c.Part, w.c.Self.Machine) })
	}
	if err != nil {
		log.Warn("passed on", "reason", err) // it comes again
	}
	return true
}

// cuts returns into how many parts a recording is to be cut: 0 if it is short, its evidence
// is there, or no other worker could help.
func (w *Worker) cuts(ctx context.Context, r *queue.Recording) int {
	parts := r.Seconds / w.c.Part.Seconds()
	if parts <= 2 || parts > mostParts || !w.others(ctx, r, w.c.Self.Machine) {
		return 0
	}
	if there, err := w.there(ctx, archive.EvidenceName(r)); err != nil || there {
		return 0
	}
	n := int(parts)
	if float64(n) < parts {
		n++
	}
	return n
}

// others reports whether another worker is there, on that kind of machine, that takes first
// passes of the recording.
func (w *Worker) others(ctx context.Context, r *queue.Recording, machine string) bool {
	list, err := w.c.Archive.Queue.Workers(ctx)
	return err == nil && slices.ContainsFunc(list, func(o queue.Worker) bool {
		return o.ID != w.c.Self.ID && o.Version == r.Version && o.Machine == machine && slices.Contains(o.Networks, r.Networks)
	})
}

// look has the networks look at a part.
func (w *Worker) look(ctx context.Context, part *queue.Recording, dir string) (func(*queue.Recording), error) {
	enter := func(r *queue.Recording) { r.Status, r.Error = queue.Done, "" }
	wanted := false
	err := w.persist(ctx, func(ctx context.Context) error {
		r, err := w.c.Archive.Queue.Get(ctx, part.Parent)
		if wanted = err == nil && r.Has(part); err == nil && !wanted {
			err = w.c.Archive.Queue.RemovePart(ctx, part.ID)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	// On another kind of machine it would be of no use: the first pass does it.
	if !wanted || part.Parts.Machine != w.c.Self.Machine {
		return enter, nil
	}
	name := archive.PartName(part, part.Part)
	if there, err := w.there(ctx, name); err != nil || there {
		return enter, err
	}
	path := filepath.Join(dir, "part")
	err = w.withOriginal(ctx, part, func(original string) error {
		return w.c.Passes.Look(ctx, part, original, w.progress(), path)
	})
	if err != nil {
		return nil, err
	}
	return enter, w.put(ctx, name, path)
}

// known returns what was found in the parts of a recording, nil if it was not cut.
func (w *Worker) known(r *queue.Recording) *recording.Known {
	if r.Parts == nil {
		return nil
	}
	log := w.c.Log.With("recording", r.ID, "name", r.Name)
	return &recording.Known{
		Told: func(part int, why error) {
			log.Warn("what was found in a part cannot be read", "part", part, "reason", why)
		},
		Open: func(ctx context.Context, part int) (f io.ReadCloser, err error) {
			if part >= r.Parts.Total {
				return nil, nil
			}
			err = w.persist(ctx, func(ctx context.Context) (err error) {
				f, err = w.c.Archive.Files.Open(ctx, archive.PartName(r, part))
				return err
			})
			if errors.Is(err, store.ErrMissing) {
				return nil, nil // it was given up
			}
			return f, err
		},
	}
}

// removeParts removes what is of no use once the evidence is there.
func (w *Worker) removeParts(ctx context.Context, r *queue.Recording) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := w.persist(ctx, func(ctx context.Context) error { return w.c.Archive.RemoveParts(ctx, r) }); err != nil {
		w.c.Log.Warn("what was found in parts is left", "recording", r.ID, "reason", err)
	}
}
