package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// message is a job in the stream.
type message struct {
	ID     string `json:"id"`
	Ticket int    `json:"ticket"`
}

// NoNetworks is Recording.Networks where nothing needs to be looked for.
const NoNetworks = "none"

// subject is that of a job. Workers take those of their version, and first passes only of
// the networks that they have.
func subject(version string, s Stage, networks string, priority int) string {
	sum := sha256.Sum256([]byte(version))
	if s == Render {
		networks = NoNetworks
	}
	return strings.Join([]string{subjects, hex.EncodeToString(sum[:4]), string(s), networks, fmt.Sprint(priority)}, ".")
}

// publish files the job of a recording. One that is there already is not filed again.
func (q *Queue) publish(ctx context.Context, r *Recording) error {
	data, err := json.Marshal(message{r.ID, r.Ticket})
	if err != nil {
		return err
	}
	_, err = q.js.Publish(ctx, subject(r.Version, r.Stage, r.Networks, r.Priority), data,
		jetstream.WithMsgID(fmt.Sprintf("%s/%d", r.ID, r.Ticket)))
	if err != nil {
		return fmt.Errorf("file the job of %s: %w", r.Name, Explain(ctx, q.nc, err))
	}
	return q.nc.Publish(wakeSubject, nil)
}

// Repair files jobs that should wait and are not in the stream, as after a crash between
// two steps. It returns how many.
func (q *Queue) Repair(ctx context.Context) (n int, err error) {
	list, err := q.List(ctx)
	if err != nil {
		return 0, err
	}
	for i := range list {
		r := &list[i]
		repaired, err := false, error(nil)
		switch {
		case r.Status.Final():
		case r.WaitsForParts():
			repaired, err = q.repairParts(ctx, r)
		default:
			repaired, err = q.repair(ctx, r)
		}
		if err != nil {
			return n, err
		}
		if repaired {
			n++
		}
	}
	return n, nil
}

// repair files the job of a recording, or of a part, that waits or is worked on. It reports
// whether that was lost.
func (q *Queue) repair(ctx context.Context, r *Recording) (lost bool, err error) {
	if r.Taken == 0 {
		// If its message is there all the same, one of the two is taken.
		return false, q.publish(ctx, r)
	}
	_, err = q.jobs.GetMsg(ctx, r.Taken)
	if err == nil || !errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, err
	}
	_, err = q.Update(ctx, r.ID, func(now *Recording) error {
		if now.Revision != r.Revision {
			return errStale
		}
		attempts, why := now.Attempts, now.Error
		now.File(now.Stage)
		now.Attempts, now.Error = attempts, why
		return nil
	})
	if errors.Is(err, errStale) {
		err = nil
	}
	return true, err
}

// Offer is what a worker takes.
type Offer struct {
	// Worker is its name.
	Worker string
	// Version is that of its program. It takes no work of another.
	Version string
	// Networks are the sets that it can look with, as Recording.Networks names them.
	// Without any it takes second passes, and recordings in which nothing is looked for.
	Networks []string
}

// Puller pulls jobs for a worker. One goroutine at a time uses it.
type Puller struct {
	q     *Queue
	offer Offer
	cons  []jetstream.Consumer
	wake  chan struct{}
	sub   *nats.Subscription
}

// Pull begins to pull. The caller closes the Puller.
func (q *Queue) Pull(ctx context.Context, o Offer) (*Puller, error) {
	p := &Puller{q: q, offer: o, wake: make(chan struct{}, 1)}
	for priority := Priorities - 1; priority >= 0; priority-- {
		list := []string{subject(o.Version, Render, NoNetworks, priority), subject(o.Version, Inspect, NoNetworks, priority)}
		for _, s := range []Stage{Look, Inspect} {
			for _, n := range o.Networks {
				if n != NoNetworks {
					list = append(list, subject(o.Version, s, n, priority))
				}
			}
		}
		for _, s := range list {
			c, err := q.jobs.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
				Durable:       strings.ReplaceAll(strings.TrimPrefix(s, subjects+"."), ".", "-"),
				FilterSubject: s, AckPolicy: jetstream.AckExplicitPolicy, AckWait: q.cfg.AckWait,
				// Attempts are counted in the bucket: a worker that ends in good order has
				// not failed.
				MaxDeliver: -1, MaxAckPending: -1})
			if err != nil {
				return nil, fmt.Errorf("pull %s: %w", s, err)
			}
			p.cons = append(p.cons, c)
		}
	}
	var err error
	p.sub, err = q.nc.Subscribe(wakeSubject, func(*nats.Msg) {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	})
	return p, err
}

// Close ends pulling.
func (p *Puller) Close() error { return p.sub.Unsubscribe() }

// Next waits for a job. The caller ends it with one of its methods. The error is
// ctx.Err(): what else fails is tried again.
func (p *Puller) Next(ctx context.Context) (*Job, error) {
	for {
		for _, c := range p.cons {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if j := p.one(ctx, c); j != nil {
				return j, nil
			}
		}
		t := time.NewTimer(p.q.cfg.Poll)
		select {
		case <-ctx.Done():
		case <-p.wake:
		case <-t.C:
		}
		t.Stop()
	}
}

// one takes a job from one consumer, nil if there is none.
func (p *Puller) one(ctx context.Context, c jetstream.Consumer) *Job {
	for {
		batch, err := c.FetchNoWait(1)
		if err != nil {
			return nil // not connected now
		}
		var msg jetstream.Msg
		for m := range batch.Messages() {
			msg = m
		}
		if msg == nil {
			return nil
		}
		j, err := p.q.take(ctx, msg, p.offer.Worker)
		switch {
		case err == nil:
			return j
		case errors.Is(err, errStale), errors.Is(err, ErrUnknown):
			_ = msg.Ack() // else it comes again, and is stale again
		default:
			_ = msg.NakWithDelay(time.Second) // likewise
			return nil
		}
	}
}

