// Package queue keeps an archive's state and its queue of jobs in NATS JetStream: a
// stream with work-queue retention, from which workers pull, a bucket of recordings that
// is changed by compare-and-set, and a bucket of workers that forgets who is silent.
//
// A recording's entry in the bucket decides; a message only wakes somebody. A message
// that was lost is published again by Repair, and one that is there twice is taken once.
// No decision compares the clocks of two machines.
//
// A long recording may be cut: its parts are jobs of their own, with entries in a bucket of
// their own. The recording then waits, not as a message, until the last of them has ended,
// well or not.
package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Names in JetStream.
const (
	streamName  = "ARCHIVE_JOBS"
	subjects    = "archive.job"
	wakeSubject = "archive.wake"
	// healthSubject is where an embedded server says why it takes nothing more, "" if it does.
	healthSubject = "archive.health"
	recordings    = "archive_recordings"
	partsBucket   = "archive_parts"
	workers       = "archive_workers"
	// silent is how long a worker may be before it is forgotten.
	silent = 45 * time.Second
	// patience is how long one request to the server may take.
	patience = 8 * time.Second
	// lookPatience is how long one question may take, and lookTries how often it is asked:
	// one that was on its way when a server ended is never answered.
	lookPatience, lookTries = 2 * time.Second, 4
)

// Errors of this package.
var (
	// ErrConflict: somebody else has changed the recording since it was read.
	ErrConflict = errors.New("somebody else has changed this recording meanwhile: load it again")
	// ErrUnknown: there is no such recording.
	ErrUnknown = errors.New("no such recording")
	// ErrExists: the recording is there already.
	ErrExists = errors.New("it is in the archive already")
	// ErrAway: the queue's server was away for a while.
	ErrAway = errors.New("the queue's server was away: ask again")
	// ErrFull: there is no room. It can be tried again when there is.
	ErrFull = errors.New("the store is full: make room, or give it more")
	// errStale is a job that counts no more.
	errStale = errors.New("another job has taken its place")
)

// Config says how jobs are given out.
type Config struct {
	// AckWait is how long a worker may be silent before its job is given to another. It
	// defaults to 30 s.
	AckWait time.Duration
	// Tries is how often a job is tried. It defaults to 3.
	Tries int
	// Poll is how long a worker that has nothing to do waits at most before it asks
	// again. It defaults to 5 s.
	Poll time.Duration
}

// Queue is an archive's state and its queue. Its methods may be called by any goroutine.
type Queue struct {
	cfg   Config
	nc    *nats.Conn
	js    jetstream.JetStream
	jobs  jetstream.Stream
	recs  jetstream.KeyValue
	parts jetstream.KeyValue
	live  jetstream.KeyValue
}

// Open opens the queue, and makes it if there is none. The caller closes nc afterwards.
func Open(ctx context.Context, nc *nats.Conn, c Config) (*Queue, error) {
	if c.AckWait <= 0 {
		c.AckWait = 30 * time.Second
	}
	if c.Tries <= 0 {
		c.Tries = 3
	}
	if c.Poll <= 0 {
		c.Poll = 5 * time.Second
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(patience))
	if err != nil {
		return nil, err
	}
	q := &Queue{cfg: c, nc: nc, js: js}
	if err := q.open(ctx); err != nil {
		return nil, fmt.Errorf("the server's JetStream: %w", err)
	}
	return q, nil
}

// open opens the stream and the buckets. What is there is left as it is: a server without
// room refuses to change it, and can still be asked. (And nats-server 2.15 has a race between
// a change of a stream and a new consumer.)
func (q *Queue) open(ctx context.Context) (err error) {
	q.jobs, err = q.js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		q.jobs, err = q.js.CreateStream(ctx, jetstream.StreamConfig{Name: streamName, Subjects: []string{subjects + ".>"},
			Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage})
	}
	if err != nil {
		return err
	}
	bucket := func(c jetstream.KeyValueConfig) (kv jetstream.KeyValue, err error) {
		if kv, err = q.js.KeyValue(ctx, c.Bucket); errors.Is(err, jetstream.ErrBucketNotFound) {
			kv, err = q.js.CreateKeyValue(ctx, c)
		}
		return kv, err
	}
	if q.recs, err = bucket(jetstream.KeyValueConfig{Bucket: recordings, Storage: jetstream.FileStorage}); err != nil {
		return err
	}
	if q.parts, err = bucket(jetstream.KeyValueConfig{Bucket: partsBucket, Storage: jetstream.FileStorage}); err != nil {
		return err
	}
	q.live, err = bucket(jetstream.KeyValueConfig{Bucket: workers, Storage: jetstream.MemoryStorage, TTL: silent})
	return err
}

// JetStream returns the connection's JetStream, for stores beside the queue.
func (q *Queue) JetStream() jetstream.JetStream { return q.js }

// NoRoom reports whether err is that of a JetStream that has no room left, on its disk or
// of what it may have.
func NoRoom(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == jsNoResources || api.ErrorCode == jsNoStorage || api.ErrorCode == jsStoreFailed)
}

// Error codes of JetStream that the client has no names for.
const (
	jsNoResources = 10023 // insufficient resources
	jsNoStorage   = 10047 // insufficient storage resources available
	jsStoreFailed = 10077 // the stream's store failed, as when it has its maximum of bytes
)

