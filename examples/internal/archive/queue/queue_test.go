package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/examples/internal/archive/archivetest"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction(archivetest.LeftByNATS))
}

func pull(t *testing.T, a *archivetest.Archive, worker string) *queue.Puller {
	t.Helper()
	p, err := a.Queue.Pull(t.Context(), queue.Offer{Worker: worker, Version: archivetest.Version})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func next(t *testing.T, p *queue.Puller) *queue.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	j, err := p.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// TestPriority: what is urgent comes first, and else what was filed first.
func TestPriority(t *testing.T) {
	a := archivetest.New(t, queue.Config{})
	var want []string
	for i, priority := range []int{0, 3, 1, 3} {
		r := a.Add(t, fmt.Sprint(i), fmt.Sprint(i))
		_, err := a.Queue.Update(t.Context(), r.ID, func(r *queue.Recording) error {
			r.Priority = priority
			r.File(queue.Inspect)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, r.Name)
	}
	want = []string{want[1], want[3], want[2], want[0]}
	var got []string
	for p := pull(t, a, "w"); len(got) < len(want); {
		j := next(t, p)
		got = append(got, j.Recording.Name)
		if _, err := j.Done(t.Context(), func(r *queue.Recording) { r.Status = queue.Done }); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestExtended: a job that is held is not given to another, however long it takes; whatever
// the clocks say.
func TestExtended(t *testing.T) {
	const silent = time.Second
	a := archivetest.New(t, queue.Config{AckWait: silent, Poll: 20 * time.Millisecond})
	long := a.Add(t, "long", "1")
	j := next(t, pull(t, a, "one"))
	if j.Recording.ID != long.ID {
		t.Fatal(j.Recording.ID)
	}
	other := pull(t, a, "two")
	ctx, cancel := context.WithCancel(t.Context())
	taken := make(chan error, 1)
	go func() {
		_, err := other.Next(ctx)
		taken <- err
	}()
	tick := time.NewTicker(silent / 10)
	defer tick.Stop()
	longest, last := time.Duration(0), time.Now()
	for range 20 { // twice as long as it may be silent
		<-tick.C
		if err := j.Extend(); err != nil {
			t.Fatal(err)
		}
		longest, last = max(longest, time.Since(last)), time.Now()
	}
	cancel()
	// A machine that has stood still for so long has let the job go, as it should.
	if err := <-taken; !errors.Is(err, context.Canceled) && longest < silent/2 {
		t.Errorf("another has taken it though it was held every %v: %v", longest, err)
	}
	if _, err := j.Done(t.Context(), func(r *queue.Recording) { r.Status = queue.Done }); err != nil {
		t.Fatal(err)
	}
	if r, err := a.Queue.Get(t.Context(), long.ID); err != nil || r.Status != queue.Done {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestTwoAtOnce: of two workers that were given the same job, as after a break of the
// network, what the first has entered stays, and the message of the second changes nothing.
func TestTwoAtOnce(t *testing.T) {
	a := archivetest.New(t, queue.Config{AckWait: 100 * time.Millisecond, Poll: 20 * time.Millisecond})
	r := a.Add(t, "a", "1")
	one := next(t, pull(t, a, "one"))
	two := next(t, pull(t, a, "two")) // one was silent
	if one.Recording.ID != r.ID || two.Recording.ID != r.ID {
		t.Fatal("not the same")
	}
	enter := func(name string) func(*queue.Recording) {
		return func(r *queue.Recording) { r.Evidence = name; r.Status = queue.Done }
	}
	for name, j := range map[string]*queue.Job{"one": one, "two": two} {
		if _, err := j.Done(t.Context(), enter(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	now, err := a.Queue.Get(t.Context(), r.ID)
	if err != nil || now.Status != queue.Done || now.Revision > r.Revision+3 { // taken twice, entered once
		t.Errorf("%+v, %v", now, err)
	}
}

// TestRepair: a job whose message was lost is filed again, and one whose message is there
// is not done twice.
func TestRepair(t *testing.T) {
	a := archivetest.New(t, queue.Config{Poll: 20 * time.Millisecond})
	lost := a.Add(t, "lost", "1")
	a.Add(t, "there", "2")
	jobs, err := a.Queue.JetStream().Stream(t.Context(), "ARCHIVE_JOBS")
	if err != nil {
		t.Fatal(err)
	}
	first := next(t, pull(t, a, "one"))
	if first.Recording.ID != lost.ID {
		t.Fatal(first.Recording.Name)
	}
	if err := jobs.DeleteMsg(t.Context(), first.Recording.Taken); err != nil {
		t.Fatal(err)
	}
	if n, err := a.Queue.Repair(t.Context()); err != nil || n != 1 {
		t.Errorf("%d filed again, %v", n, err)
	}
	var names []string
	p := pull(t, a, "two")
	for range 2 {
		j := next(t, p)
		names = append(names, j.Recording.Name)
		if _, err := j.Done(t.Context(), func(r *queue.Recording) { r.Status = queue.Done }); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"lost", "there"}) {
		t.Errorf("%q", names)
	}
	// An acknowledgement has no answer: it comes a little later.
	for left := uint64(1); left > 0; {
		info, err := jobs.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		left = info.State.Msgs
	}
}

// TestNeverFiled: a recording that was entered, and whose job was not filed, is filed when
// it is added again.
func TestNeverFiled(t *testing.T) {
	a := archivetest.New(t, queue.Config{Poll: 20 * time.Millisecond})
	r := queue.Recording{ID: "0123", Name: "a", Version: archivetest.Version, Networks: queue.NoNetworks, Stage: queue.Inspect, Status: queue.Waiting, Ticket: 1}
	bucket, err := a.Queue.JetStream().KeyValue(t.Context(), "archive_recordings")
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.Put(t.Context(), r.ID, data); err != nil {
		t.Fatal(err)
	}
	if is, err := a.Queue.Create(t.Context(), r); !errors.Is(err, queue.ErrExists) || is.ID != r.ID {
		t.Errorf("%+v, %v", is, err)
	}
	if j := next(t, pull(t, a, "w")); j.Recording.ID != r.ID {
		t.Errorf("%+v", j.Recording)
	}
}

// TestStopsBetween: a worker that is stopped, or loses the server, when the recording waits
// for its next job already and the job is not filed yet, files it when it ends its own.
func TestStopsBetween(t *testing.T) {
	ends := map[string]func(context.Context, *queue.Job) error{
		"done": func(ctx context.Context, j *queue.Job) error {
			_, err := j.Done(ctx, func(r *queue.Recording) { r.File(queue.Render) })
			return err
		},
		"fail": func(ctx context.Context, j *queue.Job) error {
			_, err := j.Fail(ctx, errors.New("told to stop"))
			return err
		},
		"give back": func(ctx context.Context, j *queue.Job) error { return j.GiveBack(ctx, nil, 0) },
	}
	for name, end := range ends {
		a := archivetest.New(t, queue.Config{Poll: 20 * time.Millisecond})
		r := a.Add(t, name, "1")
		p := pull(t, a, "w")
		j := next(t, p)
		bucket, err := a.Queue.JetStream().KeyValue(t.Context(), "archive_recordings")
		if err != nil {
			t.Fatal(err)
		}
		now := j.Recording
		now.File(queue.Render)
		data, err := json.Marshal(now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bucket.Put(t.Context(), r.ID, data); err != nil {
			t.Fatal(err)
		}
		if err := end(t.Context(), j); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if j := next(t, p); j.Recording.Stage != queue.Render || j.Recording.Ticket != now.Ticket || j.Recording.Attempts != 1 {
			t.Errorf("%s: %+v", name, j.Recording)
		}
	}
}

// TestServerAway: a server that ends and comes back has all that it had, and connections
// come back by themselves.
func TestServerAway(t *testing.T) {
	dir := t.TempDir()
	s, err := queue.Serve(queue.ServerConfig{Dir: dir, Host: "127.0.0.1", Port: -1, Token: "0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	address := s.Address()
	if _, err := queue.Connect(t.Context(), address, "another token....", "test"); err == nil || !strings.Contains(err.Error(), "nats.token") {
		t.Errorf("a wrong token: %v", err)
	}
	nc, err := queue.Connect(t.Context(), address, "0123456789abcdef", "test")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	q, err := queue.Open(t.Context(), nc, queue.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Create(t.Context(), queue.Recording{ID: "a", Version: "1", Networks: queue.NoNetworks}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	var port int
	if _, err := fmt.Sscanf(address, "nats://127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	if s, err = queue.Serve(queue.ServerConfig{Dir: dir, Host: "127.0.0.1", Port: port, Token: "0123456789abcdef"}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		r, err := q.Get(ctx, "a")
		if err == nil && r.Status == queue.Waiting {
			break
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	if _, err := queue.Connect(t.Context(), "nats://127.0.0.1:1", "", "test"); err == nil || !strings.Contains(err.Error(), "archive serve") {
		t.Errorf("nobody there: %v", err)
	}
}
