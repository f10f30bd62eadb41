package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Parts says how a recording was cut.
type Parts struct {
	// Total is how many parts there are, and Ended how many are done or given up: what
	// the networks would have found in one that was given up is found later.
	Total int `json:"total"`
	Ended int `json:"ended"`
	// Length is that of each part but the last.
	Length time.Duration `json:"length"`
	// Machine is the kind of machine on which parts are of use: see Worker.Machine.
	Machine string `json:"machine"`
	// Ticket is that of the job that was cut. It is in the names of the parts.
	Ticket int `json:"ticket"`
}

// WaitsForParts reports whether the recording was cut, and not all parts have ended.
func (r *Recording) WaitsForParts() bool {
	return r.Parts != nil && r.Parent == "" && r.Stage == Look && r.Status == Running
}

// Has reports whether part is one that the recording waits for.
func (r *Recording) Has(part *Recording) bool {
	return r.WaitsForParts() && part.Parent == r.ID && part.Parts != nil && part.Parts.Ticket == r.Parts.Ticket
}

// partID names a part. No recording has a dot in its ID.
func (r *Recording) partID(n int) string { return fmt.Sprintf("%s.%d.%d", r.ID, r.Parts.Ticket, n) }

// bucket returns where the recording, or the part, of that ID has its entry.
func (q *Queue) bucket(id string) jetstream.KeyValue {
	if strings.Contains(id, ".") {
		return q.parts
	}
	return q.recs
}

// Cut ends the job: the recording waits for so many parts of that length, which are jobs of
// their own. When the last of them has ended, its first pass is filed.
func (j *Job) Cut(ctx context.Context, parts int, length time.Duration, machine string) error {
	_, _, err := j.end(ctx, func(r *Recording) {
		r.Parts = &Parts{Total: parts, Length: length, Machine: machine, Ticket: r.Ticket}
		r.Stage, r.Attempts, r.Error, r.Taken, r.Worker = Look, 0, "", 0, ""
		r.Ticket++
	})
	if err != nil {
		return err
	}
	return j.msg.Ack()
}

// cut files those parts of a recording that are not there.
func (q *Queue) cut(ctx context.Context, r *Recording) error {
	for n := range r.Parts.Total {
		p := Recording{ID: r.partID(n), Name: r.Name, Bytes: r.Bytes, SHA256: r.SHA256, Policy: r.Policy, PolicySHA256: r.PolicySHA256,
			Networks: r.Networks, Version: r.Version, Priority: r.Priority, Seconds: r.Seconds, Original: r.Original,
			Stage: Look, Parts: r.Parts, Parent: r.ID, Part: n}
		// Of one that is there, the job is filed if it was not.
		if _, err := q.create(ctx, p); err != nil && !errors.Is(err, ErrExists) {
			return err
		}
	}
	return q.join(ctx, r.ID)
}

// join notes how many parts of a recording have ended, and files its first pass after the
// last one.
func (q *Queue) join(ctx context.Context, id string) error {
	r, err := q.Get(ctx, id)
	switch {
	case errors.Is(err, ErrUnknown):
		return nil
	case err != nil:
		return err
	case !r.WaitsForParts():
		if r.Parts != nil && r.Status == Waiting && r.Taken == 0 {
			return q.publish(ctx, &r) // the worker was lost before it was filed
		}
		return nil
	}
	ended := 0
	for n := range r.Parts.Total {
		p, err := q.Get(ctx, r.partID(n))
		if err != nil && !errors.Is(err, ErrUnknown) {
			return err
		}
		if err == nil && p.Status.Final() {
			ended++
		}
	}
	_, err = q.Update(ctx, id, func(now *Recording) error {
		if !now.WaitsForParts() || now.Parts.Ticket != r.Parts.Ticket || ended <= now.Parts.Ended {
			return errStale
		}
		now.Parts.Ended = ended
		if ended == now.Parts.Total {
			now.File(Inspect)
		}
		return nil
	})
	if errors.Is(err, errStale) {
		err = nil
	}
	return err
}

// repairParts files jobs of a recording's parts that were lost.
func (q *Queue) repairParts(ctx context.Context, r *Recording) (lost bool, err error) {
	for n := range r.Parts.Total {
		p, err := q.Get(ctx, r.partID(n))
		if errors.Is(err, ErrUnknown) {
			lost = true // cut makes it
			continue
		}
		if err != nil {
			return lost, err
		}
		if p.Status.Final() || p.Taken == 0 {
			continue // cut files it
		}
		was, err := q.repair(ctx, &p)
		if err != nil {
			return lost, err
		}
		lost = lost || was
	}
	return lost, q.cut(ctx, r)
}

// RemoveParts removes the entries of a recording's parts: those that are worked on count no
// more.
func (q *Queue) RemoveParts(ctx context.Context, r *Recording) error {
	if r.Parts == nil || r.Parent != "" {
		return nil
	}
	for n := range r.Parts.Total {
		if err := q.RemovePart(ctx, r.partID(n)); err != nil {
			return err
		}
	}
	return nil
}

// RemovePart removes the entry of a part. One that is not there is no error.
func (q *Queue) RemovePart(ctx context.Context, id string) error { return q.parts.Purge(ctx, id) }
