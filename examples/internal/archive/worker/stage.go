package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/store"
	"github.com/hedgecam/hedge/examples/internal/memfile"
	"github.com/hedgecam/hedge/examples/internal/recording"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

// stage makes a pass and stores what came of it. It returns what is to be entered.
func (w *Worker) stage(ctx context.Context, r *queue.Recording) (change func(*queue.Recording), err error) {
	dir, err := os.MkdirTemp(w.c.Dir, "job")
	if err != nil {
		return nil, fmt.Errorf("the worker's folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	switch r.Stage {
	case queue.Render:
		return w.render(ctx, r, dir)
	case queue.Look:
		return w.look(ctx, r, dir)
	}
	return w.inspect(ctx, r, dir)
}

// inspect makes the first pass.
func (w *Worker) inspect(ctx context.Context, r *queue.Recording, dir string) (func(*queue.Recording), error) {
	name := archive.EvidenceName(r)
	enter := func(r *queue.Recording) { archive.EnterEvidence(r, name) }
	there, err := w.there(ctx, name)
	if err != nil {
		return nil, err
	}
	if there {
		w.removeParts(ctx, r)
		return enter, nil
	}
	path := filepath.Join(dir, "evidence.jsonl")
	err = w.withOriginal(ctx, r, func(original string) error {
		return w.c.Passes.Inspect(ctx, r, original, w.progress(), w.known(r), path)
	})
	if err != nil {
		return nil, err
	}
	if err := w.put(ctx, name, path); err != nil {
		return nil, err
	}
	w.removeParts(ctx, r)
	return enter, nil
}

// there reports whether a file is in the store.
func (w *Worker) there(ctx context.Context, name string) (there bool, err error) {
	err = w.persist(ctx, func(ctx context.Context) error {
		f, err := w.c.Archive.Files.Open(ctx, name)
		if err == nil {
			there, err = true, f.Close()
		}
		return err
	})
	if errors.Is(err, store.ErrMissing) {
		err = nil
	}
	return there, err
}

// put stores a file.
func (w *Worker) put(ctx context.Context, name, path string) error {
	return w.persist(ctx, func(ctx context.Context) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(w.c.Archive.Files.Put(ctx, name, f), f.Close())
	})
}

