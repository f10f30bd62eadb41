// Package worker does an archive's jobs: it takes one, holds the original in memory, makes
// the pass, and publishes what came of it, whole or not at all.
package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/store"
	"github.com/hedgecam/hedge/examples/internal/memfile"
	"github.com/hedgecam/hedge/pipeline"
)

// Config is what a worker is made of.
type Config struct {
	// Archive is where it works, and Passes how.
	Archive *archive.Archive
	Passes  Passes
	// Self is what it tells of itself to begin with. Its ID, Version and Networks say
	// what it takes.
	Self queue.Worker
	// Dir is a folder that this worker alone uses, for evidence and redacted pictures. It
	// is emptied when the worker begins and when it ends.
	Dir string
	// Memory is what recordings are held in; all workers of a process share it. A recording
	// waits for others to end. It is required without Scratch, a folder that holds them in
	// its place: see memfile.New.
	Memory  *memfile.Budget
	Scratch string
	// Room is how long a job waits when the store is full. It defaults to a minute.
	Room time.Duration
	// Stall is how long a pass may take for one picture, and a recording to be read from the
	// store; a pass that stands still longer has failed. It defaults to 15 minutes.
	Stall time.Duration
	// Part is the length of the parts of a recording that is cut for several workers. It
	// defaults to pipeline.DefaultPart.
	Part time.Duration
	// Elsewhere is how long a job waits that is better done by another worker, before it is
	// offered again. It defaults to 5 s.
	Elsewhere time.Duration
	// Log is told of what happens. It defaults to nothing.
	Log *slog.Logger
}

// Worker does jobs, one after the other.
type Worker struct {
	c     Config
	mu    sync.Mutex
	now   queue.Worker
	waits bool // for memory, and does not stand still
}

// New returns a worker.
func New(c Config) *Worker {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Room == 0 {
		c.Room = time.Minute
	}
	if c.Stall == 0 {
		c.Stall = 15 * time.Minute
	}
	if c.Part == 0 {
		c.Part = pipeline.DefaultPart
	}
	if c.Elsewhere == 0 {
		c.Elsewhere = 5 * time.Second
	}
	return &Worker{c: c, now: c.Self}
}

// Run works until ctx ends. A job that it is at then is given back, and is no failed try. The
// error is pipeline.ErrStuck when a pass does not return: only a new process helps.
func (w *Worker) Run(ctx context.Context) (err error) {
	if err := w.clean(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(w.c.Dir)) }()
	q := w.c.Archive.Queue
	p, err := q.Pull(ctx, queue.Offer{Worker: w.c.Self.ID, Version: w.c.Self.Version, Networks: w.c.Self.Networks})
	if err != nil {
		if ctx.Err() != nil {
			err = nil // it was told to end before it began
		}
		return err
	}
	defer func() { _ = p.Close() }() // the connection may be gone
	talk, quiet := context.WithCancel(ctx)
	var talking sync.WaitGroup
	talking.Go(func() { w.talk(talk) })
	defer func() {
		quiet()
		talking.Wait()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = q.Forget(last, w.c.Self.ID) // else it is forgotten a little later
	}()
	for {
		j, err := p.Next(ctx)
		if err != nil {
			return nil // ctx has ended, which is how it is told to
		}
		if err := w.do(ctx, j); errors.Is(err, pipeline.ErrStuck) {
			return fmt.Errorf("only a new start of the worker helps: %w", err)
		}
	}
}

// clean empties the worker's folder.
func (w *Worker) clean() error {
	if err := os.RemoveAll(w.c.Dir); err != nil {
		return fmt.Errorf("the worker's folder: %w", err)
	}
	return os.MkdirAll(w.c.Dir, 0o700)
}

// tellEvery is how often a worker tells of itself.
const tellEvery = 2 * time.Second

