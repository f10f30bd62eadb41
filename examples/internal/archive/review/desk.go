// Package review is an archive's page: the queue, the workers, and each recording with its
// redacted preview and its tracks, for people who have the last word.
package review

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
)

// Desk follows an archive's recordings, for the page and for metrics. Its methods may be
// called by any goroutine.
type Desk struct {
	a       *archive.Archive
	version string

	mu       sync.Mutex
	recs     map[string]*queue.Recording
	counts   map[kind]int
	finished []time.Time // when outputs came, of late, by this machine's clock
	failed   int         // since the desk began
	listed   bool        // all that there were are in
}

// kind is what recordings are counted by.
type kind struct {
	stage  queue.Stage
	status queue.Status
}

// lately is the time over which the rate is taken.
const lately = 10 * time.Minute

// NewDesk returns a desk. version is that of the program, for recordings that are retried.
func NewDesk(a *archive.Archive, version string) *Desk {
	return &Desk{a: a, version: version, recs: map[string]*queue.Recording{}, counts: map[kind]int{}}
}

// Run follows the recordings until ctx ends. While the server is away it waits.
func (d *Desk) Run(ctx context.Context) {
	for ctx.Err() == nil {
		_ = d.a.Queue.Watch(ctx, d.see) // begun anew below
		t := time.NewTimer(time.Second)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

// see takes in a recording; nil says that all that there were are in.
func (d *Desk) see(r *queue.Recording) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r == nil {
		d.listed = true
		return
	}
	k := kind{r.Stage, r.Status}
	was := d.recs[r.ID]
	if was != nil {
		d.counts[kind{was.Stage, was.Status}]--
	}
	if changed := d.listed && (was == nil || was.Status != r.Status); changed {
		switch r.Status {
		case queue.Done:
			d.finished = append(d.finished, time.Now())
		case queue.Failed:
			d.failed++
		}
	}
	d.counts[k]++
	d.recs[r.ID] = r
}

// Overview is what the page shows of all recordings.
type Overview struct {
	Counts  map[queue.Status]int `json:"counts"`
	Workers []queue.Worker       `json:"workers"`
	// PerHour is how many outputs come in an hour, by the last minutes, and Left the
	// seconds until all that waits is done, 0 if that is not known.
	PerHour float64 `json:"per_hour"`
	Left    float64 `json:"left"`
}

// Overview returns how the archive is.
func (d *Desk) Overview(ctx context.Context) (Overview, error) {
	workers, err := d.a.Queue.Workers(ctx)
	slices.SortFunc(workers, func(a, b queue.Worker) int { return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.ID, b.ID)) })
	d.mu.Lock()
	defer d.mu.Unlock()
	o := Overview{Counts: map[queue.Status]int{}, Workers: workers}
	for k, n := range d.counts {
		o.Counts[k.status] += n
	}
	now := time.Now()
	d.finished = slices.DeleteFunc(d.finished, func(t time.Time) bool { return now.Sub(t) > lately })
	if n := len(d.finished); n > 1 {
		if span := now.Sub(d.finished[0]); span > 0 {
			o.PerHour = float64(n) / span.Hours()
			o.Left = float64(o.Counts[queue.Waiting]+o.Counts[queue.Running]) / o.PerHour * 3600
		}
	}
	return o, err
}

// Entry is one line of the list.
type Entry struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"`
	Stage    queue.Stage  `json:"stage"`
	Status   queue.Status `json:"status"`
	Error    string       `json:"error,omitempty"`
	Priority int          `json:"priority"`
	Changes  int          `json:"changes"`
	Accepted bool         `json:"accepted"`
	Changed  time.Time    `json:"changed"`
	// Parts are those that it was cut into, nil if it was not.
	Parts *queue.Parts `json:"parts,omitempty"`
}

// List returns recordings, the newest change first: those of a status, or all if it is
// "", from the nth on, at most so many. It also returns how many there are.
func (d *Desk) List(status queue.Status, from, most int) (list []Entry, total int) {
	d.mu.Lock()
	all := make([]*queue.Recording, 0, len(d.recs))
	for _, r := range d.recs {
		if status == "" || r.Status == status {
			all = append(all, r)
		}
	}
	d.mu.Unlock()
	slices.SortFunc(all, func(a, b *queue.Recording) int { return cmp.Compare(b.Revision, a.Revision) })
	list = []Entry{}
	for i := max(from, 0); i < min(len(all), from+most); i++ {
		r := all[i]
		list = append(list, Entry{r.ID, r.Name, r.Stage, r.Status, r.Error, r.Priority, len(r.Changes), r.Accepted != nil, r.Changed, r.Parts})
	}
	return list, len(all)
}

// status returns the HTTP status of an error.
func status(err error) int {
	switch {
	case errors.Is(err, queue.ErrUnknown):
		return 404
	case errors.Is(err, queue.ErrConflict):
		return 409
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return 503
	}
	return 422
}