// Job is one stage of one recording, taken by one worker.
type Job struct {
	// Recording is as it was when it was taken.
	Recording Recording
	q         *Queue
	msg       jetstream.Msg
}

// take enters that a worker has taken the job of a message.
func (q *Queue) take(ctx context.Context, msg jetstream.Msg, worker string) (*Job, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return nil, err
	}
	var m message
	if err := json.Unmarshal(msg.Data(), &m); err != nil {
		return nil, errStale
	}
	r, err := q.Update(ctx, m.ID, func(r *Recording) error {
		seq := meta.Sequence.Stream
		if r.Ticket != m.Ticket || r.Status.Final() || r.Taken != 0 && r.Taken != seq {
			return errStale
		}
		r.Taken = seq
		if r.Attempts >= q.cfg.Tries {
			// The last worker has not come back to say how it ended.
			r.Status = Failed
			if r.Error == "" {
				r.Error = fmt.Sprintf("the worker was lost %d times while it worked on this recording, last %s", r.Attempts, r.Worker)
			}
			return nil
		}
		r.Status, r.Worker = Running, worker
		r.Attempts++
		return nil
	})
	if err == nil && r.Status == Failed {
		err = errStale
	}
	if errors.Is(err, errStale) {
		// What comes next may not have been filed: the worker was lost in between.
		if err := q.next(ctx, &r); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	return &Job{r, q, msg}, nil
}

// next files what comes after a job that has ended, where it was not.
func (q *Queue) next(ctx context.Context, r *Recording) error {
	switch {
	case r.Status == Waiting && r.Taken == 0:
		return q.publish(ctx, r)
	case r.WaitsForParts():
		return q.cut(ctx, r)
	case r.Parent != "" && r.Status.Final():
		return q.join(ctx, r.Parent)
	}
	return nil
}

// Extend says that the worker is still at it. It must be called more often than
// Config.AckWait.
func (j *Job) Extend() error { return j.msg.InProgress() }

// Every is how often Extend should be called.
func (j *Job) Every() time.Duration { return j.q.cfg.AckWait / 3 }

// Current reports whether the job still counts: nobody has cancelled it, or filed another.
func (j *Job) Current(ctx context.Context) (bool, error) {
	r, err := j.q.Get(ctx, j.Recording.ID)
	if errors.Is(err, ErrUnknown) {
		return false, nil // a part that was removed
	}
	return err == nil && j.counts(&r), err
}

func (j *Job) counts(r *Recording) bool {
	return r.Ticket == j.Recording.Ticket && r.Status == Running
}

// end changes the recording, if the job still counts, and reports whether it did. What
// comes next is filed if it was not: the worker may have been told to stop, or have lost
// the server, after the recording was changed.
func (j *Job) end(ctx context.Context, change func(*Recording)) (r Recording, counts bool, err error) {
	r, err = j.q.Update(ctx, j.Recording.ID, func(r *Recording) error {
		if !j.counts(r) {
			return errStale
		}
		change(r)
		return nil
	})
	switch {
	case errors.Is(err, ErrUnknown):
		return r, false, nil // a part that was removed
	case errors.Is(err, errStale):
		err = j.q.next(ctx, &r)
		return r, false, err
	case err == nil && r.Taken == 0 && r.Status == Waiting:
		return r, true, nil // Save has filed it
	case err == nil:
		err = j.q.next(ctx, &r)
	}
	return r, err == nil, err
}

// Done ends the job with what came of it. If the job counts no more, nothing is changed.
func (j *Job) Done(ctx context.Context, change func(*Recording)) (Recording, error) {
	r, counts, err := j.end(ctx, change)
	if err == nil {
		err = j.ack(&r, counts)
	}
	return r, err
}

// ack takes the message out of the stream, unless it is still needed: another worker to
// which it was given meanwhile has given it back, and it comes again.
func (j *Job) ack(r *Recording, counts bool) error {
	if !counts && !r.Status.Final() && r.Ticket == j.Recording.Ticket && r.Taken == j.Recording.Taken {
		return nil
	}
	return j.msg.Ack()
}

// Fail ends one try. After Config.Tries the recording is on the dead-letter list.
func (j *Job) Fail(ctx context.Context, why error) (Recording, error) {
	r, counts, err := j.end(ctx, func(r *Recording) {
		r.Error, r.Status = why.Error(), Waiting
		if r.Attempts >= j.q.cfg.Tries {
			r.Status = Failed
		}
	})
	if err != nil {
		return r, err
	}
	if counts && r.Status == Waiting {
		return r, j.msg.NakWithDelay(time.Duration(r.Attempts) * j.q.cfg.AckWait / 10)
	}
	err = j.ack(&r, counts)
	return r, err
}

// GiveBack ends a try that does not count: the worker ends, or there is no room. why may
// be nil.
func (j *Job) GiveBack(ctx context.Context, why error, delay time.Duration) error {
	r, counts, err := j.end(ctx, func(r *Recording) {
		r.Status = Waiting
		r.Attempts--
		if why != nil {
			r.Error = why.Error()
		}
	})
	if err != nil {
		return err
	}
	if !counts {
		return j.ack(&r, counts)
	}
	return j.msg.NakWithDelay(delay)
}