// talk tells of the worker until ctx ends.
func (w *Worker) talk(ctx context.Context) {
	t := time.NewTicker(tellEvery)
	defer t.Stop()
	for {
		w.mu.Lock()
		now := w.now
		w.mu.Unlock()
		_ = w.c.Archive.Queue.Tell(ctx, now) // the next time, then
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

func (w *Worker) set(change func(*queue.Worker)) {
	w.mu.Lock()
	change(&w.now)
	w.mu.Unlock()
}

// errStalled is the cause of a job's end when it stands still.
var errStalled = errors.New("the pass stands still: no picture has come for too long")

// errGone is the cause of a job's end when it counts no more.
var errGone = errors.New("the job was cancelled, or another has taken its place")

// do does one job and ends it. The error is that of a pass that was not told to end: one that
// was may only take its time.
func (w *Worker) do(ctx context.Context, j *queue.Job) error {
	r := &j.Recording
	w.set(func(s *queue.Worker) {
		s.Recording, s.Stage, s.Done, s.Total, s.Left = cmp.Or(r.Parent, r.ID), r.Stage, 0, 0, 0
	})
	defer w.set(func(s *queue.Worker) { s.Recording, s.Stage, s.Done, s.Total, s.Left = "", "", 0, 0, 0 })
	log := w.c.Log.With("recording", r.ID, "name", r.Name, "stage", r.Stage)
	work, cancel := context.WithCancelCause(ctx)
	var holding sync.WaitGroup
	holding.Go(func() { w.hold(work, j, cancel) })
	if w.passOn(ctx, log, j) {
		cancel(nil)
		holding.Wait()
		return nil
	}
	change, failed := w.stage(work, r)
	err := failed
	if err == nil {
		// Not under work: that ends when the job, being done, counts no more.
		var after queue.Recording
		err = w.persist(ctx, func(ctx context.Context) (err error) {
			after, err = j.Done(ctx, change)
			return err
		})
		if err == nil && after.Status == queue.Done {
			w.removeStale(ctx, &after, nil)
		}
	}
	cause := context.Cause(work)
	if err != nil && errors.Is(cause, errStalled) {
		err = errStalled // the error of the pass says only that it was cancelled
	}
	cancel(nil)
	holding.Wait()
	w.end(ctx, log, j, err, cause)
	if cause != nil && !errors.Is(cause, errStalled) {
		return nil
	}
	return failed
}

// end tells the queue how a job has ended that is not done.
func (w *Worker) end(ctx context.Context, log *slog.Logger, j *queue.Job, err, cause error) {
	switch {
	case err == nil:
		w.set(func(s *queue.Worker) { s.Finished++ })
		log.Info("done")
	case errors.Is(cause, errGone):
		log.Info("not needed any more")
	case ctx.Err() != nil:
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = j.GiveBack(last, nil, 0) // else it is given to another when this worker has been silent for long enough
		log.Info("given back")
	case errors.Is(err, store.ErrFull), errors.Is(err, syscall.ENOSPC):
		log.Warn("no room", "reason", err)
		_ = w.persist(ctx, func(ctx context.Context) error { return j.GiveBack(ctx, err, w.c.Room) }) // likewise
	default:
		w.set(func(s *queue.Worker) { s.Failures++ })
		log.Warn("failed", "attempt", j.Recording.Attempts, "reason", err)
		_ = w.persist(ctx, func(ctx context.Context) error { // likewise
			_, ferr := j.Fail(ctx, err)
			return ferr
		})
	}
}

// hold keeps the job, and cancels the work when it counts no more, or stands still.
func (w *Worker) hold(ctx context.Context, j *queue.Job, cancel context.CancelCauseFunc) {
	t := time.NewTicker(j.Every())
	defer t.Stop()
	last, moved := int64(-1), time.Now()
	for {
		w.mu.Lock()
		now, waits := w.now.Done, w.waits
		w.mu.Unlock()
		if now != last || waits {
			last, moved = now, time.Now()
		} else if time.Since(moved) > w.c.Stall {
			cancel(errStalled)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		_ = j.Extend() // while the server is away it gives nothing to anybody
		if current, err := j.Current(ctx); err == nil && !current {
			cancel(errGone)
			return
		}
	}
}

// persist does something with the server, again and again while it is away.
func (w *Worker) persist(ctx context.Context, f func(context.Context) error) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := f(ctx)
		if err == nil || ctx.Err() != nil || !away(err) {
			return err
		}
		w.c.Log.Warn("the server is away", "reason", err)
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

// away reports whether an error is that of a server that is away for a while.
func away(err error) bool {
	if errors.Is(err, queue.ErrFull) {
		return false // the job waits for room, and does not stand still meanwhile
	}
	if n := (*net.OpError)(nil); errors.As(err, &n) {
		return true // of a bucket's server
	}
	for _, e := range []error{nats.ErrTimeout, nats.ErrNoResponders, nats.ErrDisconnected, nats.ErrConnectionReconnecting, nats.ErrReconnectBufExceeded,
		nats.ErrNoStreamResponse, jetstream.ErrNoStreamResponse, jetstream.ErrJetStreamNotEnabled, jetstream.ErrAsyncPublishTimeout, context.DeadlineExceeded} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
