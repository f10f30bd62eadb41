package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/archivetest"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/store"
	"github.com/hedgecam/hedge/examples/internal/archive/worker"
	"github.com/hedgecam/hedge/examples/internal/memfile"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction(archivetest.LeftByNATS))
}

// fast gives jobs of silent workers away soon.
var fast = queue.Config{AckWait: 500 * time.Millisecond, Poll: 50 * time.Millisecond}

// start starts a worker, and returns how to end it.
func start(t *testing.T, a *archivetest.Archive, id string, p worker.Passes, change func(*worker.Config)) (stop func()) {
	t.Helper()
	c := worker.Config{Archive: a.Archive, Passes: p, Dir: filepath.Join(t.TempDir(), id), Memory: memfile.NewBudget(1 << 20),
		Self: queue.Worker{ID: id, Host: "here", Version: archivetest.Version}}
	if change != nil {
		change(&c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.New(c).Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("worker %s: %v", id, err)
			}
			if _, err := os.Stat(c.Dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("worker %s has left its folder: %v", id, err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func read(t *testing.T, a *archivetest.Archive, name string) string {
	t.Helper()
	f, err := a.Files.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestBothPasses: a recording that is added is inspected and rendered; the original is
// encrypted in the store and whole for the passes; the evidence is beside the output.
func TestBothPasses(t *testing.T) {
	a := archivetest.New(t, fast)
	var seen atomic.Int32
	p := &archivetest.Passes{Before: func(_ context.Context, _ *queue.Recording, path string) error {
		data, err := os.ReadFile(path)
		if string(data) == "the original" {
			seen.Add(1)
		}
		return err
	}}
	start(t, a, "w", p, nil)
	r := a.Wait(t, a.Add(t, "a.mp4", "the original").ID, archivetest.Status(queue.Done))
	if want := []string{"inspect " + r.ID, "render " + r.ID}; !slices.Equal(p.Calls(), want) || seen.Load() != 2 {
		t.Errorf("passes %q, %d saw the original", p.Calls(), seen.Load())
	}
	if r.Output == nil || r.Output.Worker != "w" || !strings.Contains(read(t, a, r.Output.Video), "redacted") || r.Attempts != 1 {
		t.Errorf("%+v", r)
	}
	if e := read(t, a, r.Output.Evidence); !strings.HasSuffix(e, "{\"end\":1}\n") {
		t.Errorf("evidence %q", e)
	}
	if raw := read(t, a, r.Original); strings.Contains(raw, "original") || !strings.HasPrefix(raw, "age-encryption.org/v1") {
		t.Errorf("the original is not encrypted: %q", raw[:30])
	}
}

// TestReview: a change is rendered from the evidence alone, stands in it with who made it,
// and comes out under another name; the second of two reviewers is told.
func TestReview(t *testing.T) {
	a := archivetest.New(t, fast)
	p := &archivetest.Passes{}
	start(t, a, "w", p, nil)
	was := a.Wait(t, a.Add(t, "a.mp4", "x").ID, archivetest.Status(queue.Done))
	video := read(t, a, was.Output.Video)
	c := evidence.Change{Strike: []uint64{1}, By: "anna", At: time.Date(2026, 11, 29, 14, 0, 0, 0, time.UTC), Why: "a poster"}
	if _, err := a.Change(t.Context(), was.ID, was.Revision, true, c); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Change(t.Context(), was.ID, was.Revision, true, evidence.Change{Strike: []uint64{2}, By: "ben"}); !errors.Is(err, queue.ErrConflict) {
		t.Errorf("the second reviewer: %v", err)
	}
	r := a.Wait(t, was.ID, func(r queue.Recording) bool { return r.Status == queue.Done && r.Output.ID != was.Output.ID })
	if r.Output.Changes != 1 || len(p.Calls()) != 3 || p.Calls()[2] != "render "+r.ID {
		t.Errorf("%+v, passes %q", r.Output, p.Calls())
	}
	if e := read(t, a, r.Output.Evidence); !strings.HasSuffix(e, "{\"end\":1}\n"+`{"strike":[1],"by":"anna","at":"2026-11-29T14:00:00Z","why":"a poster"}`+"\n") {
		t.Errorf("evidence %q", e)
	}
	if video == read(t, a, r.Output.Video) {
		t.Error("the change is not in the output")
	}
	// The same work is done once.
	if _, err := a.Change(t.Context(), r.ID, r.Revision, true); err != nil {
		t.Fatal(err)
	}
	again := a.Wait(t, was.ID, func(now queue.Recording) bool { return now.Status == queue.Done && now.Ticket > r.Ticket })
	if again.Output.ID != r.Output.ID || len(p.Calls()) != 3 {
		t.Errorf("rendered again for nothing: %q", p.Calls())
	}
}

// TestPoisoned: a recording that fails is tried three times, is then on the dead-letter
// list with its error, publishes nothing, and does not hold up others. It can be retried.
func TestPoisoned(t *testing.T) {
	a := archivetest.New(t, fast)
	var healed atomic.Bool
	p := &archivetest.Passes{Before: func(_ context.Context, r *queue.Recording, _ string) error {
		if r.Name == "poisoned.mp4" && !healed.Load() {
			return errors.New("it makes no sense")
		}
		return nil
	}}
	start(t, a, "w", p, nil)
	bad, good := a.Add(t, "poisoned.mp4", "bad"), a.Add(t, "good.mp4", "good")
	a.Wait(t, good.ID, archivetest.Status(queue.Done))
	r := a.Wait(t, bad.ID, archivetest.Status(queue.Failed))
	if r.Attempts != 3 || !strings.Contains(r.Error, "it makes no sense") || r.Evidence != "" || r.Output != nil {
		t.Errorf("%+v", r)
	}
	healed.Store(true)
	if _, err := a.Retry(t.Context(), bad.ID, archivetest.Version, evidence.Change{By: "somebody"}); err != nil {
		t.Fatal(err)
	}
	a.Wait(t, bad.ID, archivetest.Status(queue.Done))
}

// TestLostWorker: the job of a worker that is killed goes to another. One that kills every
// worker is given up after three.
func TestLostWorker(t *testing.T) {
	a := archivetest.New(t, fast)
	once, ever := a.Add(t, "once.mp4", "1"), a.Add(t, "ever.mp4", "2")
	lost := 0
	p, err := a.Queue.Pull(t.Context(), queue.Offer{Worker: "lost", Version: archivetest.Version})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for lost < 4 { // once, and three times ever
		j, err := p.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if j.Recording.ID == ever.ID || lost == 0 && j.Recording.ID == once.ID {
			lost++
			continue // and is never heard of again
		}
		if err := j.GiveBack(t.Context(), nil, time.Second); err != nil {
			t.Fatal(err)
		}
	}
	start(t, a, "w", &archivetest.Passes{}, nil)
	if r := a.Wait(t, ever.ID, archivetest.Status(queue.Failed)); !strings.Contains(r.Error, "lost 3 times") {
		t.Errorf("%+v", r)
	}
	a.Wait(t, once.ID, archivetest.Status(queue.Done))
}

// TestStopped: a worker that ends in good order gives its job back, which is no failed
// try; a cancelled job is ended at once.
func TestStopped(t *testing.T) {
	a := archivetest.New(t, fast)
	at := make(chan string, 10)
	p := &archivetest.Passes{Before: func(ctx context.Context, r *queue.Recording, _ string) error {
		at <- r.ID
		<-ctx.Done()
		return ctx.Err()
	}}
	r := a.Add(t, "a.mp4", "1")
	for range 4 { // more often than it would be tried
		stop := start(t, a, "w", p, nil)
		<-at
		stop()
		if now, err := a.Queue.Get(t.Context(), r.ID); err != nil || now.Status != queue.Waiting || now.Attempts != 0 {
			t.Fatalf("%+v, %v", now, err)
		}
	}
	start(t, a, "w", p, nil)
	<-at
	if _, err := a.Cancel(t.Context(), r.ID, evidence.Change{By: "somebody"}); err != nil {
		t.Fatal(err)
	}
	next := a.Add(t, "b.mp4", "2")
	if id := <-at; id != next.ID {
		t.Errorf("after the cancelled one comes %s", id)
	}
	if now, err := a.Queue.Get(t.Context(), r.ID); err != nil || now.Status != queue.Cancelled {
		t.Errorf("%+v, %v", now, err)
	}
}

// TestOtherWorkers: a worker of another version, or without the networks, takes no such
// work; second passes it takes.
func TestOtherWorkers(t *testing.T) {
	a := archivetest.New(t, fast)
	r := a.Add(t, "a.mp4", "1")
	r, err := a.Queue.Update(t.Context(), r.ID, func(r *queue.Recording) error {
		r.Networks = "hedge-n-00000001"
		r.File(queue.Inspect)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wrong := &archivetest.Passes{Before: func(_ context.Context, r *queue.Recording, _ string) error {
		if r.Stage == queue.Inspect && r.Networks != queue.NoNetworks {
			t.Errorf("the wrong worker has taken %s", r.Name)
		}
		return nil
	}}
	start(t, a, "none", wrong, nil)
	start(t, a, "other", wrong, func(c *worker.Config) { c.Self.Networks = []string{"hedge-n-00000002"} })
	start(t, a, "old", &archivetest.Passes{Before: func(context.Context, *queue.Recording, string) error {
		t.Error("a worker of another version has taken it")
		return nil
	}}, func(c *worker.Config) { c.Self.Version, c.Self.Networks = "test 0", []string{r.Networks} })
	// Work that they may take passes it by.
	a.Wait(t, a.Add(t, "b.mp4", "2").ID, func(now queue.Recording) bool {
		return now.Networks == queue.NoNetworks && now.Status == queue.Running || now.Status == queue.Done
	})
	if now, err := a.Queue.Get(t.Context(), r.ID); err != nil || now.Status != queue.Waiting || now.Stage != queue.Inspect {
		t.Errorf("%+v, %v", now, err)
	}
	stop := start(t, a, "right", &archivetest.Passes{}, func(c *worker.Config) { c.Self.Networks = []string{r.Networks} })
	a.Wait(t, r.ID, func(r queue.Recording) bool { return r.Stage == queue.Render })
	stop()
	a.Wait(t, r.ID, archivetest.Status(queue.Done))
}

// TestOtherVersion: after an update a recording is retried from the beginning, and what was
// changed by the numbers of the old tracks shows nobody in the new output.
func TestOtherVersion(t *testing.T) {
	a := archivetest.New(t, fast)
	stop := start(t, a, "old", &archivetest.Passes{}, nil)
	r := a.Wait(t, a.Add(t, "a.mp4", "1").ID, archivetest.Status(queue.Done))
	if _, err := a.Retry(t.Context(), r.ID, archivetest.Version, evidence.Change{By: "somebody"}); err == nil {
		t.Error("what is done is retried with the same version")
	}
	if _, err := a.Change(t.Context(), r.ID, r.Revision, true, evidence.Change{Strike: []uint64{1}, By: "anna"}); err != nil {
		t.Fatal(err)
	}
	r = a.Wait(t, r.ID, func(r queue.Recording) bool { return r.Status == queue.Done && r.Output.Changes == 1 })
	stop()
	r, err := a.Retry(t.Context(), r.ID, "test 2", evidence.Change{By: "somebody"})
	if err != nil || r.Output != nil || len(evidence.Apply(r.Changes).Strike) != 0 || r.Stage != queue.Inspect {
		t.Fatalf("%+v, %v", r, err)
	}
	start(t, a, "new", &archivetest.Passes{}, func(c *worker.Config) { c.Self.Version = "test 2" })
	r = a.Wait(t, r.ID, archivetest.Status(queue.Done))
	if e := read(t, a, r.Output.Evidence); !strings.Contains(e, `"restore":[1]`) || r.Output.Changes != 2 {
		t.Errorf("%q", e)
	}
}

// fullStore has no room for names that contain a text.
type fullStore struct {
	store.Store
	full *atomic.Value
}

func (s fullStore) Put(ctx context.Context, name string, r io.Reader) error {
	if no := s.full.Load().(string); no != "" && strings.Contains(name, no) {
		_, _ = io.CopyN(io.Discard, r, 1)
		// A server without room does not answer in time, and says why when it is asked.
		return fmt.Errorf("%s: %w: %w", name, store.ErrFull, nats.ErrTimeout)
	}
	return s.Store.Put(ctx, name, r)
}

// TestStoreFull: without room in any phase the job waits, says so, is no failed try, and
// goes on when there is; nothing half is visible.
func TestStoreFull(t *testing.T) {
	for _, phase := range []string{"evidence/", "video.mp4", "output.json"} {
		a := archivetest.New(t, fast)
		var full atomic.Value
		full.Store(phase)
		a.Files = fullStore{a.Files, &full}
		start(t, a, "w", &archivetest.Passes{}, func(c *worker.Config) { c.Room = 10 * time.Millisecond })
		r := a.Wait(t, a.Add(t, "a.mp4", phase).ID, func(r queue.Recording) bool { return r.Status == queue.Waiting && r.Error != "" })
		if !strings.Contains(r.Error, "full") || r.Attempts != 0 || r.Output != nil {
			t.Errorf("%s: %+v", phase, r)
		}
		full.Store("")
		a.Wait(t, r.ID, archivetest.Status(queue.Done))
	}
}

// TestStalled: a pass that stands still has failed, and does not hold its worker for ever.
func TestStalled(t *testing.T) {
	a := archivetest.New(t, queue.Config{AckWait: 100 * time.Millisecond, Poll: 50 * time.Millisecond})
	p := &archivetest.Passes{Before: func(ctx context.Context, _ *queue.Recording, _ string) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	start(t, a, "w", p, func(c *worker.Config) { c.Stall = 50 * time.Millisecond })
	if r := a.Wait(t, a.Add(t, "a.mp4", "1").ID, archivetest.Status(queue.Failed)); !strings.Contains(r.Error, "stands still") || r.Attempts != 3 {
		t.Errorf("%+v", r)
	}
}

// TestStuck: a worker of which a pass does not return, as a network that hangs in native code,
// ends: every pass after it would wait for it. The job was a failed try.
func TestStuck(t *testing.T) {
	a := archivetest.New(t, fast)
	p := &archivetest.Passes{Before: func(context.Context, *queue.Recording, string) error {
		return fmt.Errorf("hedge-n: %w", pipeline.ErrStuck)
	}}
	c := worker.Config{Archive: a.Archive, Passes: p, Dir: filepath.Join(t.TempDir(), "w"), Memory: memfile.NewBudget(1 << 20),
		Self: queue.Worker{ID: "w", Version: archivetest.Version}}
	r := a.Add(t, "a.mp4", "1")
	if err := worker.New(c).Run(t.Context()); !errors.Is(err, pipeline.ErrStuck) {
		t.Errorf("%v", err)
	}
	if r, err := a.Queue.Get(t.Context(), r.ID); err != nil || r.Attempts != 1 || !strings.Contains(r.Error, "does not return") {
		t.Errorf("%+v, %v", r, err)
	}
	// One that was told to end may only take its time.
	p.Before = func(ctx context.Context, r *queue.Recording, _ string) error {
		if r.Name == "b.mp4" {
			return nil
		}
		if _, err := a.Cancel(ctx, r.ID, evidence.Change{By: "somebody"}); err != nil {
			t.Error(err)
		}
		<-ctx.Done()
		return fmt.Errorf("hedge-n: %w", pipeline.ErrStuck)
	}
	b := a.Add(t, "b.mp4", "2")
	start(t, a, "w", p, nil)
	a.Wait(t, b.ID, archivetest.Status(queue.Done))
	a.Wait(t, r.ID, archivetest.Status(queue.Cancelled))
}

// TestLarge: a recording that does not fit into memory fails with the way out.
func TestLarge(t *testing.T) {
	a := archivetest.New(t, fast)
	start(t, a, "w", &archivetest.Passes{}, func(c *worker.Config) { c.Memory = memfile.NewBudget(5) })
	r := a.Wait(t, a.Add(t, "a.mp4", "123456").ID, archivetest.Status(queue.Failed))
	if !strings.Contains(r.Error, "-memory") || !strings.Contains(r.Error, "-scratch") {
		t.Errorf("%q", r.Error)
	}
}

// TestServerAway: while a worker works its server goes away and comes back. Nothing is lost,
// and what the worker has made in the meantime is entered.
func TestServerAway(t *testing.T) {
	dir := t.TempDir()
	s, err := queue.Serve(queue.ServerConfig{Dir: dir, Host: "127.0.0.1", Port: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.Close() }()
	nc, err := queue.Connect(t.Context(), s.Address(), "", "test")
	if err != nil {
		t.Fatal(err)
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	a := archivetest.Over(t, nc, key, queue.Config{AckWait: time.Minute, Poll: 50 * time.Millisecond})
	at, on := make(chan string), make(chan bool)
	p := &archivetest.Passes{Before: func(_ context.Context, r *queue.Recording, _ string) error {
		at <- r.ID
		<-on
		return nil
	}}
	stop := start(t, a, "w", p, nil)
	defer stop()
	r := a.Add(t, "a.mp4", "1")
	<-at
	port := 0
	if _, err := fmt.Sscanf(s.Address(), "nats://127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	s.Close()
	on <- true // the first pass ends while nobody can be told
	if s, err = queue.Serve(queue.ServerConfig{Dir: dir, Host: "127.0.0.1", Port: port}); err != nil {
		t.Fatal(err)
	}
	<-at
	on <- true
	for {
		now, err := a.Queue.Get(t.Context(), r.ID)
		if err == nil && now.Status == queue.Done {
			break
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"inspect " + r.ID, "render " + r.ID}; !slices.Equal(p.Calls(), want) {
		t.Errorf("%q", p.Calls())
	}
}

// TestAccepted: the original is removed when the output is accepted, if that was asked for,
// and not before what was changed is rendered.
func TestAccepted(t *testing.T) {
	a := archivetest.New(t, fast)
	start(t, a, "w", &archivetest.Passes{}, nil)
	r := a.Wait(t, a.Add(t, "a.mp4", "1").ID, archivetest.Status(queue.Done))
	r.RemoveOriginal = true
	r, err := a.Queue.Save(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	original := r.Original
	if r, err = a.Change(t.Context(), r.ID, r.Revision, false, evidence.Change{Outside: evidence.OutsideAll}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Accept(t.Context(), r.ID, r.Revision, evidence.Change{By: "anna"}); err == nil || !strings.Contains(err.Error(), "render it again") {
		t.Errorf("accepted before it was rendered: %v", err)
	}
	if _, err := a.Change(t.Context(), r.ID, r.Revision, true); err != nil {
		t.Fatal(err)
	}
	r = a.Wait(t, r.ID, func(r queue.Recording) bool { return r.Status == queue.Done && r.Output.Changes == 1 })
	if r, err = a.Accept(t.Context(), r.ID, r.Revision, evidence.Change{By: "anna"}); err != nil || r.Accepted == nil {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := a.Files.Open(t.Context(), original); !errors.Is(err, store.ErrMissing) {
		t.Errorf("the original: %v", err)
	}
	if _, err := a.Change(t.Context(), r.ID, r.Revision, true); !errors.Is(err, archive.ErrOver) {
		t.Errorf("rendered without an original: %v", err)
	}
	if !bytes.Contains([]byte(read(t, a, r.Output.Video)), []byte("redacted")) {
		t.Error("the output is gone")
	}
}
