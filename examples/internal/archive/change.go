package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

// Errors of what a person asks for.
var (
	// ErrNotYet: what is asked for needs something that is not there yet.
	ErrNotYet = errors.New("it is not there yet")
	// ErrPending: a recording has changes with which it was not rendered.
	ErrPending = errors.New("changes that are not in its video")
	// ErrOver: the recording was accepted, and its original is gone.
	ErrOver = errors.New("its original was removed")
)

// act enters what a person has done.
func act(r *queue.Recording, what string, by evidence.Change) {
	r.Acts = append(r.Acts, queue.Act{What: what, By: by.By, At: by.At})
}

// Cancel ends the work on a recording, and on its parts. What was made of it stays.
func (a *Archive) Cancel(ctx context.Context, id string, by evidence.Change) (queue.Recording, error) {
	r, err := a.Queue.Update(ctx, id, func(r *queue.Recording) error {
		if r.Status.Final() {
			return fmt.Errorf("%s is %s: there is nothing to cancel", r.Name, r.Status)
		}
		r.Status = queue.Cancelled
		r.Ticket++ // the job in the stream counts no more
		act(r, "cancelled", by)
		return nil
	})
	if err == nil {
		err = a.Queue.RemoveParts(ctx, &r)
	}
	return r, err
}

// Retry files a recording anew that has failed or was cancelled, or for which no worker of
// its version is there: at the stage where it was, for workers of the version given. With
// another version than before it begins anew, also if it is done, and what reviewers have
// taken out is hidden again: see below.
func (a *Archive) Retry(ctx context.Context, id, version string, by evidence.Change) (queue.Recording, error) {
	var was queue.Recording // with parts that are of no use any more
	r, err := a.Queue.Update(ctx, id, func(r *queue.Recording) error {
		was = queue.Recording{}
		switch {
		case r.Original == "":
			return fmt.Errorf("%s: %w", r.Name, ErrOver)
		case r.Status == queue.Done && r.Version == version:
			return fmt.Errorf("%s is done: render it again on the page", r.Name)
		case r.WaitsForParts() && r.Version == version:
			return fmt.Errorf("the parts of %s are being worked on", r.Name)
		case r.Status == queue.Running && r.Version == version:
			return fmt.Errorf("%s is being worked on by %s", r.Name, r.Worker)
		}
		if r.Version != version {
			was = *r
			left, err := unfinished(r)
			if err != nil {
				return err
			}
			drop(r, append(left, EvidenceName(r))...)
			dropOutput(r)
			// Evidence is of one version: in another's, a track's number may be that of
			// somebody else, whom nobody has taken out.
			r.Version, r.Evidence, r.Stage = version, "", queue.Inspect
			r.Output, r.Accepted, r.Parts = nil, nil, nil
			if ids := edited(r.Changes); len(ids) > 0 {
				r.Changes = append(r.Changes, evidence.Change{Restore: ids, By: "archive", At: time.Now().UTC().Truncate(time.Second),
					Why: "tracks are found anew by " + version})
			}
		}
		if r.Stage == queue.Look {
			r.Stage, r.Parts = queue.Inspect, nil // it is cut again; what was found in parts is there
		}
		act(r, "tried again", by)
		r.File(r.Stage)
		return nil
	})
	if err == nil {
		err = a.RemoveParts(ctx, &was)
	}
	return r, err
}

// RemoveParts removes what was found in the parts of a recording, and their entries in the
// queue.
func (a *Archive) RemoveParts(ctx context.Context, r *queue.Recording) error {
	if r.Parts == nil {
		return nil
	}
	err := a.Queue.RemoveParts(ctx, r)
	for n := range r.Parts.Total {
		err = errors.Join(err, a.Files.Remove(ctx, PartName(r, n)))
	}
	return err
}

// edited returns the tracks that are not hidden as they were found.
func edited(changes []evidence.Change) []uint64 {
	now := evidence.Apply(changes)
	ids := slices.Clone(now.Strike)
	for _, t := range now.Times {
		ids = append(ids, t.Track)
	}
	return ids
}