// conflict reports whether err is that of a compare-and-set.
func conflict(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

func decode(e jetstream.KeyValueEntry) (r Recording, err error) {
	if err := json.Unmarshal(e.Value(), &r); err != nil {
		return r, fmt.Errorf("recording %s: %w", e.Key(), err)
	}
	r.Revision, r.Changed = e.Revision(), e.Created()
	return r, nil
}

// Get returns a recording.
func (q *Queue) Get(ctx context.Context, id string) (Recording, error) {
	e, err := q.entry(ctx, id)
	if errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, jetstream.ErrInvalidKey) {
		return Recording{}, fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	if err != nil {
		return Recording{}, err
	}
	return decode(e)
}

// entry asks for a recording's entry.
func (q *Queue) entry(ctx context.Context, id string) (e jetstream.KeyValueEntry, err error) {
	for range lookTries {
		short, cancel := context.WithTimeout(ctx, lookPatience)
		e, err = q.bucket(id).Get(short, id)
		cancel()
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout) {
			break
		}
	}
	return e, err
}

// Create enters a recording, which waits for its first pass. ErrExists comes with the one
// that is there.
func (q *Queue) Create(ctx context.Context, r Recording) (Recording, error) {
	r.Stage = Inspect
	return q.create(ctx, r)
}

func (q *Queue) create(ctx context.Context, r Recording) (Recording, error) {
	r.Status, r.Ticket = Waiting, 1
	data, err := json.Marshal(r)
	if err != nil {
		return r, err
	}
	rev, err := q.bucket(r.ID).Create(ctx, r.ID, data)
	if errors.Is(err, jetstream.ErrKeyExists) {
		is, err := q.Get(ctx, r.ID)
		if err != nil {
			return is, err
		}
		if is.Status == Waiting && is.Taken == 0 { // the server may have been lost before it was filed
			if err := q.publish(ctx, &is); err != nil {
				return is, err
			}
		}
		return is, fmt.Errorf("%s: %w, as %s (%s)", r.Name, ErrExists, is.ID, is.Name)
	}
	if err != nil {
		return r, Explain(ctx, q.nc, err)
	}
	r.Revision = rev
	err = q.publish(ctx, &r)
	return r, err
}

// Save changes a recording as it was read: ErrConflict if it is not that any more. If a
// new job is due, it is filed.
func (q *Queue) Save(ctx context.Context, r Recording) (Recording, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return r, err
	}
	rev, err := q.bucket(r.ID).Update(ctx, r.ID, data, r.Revision)
	if conflict(err) {
		return r, ErrConflict
	}
	if err != nil {
		return r, Explain(ctx, q.nc, err)
	}
	r.Revision = rev
	if r.Status == Waiting && r.Taken == 0 {
		err = q.publish(ctx, &r)
	}
	return r, err
}

// Update changes a recording, and does so again if somebody else was faster. An error of
// change is returned, and nothing changed.
func (q *Queue) Update(ctx context.Context, id string, change func(*Recording) error) (Recording, error) {
	for {
		r, err := q.Get(ctx, id)
		if err == nil {
			err = change(&r)
		}
		if err != nil {
			return r, err
		}
		if r, err = q.Save(ctx, r); !errors.Is(err, ErrConflict) {
			return r, err
		}
	}
}

// File makes a recording wait for a stage: a new job takes the place of the one before.
// Save then files it.
func (r *Recording) File(s Stage) {
	r.Stage, r.Status, r.Attempts, r.Error, r.Taken = s, Waiting, 0, "", 0
	r.Ticket++
}

// Watch calls do with each recording that there is, then with nil, and then with each
// that changes, until ctx ends. It returns ctx.Err(), or why it cannot watch: ErrAway when
// the connection was lost, after which a server may not know any more who watches.
func (q *Queue) Watch(ctx context.Context, do func(*Recording)) error {
	lost := q.nc.Stats().Reconnects
	t := time.NewTicker(time.Second)
	defer t.Stop()
	w, err := q.recs.WatchAll(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = w.Stop() }() // the connection may be gone
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			if q.nc.Stats().Reconnects != lost {
				return ErrAway
			}
		case e, ok := <-w.Updates():
			switch {
			case !ok:
				return errors.New("the watch of the recordings has ended")
			case e == nil:
				do(nil)
			case e.Operation() == jetstream.KeyValuePut:
				if r, err := decode(e); err == nil {
					do(&r)
				}
			}
		}
	}
}

// errListed ends a watch.
var errListed = errors.New("all are listed")

// List returns all recordings.
func (q *Queue) List(ctx context.Context) (list []Recording, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err = q.Watch(ctx, func(r *Recording) {
		if r == nil {
			cancel(errListed)
		} else if context.Cause(ctx) == nil {
			list = append(list, *r)
		}
	})
	if errors.Is(context.Cause(ctx), errListed) {
		err = nil
	}
	return list, err
}

// Tell publishes what a worker tells of itself.
func (q *Queue) Tell(ctx context.Context, w Worker) error {
	data, err := json.Marshal(w)
	if err != nil {
		return err
	}
	_, err = q.live.Put(ctx, w.ID, data)
	return err
}

// Forget takes a worker that ends from the list.
func (q *Queue) Forget(ctx context.Context, id string) error { return q.live.Purge(ctx, id) }

// Workers returns those that are not silent.
func (q *Queue) Workers(ctx context.Context) (list []Worker, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	keys, err := q.live.ListKeys(ctx)
	if err != nil {
		return nil, err
	}
	for k := range keys.Keys() {
		e, err := q.live.Get(ctx, k)
		if err != nil {
			continue // gone meanwhile
		}
		var w Worker
		if err := json.Unmarshal(e.Value(), &w); err == nil {
			list = append(list, w)
		}
	}
	return list, ctx.Err()
}
