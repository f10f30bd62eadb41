package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/user"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

// list is the role ls.
func list(ctx context.Context, f *flags, stdout, _ io.Writer) error {
	a, err := open(ctx, f)
	if err != nil {
		return err
	}
	defer a.Close()
	all, err := a.Queue.List(ctx)
	if err != nil {
		return err
	}
	working, err := a.Queue.Workers(ctx)
	if err != nil {
		return err
	}
	at := map[string]queue.Worker{}
	for _, w := range working {
		at[w.Recording] = w
	}
	slices.SortFunc(all, func(a, b queue.Recording) int { return a.Changed.Compare(b.Changed) })
	tw := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	put := func(format string, args ...any) { _, _ = fmt.Fprintf(tw, format+"\n", args...) } // Flush reports the error
	put("ID\tname\tstage\tstatus\tnote")
	for i := range all {
		r := &all[i]
		note := r.Error
		if w, ok := at[r.ID]; ok && r.Status == queue.Running {
			note = fmt.Sprintf("%d of %d pictures, %v left, on %s", w.Done, w.Total, w.Left, w.Host)
		}
		if r.WaitsForParts() {
			note = fmt.Sprintf("parts: %d of %d have ended", r.Parts.Ended, r.Parts.Total)
		}
		if why := archive.Unserved(r, working); why != "" {
			note = why
		}
		put("%s\t%s\t%s\t%s\t%s", r.ID, printable(r.Name), r.Stage, r.Status, printable(note))
	}
	put("\nworker\thost\tnetworks\twork\tfinished")
	for _, w := range working {
		put("%s\t%s\t%s\t%s\t%d", w.ID, w.Host, strings.Join(w.Networks, " "), w.Recording, w.Finished)
	}
	return tw.Flush()
}

// printable makes a text fit for a terminal.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			return '?'
		}
		return c
	}, s)
}

// each opens the archive and calls do with each recording that is named. IDs may be cut
// short where only one begins so.
func each(ctx context.Context, f *flags, do func(a *archive.Archive, r queue.Recording) error) error {
	a, err := open(ctx, f)
	if err != nil {
		return err
	}
	defer a.Close()
	all, err := a.Queue.List(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range f.args {
		if len(id) == 0 {
			return usage("an empty ID: `archive ls` lists them")
		}
		var found []queue.Recording
		for _, r := range all {
			if strings.HasPrefix(r.ID, id) || id == string(queue.Failed) && r.Status == queue.Failed {
				found = append(found, r)
			}
		}
		switch {
		case len(found) == 0 && id == string(queue.Failed):
			continue
		case len(found) == 0:
			return usage("%w: %s; `archive ls` lists them", queue.ErrUnknown, id)
		case len(found) > 1 && id != string(queue.Failed):
			return usage("%d recordings begin with %s: write more of the ID", len(found), id)
		}
		for _, r := range found {
			errs = append(errs, do(a.Archive, r))
		}
	}
	return errors.Join(errs...)
}

// show is the role show.
func show(ctx context.Context, f *flags, stdout, _ io.Writer) error {
	return each(ctx, f, func(_ *archive.Archive, r queue.Recording) error {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			queue.Recording
			Changed time.Time `json:"changed"`
		}{r, r.Changed})
	})
}

// get is the role get.
func get(ctx context.Context, f *flags, stdout, _ io.Writer) error {
	return each(ctx, f, func(a *archive.Archive, r queue.Recording) error {
		folder, zipped, err := a.Handover(ctx, &r, f.out, f.with...)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout, "%s\n%s\n", folder, zipped)
		return err
	})
}

// byUser says who gives a command here.
func byUser() evidence.Change {
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return evidence.Change{By: name + " (command line)", At: time.Now().UTC().Truncate(time.Second)}
}

// cancel is the role cancel.
func cancel(ctx context.Context, f *flags, stdout, _ io.Writer) error {
	return each(ctx, f, func(a *archive.Archive, r queue.Recording) error {
		if _, err := a.Cancel(ctx, r.ID, byUser()); err != nil {
			return err
		}
		_, err := fmt.Fprintf(stdout, "%s  cancelled\n", r.ID)
		return err
	})
}

// retry is the role retry.
func retry(ctx context.Context, f *flags, stdout, _ io.Writer) error {
	return each(ctx, f, func(a *archive.Archive, r queue.Recording) error {
		if _, err := a.Retry(ctx, r.ID, version(), byUser()); err != nil {
			return err
		}
		_, err := fmt.Fprintf(stdout, "%s  waiting\n", r.ID)
		return err
	})
}
