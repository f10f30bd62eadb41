package archive

import (
	"context"
	"errors"
	"slices"

	"github.com/hedgecam/hedge/examples/internal/archive/queue"
)

// outputFiles returns the names of an output's files, its entry first: without that it counts
// as not there.
func outputFiles(o *queue.Output) []string {
	return []string{Index(o), o.Video, o.Sheet, o.Report, o.Evidence}
}

// drop enters that nothing needs these files any more. They are removed with the next output,
// or when the server begins again.
func drop(r *queue.Recording, names ...string) {
	for _, n := range names {
		if !slices.Contains(r.Stale, n) {
			r.Stale = append(r.Stale, n)
		}
	}
}

// take enters that files are needed, or gone.
func take(r *queue.Recording, names ...string) {
	r.Stale = slices.DeleteFunc(r.Stale, func(n string) bool { return slices.Contains(names, n) })
}

// dropOutput drops the files of the recording's output, unless a person has accepted it.
func dropOutput(r *queue.Recording) {
	if o := r.Output; o != nil && r.Accepted == nil && !slices.Contains(r.Kept, o.ID) {
		drop(r, outputFiles(o)...)
	}
}

// unfinished returns the files of an output that is being made, or was and never entered.
func unfinished(r *queue.Recording) ([]string, error) {
	if r.Stage != queue.Render || r.Status == queue.Done {
		return nil, nil
	}
	id, err := OutputID(r)
	if err != nil || r.Output != nil && r.Output.ID == id || slices.Contains(r.Kept, id) {
		return nil, err
	}
	return outputFiles(NewOutput(id)), nil
}

// Enter enters an output in place of the one before, whose files are dropped unless a person
// has accepted it. removed are files of r.Stale that are gone.
func Enter(r *queue.Recording, out *queue.Output, removed []string) {
	if r.Output == nil || r.Output.ID != out.ID {
		dropOutput(r)
	}
	r.Output, r.Status, r.Error = out, queue.Done, ""
	take(r, removed...)
	take(r, outputFiles(out)...)
}

// EnterEvidence enters the evidence of a first pass.
func EnterEvidence(r *queue.Recording, name string) {
	r.Evidence, r.Parts = name, nil
	take(r, name)
	r.File(queue.Render)
}

// RemoveStale removes the files that nothing needs any more of a recording as it was just
// read, and returns which are gone. out is an output that is being entered; nil is none.
func (a *Archive) RemoveStale(ctx context.Context, r *queue.Recording, out *queue.Output) (removed []string, err error) {
	needed := []string{r.Evidence}
	for _, o := range []*queue.Output{r.Output, out} {
		if o != nil {
			needed = append(needed, outputFiles(o)...)
		}
	}
	for _, id := range r.Kept {
		needed = append(needed, outputFiles(NewOutput(id))...)
	}
	for _, name := range r.Stale {
		if slices.Contains(needed, name) {
			continue
		}
		if ferr := a.Files.Remove(ctx, name); ferr != nil {
			err = errors.Join(err, ferr)
			continue
		}
		removed = append(removed, name)
	}
	return removed, err
}

// tidyStale removes the files of a recording on which nobody works that nothing needs any
// more, those of an output that was never entered among them.
func (a *Archive) tidyStale(ctx context.Context, r *queue.Recording) error {
	left, err := unfinished(r)
	if err != nil {
		return err
	}
	listed := len(r.Stale) > 0
	if drop(r, left...); len(r.Stale) == 0 {
		return nil
	}
	// The list may be old by now: somebody may have begun with the recording again.
	switch now, err := a.Queue.Get(ctx, r.ID); {
	case err != nil:
		return err
	case now.Revision != r.Revision:
		return nil // the next output, or the next start, removes it
	}
	removed, err := a.RemoveStale(ctx, r, nil)
	if !listed {
		return err
	}
	_, uerr := a.Queue.Update(ctx, r.ID, func(now *queue.Recording) error {
		take(now, removed...)
		return nil
	})
	return errors.Join(err, uerr)
}
