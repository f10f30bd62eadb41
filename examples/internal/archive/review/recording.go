package review

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/recording"
	"github.com/hedgecam/hedge/examples/internal/webaccess"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

// Detail is what the page shows of one recording.
type Detail struct {
	queue.Recording
	// Revision is what a change must name.
	Revision uint64    `json:"revision"`
	Changed  time.Time `json:"changed"`
	// Pending counts changes that are not rendered yet.
	Pending int `json:"pending"`
	// OutsideAll says that all is hidden that is not on the property.
	OutsideAll bool `json:"outside_all"`
	// Tracks are those of the output, with what was changed since.
	Tracks []Track `json:"tracks"`
	// History are the changes in words.
	History []string `json:"history"`
	// Unserved says why nobody takes it though it waits, "" if somebody does.
	Unserved string `json:"unserved,omitempty"`
	// Warnings are those of the output.
	Warnings []string `json:"warnings,omitempty"`
}

// Track is a line of the table of tracks.
type Track struct {
	recording.Row
	// Edited are the times at which it is hidden instead, if a person has changed them.
	Edited *[2]float64 `json:"edited,omitempty"`
}

// detail collects what is shown of a recording.
func (d *Desk) detail(ctx context.Context, r queue.Recording) (Detail, error) {
	out := Detail{Recording: r, Revision: r.Revision, Changed: r.Changed, Tracks: []Track{}, History: []string{}}
	for _, c := range r.Changes {
		out.History = append(out.History, archive.Sentence(c))
	}
	if r.Status == queue.Waiting {
		workers, err := d.a.Queue.Workers(ctx)
		if err != nil {
			return out, err
		}
		out.Unserved = archive.Unserved(&r, workers)
	}
	if r.Output == nil {
		return out, nil
	}
	out.Pending = max(len(r.Changes)-r.Output.Changes, 0)
	rep, err := d.report(ctx, r.Output)
	if err != nil {
		return out, err
	}
	out.Warnings = rep.Warnings
	edits := evidence.Apply(r.Changes)
	out.OutsideAll = edits.HideOutside
	for _, row := range rep.Tracks {
		t := Track{Row: row}
		t.Struck = false
		for _, id := range edits.Strike {
			t.Struck = t.Struck || id == row.ID
		}
		for _, x := range edits.Times {
			if x.Track == row.ID {
				t.Edited = &[2]float64{x.From.Seconds(), x.To.Seconds()}
			}
		}
		out.Tracks = append(out.Tracks, t)
	}
	return out, nil
}

func (d *Desk) report(ctx context.Context, o *queue.Output) (rep recording.Report, err error) {
	f, err := d.a.Files.Open(ctx, o.Report)
	if err != nil {
		return rep, err
	}
	err = errors.Join(json.NewDecoder(f).Decode(&rep), f.Close())
	return rep, err
}

// answer tells a recording as it is.
func (s *server) answer(w http.ResponseWriter, r *http.Request, rec queue.Recording, err error) {
	var d Detail
	if err == nil {
		d, err = s.d.detail(r.Context(), rec)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	reply(w, http.StatusOK, d)
}

func (s *server) show(w http.ResponseWriter, r *http.Request) {
	rec, err := s.d.a.Queue.Get(r.Context(), r.PathValue("id"))
	s.answer(w, r, rec, err)
}

// request is a change that a person asks for.
type request struct {
	// Revision is that of the recording as the person has seen it.
	Revision uint64 `json:"revision"`
	// By is the person's name, and Why what the change is for.
	By  string `json:"by"`
	Why string `json:"why"`
	// Changes are made in this order.
	Changes []evidence.Change `json:"changes"`
	// Only is a track: it is shown, and all others are hidden as they were found.
	Only uint64 `json:"only"`
	// Render renders the recording again.
	Render bool `json:"render"`
}

// mostName is how long a person's name may be.
const mostName = 100

// signed reads a request and who makes it.
func signed(w http.ResponseWriter, r *http.Request) (q request, by evidence.Change, ok bool) {
	if !body(w, r, &q) {
		return q, by, false
	}
	name := strings.TrimSpace(strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, q.By))
	if name == "" || len(name) > mostName {
		reply(w, http.StatusUnprocessableEntity, fault{fmt.Sprintf("say who makes the change: a name of at most %d bytes", mostName)})
		return q, by, false
	}
	return q, evidence.Change{By: name + " (" + webaccess.ClientOf(r) + ")", At: time.Now().UTC().Truncate(time.Second), Why: q.Why}, true
}

func (s *server) change(w http.ResponseWriter, r *http.Request) {
	q, by, ok := signed(w, r)
	if !ok {
		return
	}
	id := r.PathValue("id")
	if q.Only != 0 {
		rec, err := s.d.a.Queue.Get(r.Context(), id)
		if err != nil {
			refuse(w, err)
			return
		}
		q.Changes = append(q.Changes, only(q.Only, evidence.Apply(append(rec.Changes, q.Changes...)))...)
		if by.Why == "" {
			by.Why = "show only this track"
		}
	}
	for i := range q.Changes {
		c := &q.Changes[i]
		c.By, c.At = by.By, by.At
		if c.Why == "" {
			c.Why = by.Why
		}
	}
	if err := s.known(r.Context(), id, q.Changes); err != nil {
		refuse(w, err)
		return
	}
	rec, err := s.d.a.Change(r.Context(), id, q.Revision, q.Render, q.Changes...)
	s.answer(w, r, rec, err)
}

// only returns the changes after which one track is shown, and all others are hidden as
// they were found.
func only(track uint64, now evidence.Edits) (list []evidence.Change) {
	var restore []uint64
	for _, id := range now.Strike {
		if id != track {
			restore = append(restore, id)
		}
	}
	for _, t := range now.Times {
		restore = append(restore, t.Track)
	}
	if len(restore) > 0 {
		list = append(list, evidence.Change{Restore: restore})
	}
	return append(list, evidence.Change{Strike: []uint64{track}})
}

// known refuses changes of tracks that there are not: a wrong number must not show
// somebody else one day.
func (s *server) known(ctx context.Context, id string, changes []evidence.Change) error {
	rec, err := s.d.a.Queue.Get(ctx, id)
	if err != nil {
		return err
	}
	d, err := s.d.detail(ctx, rec)
	if err != nil {
		return err
	}
	is := map[uint64]bool{}
	for _, t := range d.Tracks {
		is[t.ID] = true
	}
	for _, c := range changes {
		ids := append(append([]uint64{}, c.Strike...), c.Restore...)
		if c.Times != nil {
			ids = append(ids, c.Times.Track)
		}
		for _, t := range ids {
			if !is[t] {
				return fmt.Errorf("%s has no track %d", rec.Name, t)
			}
		}
	}
	return nil
}

func (s *server) accept(w http.ResponseWriter, r *http.Request) {
	q, by, ok := signed(w, r)
	if !ok {
		return
	}
	rec, err := s.d.a.Accept(r.Context(), r.PathValue("id"), q.Revision, by)
	s.answer(w, r, rec, err)
}

func (s *server) cancel(w http.ResponseWriter, r *http.Request) {
	_, by, ok := signed(w, r)
	if !ok {
		return
	}
	rec, err := s.d.a.Cancel(r.Context(), r.PathValue("id"), by)
	s.answer(w, r, rec, err)
}

func (s *server) retry(w http.ResponseWriter, r *http.Request) {
	_, by, ok := signed(w, r)
	if !ok {
		return
	}
	rec, err := s.d.a.Retry(r.Context(), r.PathValue("id"), s.d.version, by)
	s.answer(w, r, rec, err)
}