// withOriginal calls do with the original, which is gone afterwards.
func (w *Worker) withOriginal(ctx context.Context, r *queue.Recording, do func(path string) error) (err error) {
	free, err := w.memory(ctx, r)
	if err != nil {
		return err
	}
	defer free()
	var f *memfile.File
	err = w.persist(ctx, func(ctx context.Context) error {
		sealed, err := w.c.Archive.Originals.Open(ctx, r.Original)
		if err != nil {
			return err
		}
		f, err = memfile.New(sealed, r.Bytes, r.Bytes, w.c.Scratch)
		return errors.Join(err, sealed.Close())
	})
	if err != nil {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return do(f.Path())
}

// memory waits until there is room for the original. The caller calls free once the original
// is gone.
func (w *Worker) memory(ctx context.Context, r *queue.Recording) (free func(), err error) {
	if w.c.Scratch != "" {
		return func() {}, nil
	}
	waits := func(is bool) {
		w.mu.Lock()
		w.waits = is
		w.mu.Unlock()
	}
	defer waits(false)
	return w.c.Memory.Take(ctx, r.Bytes, func() {
		waits(true)
		w.c.Log.Info("waits until others leave it the memory", "recording", r.ID, "bytes", r.Bytes)
	})
}

// progress returns a function that tells how far a pass is.
func (w *Worker) progress() func(done, total int64) {
	start := time.Now()
	return func(done, total int64) {
		w.set(func(s *queue.Worker) {
			s.Done, s.Total, s.Left = done, total, 0
			if total > done && done > 0 {
				s.Left = time.Duration(float64(time.Since(start)) / float64(done) * float64(total-done)).Round(time.Second)
			}
		})
	}
}

// render makes the second pass.
func (w *Worker) render(ctx context.Context, r *queue.Recording, dir string) (func(*queue.Recording), error) {
	id, err := archive.OutputID(r)
	if err != nil {
		return nil, err
	}
	out := archive.NewOutput(id)
	if done, err := w.rendered(ctx, out); err != nil || done {
		return w.entering(ctx, r, out), err
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	ev := at("evidence.jsonl")
	if err := w.reviewed(ctx, r, ev); err != nil {
		return nil, err
	}
	files := recording.Outputs{Video: at("video.mp4"), Sheet: at("sheet.png"), Report: at("report.json")}
	err = w.withOriginal(ctx, r, func(original string) error {
		return w.c.Passes.Render(ctx, r, original, ev, w.progress(), files)
	})
	if err != nil {
		return nil, err
	}
	out.Changes, out.Worker = len(r.Changes), w.c.Self.ID
	if out.VideoSHA256, err = sum(files.Video); err != nil {
		return nil, err
	}
	for _, f := range [][2]string{{out.Video, files.Video}, {out.Sheet, files.Sheet}, {out.Report, files.Report}, {out.Evidence, ev}} {
		if err := w.put(ctx, f[0], f[1]); err != nil {
			return nil, err
		}
	}
	data, err := json.Marshal(out)
	if err == nil {
		err = os.WriteFile(at("output.json"), data, 0o600)
	}
	if err != nil {
		return nil, err
	}
	if err := w.put(ctx, archive.Index(out), at("output.json")); err != nil {
		return nil, err
	}
	return w.entering(ctx, r, out), nil
}

// entering returns what enters an output, and removes what nothing needs any more since
// earlier ones were entered: the worker may have been lost before it did. Where another has
// taken the recording over, it is theirs to say what is needed.
func (w *Worker) entering(ctx context.Context, r *queue.Recording, out *queue.Output) func(*queue.Recording) {
	var removed []string
	if now, err := w.c.Archive.Queue.Get(ctx, r.ID); err == nil && now.Ticket == r.Ticket && now.Status == queue.Running {
		removed = w.removeStale(ctx, &now, out)
	}
	return func(r *queue.Recording) { archive.Enter(r, out, removed) }
}

// removeStale removes what nothing needs any more of a recording as it was just read, and
// returns what is gone.
func (w *Worker) removeStale(ctx context.Context, r *queue.Recording, out *queue.Output) (removed []string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := w.persist(ctx, func(ctx context.Context) (err error) {
		removed, err = w.c.Archive.RemoveStale(ctx, r, out)
		return err
	})
	if err != nil {
		w.c.Log.Warn("what nothing needs any more is left", "recording", r.ID, "reason", err)
	}
	return removed
}

// rendered reports whether the same output was made before, and then reads its entry.
func (w *Worker) rendered(ctx context.Context, out *queue.Output) (bool, error) {
	err := w.persist(ctx, func(ctx context.Context) error {
		f, err := w.c.Archive.Files.Open(ctx, archive.Index(out))
		if err != nil {
			return err
		}
		return errors.Join(json.NewDecoder(f).Decode(out), f.Close())
	})
	if errors.Is(err, store.ErrMissing) {
		return false, nil
	}
	return err == nil, err
}

// reviewed writes the evidence of the first pass, and what reviewers have changed behind
// it, to a file.
func (w *Worker) reviewed(ctx context.Context, r *queue.Recording, path string) error {
	return w.persist(ctx, func(ctx context.Context) (err error) {
		from, err := w.c.Archive.Files.Open(ctx, r.Evidence)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, from.Close()) }()
		to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, to.Close()) }()
		if _, err := io.Copy(to, from); err != nil {
			return err
		}
		for _, c := range r.Changes {
			if err := evidence.Append(to, c); err != nil {
				return err
			}
		}
		return nil
	})
}

// sum returns the SHA-256 of a file.
func sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}