// Change adds a reviewer's changes to a recording as it was read: queue.ErrConflict if
// somebody else has changed it since. With render, it is rendered again.
func (a *Archive) Change(ctx context.Context, id string, revision uint64, render bool, changes ...evidence.Change) (queue.Recording, error) {
	for i := range changes {
		if err := changes[i].Check(); err != nil {
			return queue.Recording{}, err
		}
	}
	r, err := a.Queue.Get(ctx, id)
	switch {
	case err != nil:
		return r, err
	case r.Revision != revision:
		return r, queue.ErrConflict
	case r.Evidence == "":
		return r, fmt.Errorf("%s: its tracks: %w; its first pass comes before", r.Name, ErrNotYet)
	case r.Original == "":
		return r, fmt.Errorf("%s: %w", r.Name, ErrOver)
	}
	if len(changes) > 0 {
		left, err := unfinished(&r)
		if err != nil {
			return r, err
		}
		drop(&r, left...)
		r.Changes = append(r.Changes, changes...)
		r.Accepted = nil // what was accepted was something else
	} else if !render {
		return r, fmt.Errorf("%s: the request changes nothing: name a change, or ask for it to be rendered", r.Name)
	}
	if render {
		r.File(queue.Render)
	}
	return a.Queue.Save(ctx, r)
}

// Accept enters that a person has accepted the output as it is. The original is removed if
// that was asked for when it was added.
func (a *Archive) Accept(ctx context.Context, id string, revision uint64, by evidence.Change) (queue.Recording, error) {
	r, err := a.Queue.Get(ctx, id)
	switch {
	case err != nil:
		return r, err
	case r.Revision != revision:
		return r, queue.ErrConflict
	case r.Output == nil || r.Status != queue.Done:
		return r, fmt.Errorf("%s: its output: %w", r.Name, ErrNotYet)
	case r.Output.Changes != len(r.Changes):
		return r, fmt.Errorf("%s has changes that are not rendered yet: render it again, and look at it", r.Name)
	}
	if r.Accepted = &by; !slices.Contains(r.Kept, r.Output.ID) {
		r.Kept = append(r.Kept, r.Output.ID)
	}
	act(&r, "accepted", by)
	original := r.Original
	if r.RemoveOriginal {
		r.Original = ""
	}
	if r, err = a.Queue.Save(ctx, r); err != nil || r.Original != "" || original == "" {
		return r, err
	}
	return r, a.Files.Remove(ctx, original)
}

// Tidy removes originals that were to be removed when their outputs were accepted, and were
// not because the program ended or the store was away; and of recordings on which nobody
// works what was found in parts, and what nothing needs any more.
func (a *Archive) Tidy(ctx context.Context) error {
	list, err := a.Queue.List(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		if r := &list[i]; r.RemoveOriginal && r.Original == "" {
			err = errors.Join(err, a.Files.Remove(ctx, originalName(r.ID)))
		}
		if r := &list[i]; r.Status.Final() {
			err = errors.Join(err, a.RemoveParts(ctx, r), a.tidyStale(ctx, r))
		}
	}
	return err
}

// Unserved says why nobody takes a recording that waits, "" if somebody does.
func Unserved(r *queue.Recording, workers []queue.Worker) string {
	if r.Status != queue.Waiting && !r.WaitsForParts() {
		return ""
	}
	why := "no worker is there"
	for _, w := range workers {
		switch {
		case w.Version != r.Version:
			if why == "no worker is there" {
				why = "no worker of its version, " + r.Version + ", is there: start one, or retry the recording with this version"
			}
		case r.Stage != queue.Render && r.Networks != queue.NoNetworks && !slices.Contains(w.Networks, r.Networks):
			why = "no worker has its networks, " + r.Networks + ": start one with -networks " + r.Networks
		default:
			return ""
		}
	}
	return why
}
