package worker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/archivetest"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/store"
	"github.com/hedgecam/hedge/examples/internal/archive/worker"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

const nets = "hedge-n-00000001"

// networked makes a worker that has networks, and cuts recordings into parts of 2 seconds.
func networked(machine string) func(*worker.Config) {
	return func(c *worker.Config) {
		c.Self.Networks, c.Self.Machine, c.Part, c.Elsewhere = []string{nets}, machine, 2*time.Second, 20*time.Millisecond
	}
}

// await waits until so many workers are there.
func await(t *testing.T, a *archivetest.Archive, workers int) {
	t.Helper()
	for {
		list, err := a.Queue.Workers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == workers {
			return
		}
	}
}

// addLong files a recording of so many seconds when so many workers are there.
func addLong(t *testing.T, a *archivetest.Archive, seconds float64, workers int) queue.Recording {
	t.Helper()
	await(t, a, workers)
	r := queue.Recording{ID: "00", Name: "long.mp4", Networks: nets, Version: archivetest.Version, Priority: queue.Normal, Seconds: seconds,
		Policy: "{}", SHA256: "00", Original: "originals/00.age", Bytes: 1}
	if err := a.Originals.Put(t.Context(), r.Original, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	r, err := a.Queue.Create(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// stages counts the passes that have ended well.
func stages(p ...*archivetest.Passes) map[queue.Stage]int {
	n := map[queue.Stage]int{}
	for _, p := range p {
		for _, call := range p.Calls() {
			stage, _, _ := strings.Cut(call, " ")
			n[queue.Stage(stage)]++
		}
	}
	return n
}

// TestParts: two workers of a kind look at the parts of a long recording at once, each part
// once, and none of another kind does. Then it is inspected once, with what was found in all
// of them, and nothing of them is left.
func TestParts(t *testing.T) {
	a := archivetest.New(t, fast)
	at, on := make(chan bool), make(chan bool)
	passes := func() *archivetest.Passes {
		var once sync.Once
		return &archivetest.Passes{Before: func(_ context.Context, r *queue.Recording, _ string) error {
			if r.Stage == queue.Look {
				once.Do(func() { at <- true; <-on })
			}
			return nil
		}}
	}
	one, two, other := passes(), passes(), &archivetest.Passes{}
	start(t, a, "one", one, networked("m"))
	start(t, a, "two", two, networked("m"))
	cut := addLong(t, a, 9, 2)
	<-at
	<-at // both are at a part
	start(t, a, "other", other, networked("n"))
	await(t, a, 3)
	close(on)
	r := a.Wait(t, cut.ID, archivetest.Status(queue.Done))
	cut.Parts = &queue.Parts{Total: 5, Length: 2 * time.Second, Machine: "m"}
	if n := stages(one, two); n[queue.Look] != 5 || n[queue.Inspect] != 1 {
		t.Errorf("%v", n)
	}
	found := one.Found()
	if found == nil {
		found = two.Found()
	}
	for n := range 5 {
		if !strings.HasSuffix(found[n], fmt.Sprint(".", n)) {
			t.Errorf("part %d: %q", n, found[n])
		}
		if _, err := a.Files.Open(t.Context(), archive.PartName(&cut, n)); !errors.Is(err, store.ErrMissing) {
			t.Errorf("part %d is left: %v", n, err)
		}
	}
	if r.Parts != nil || r.Evidence == "" {
		t.Errorf("%+v", r)
	}
}

// TestNotCut: a recording is inspected as a whole where it is short, or no other worker of
// the same kind is there to help.
func TestNotCut(t *testing.T) {
	for name, c := range map[string]struct {
		seconds float64
		other   string
	}{"short": {4, "m"}, "another machine": {60, "n"}} {
		a := archivetest.New(t, fast)
		one, two := &archivetest.Passes{}, &archivetest.Passes{}
		start(t, a, "one", one, networked("m"))
		start(t, a, "two", two, networked(c.other))
		a.Wait(t, addLong(t, a, c.seconds, 2).ID, archivetest.Status(queue.Done))
		if n := stages(one, two); n[queue.Look] != 0 || n[queue.Inspect] != 1 {
			t.Errorf("%s: %v", name, n)
		}
	}
}

// TestPartFails: a part that fails three times costs time only, and one whose worker was lost
// is looked at by another.
func TestPartFails(t *testing.T) {
	a := archivetest.New(t, fast)
	p := &archivetest.Passes{Before: func(_ context.Context, r *queue.Recording, _ string) error {
		if r.Stage == queue.Look && r.Part == 1 {
			return errors.New("it makes no sense")
		}
		return nil
	}}
	lost, err := a.Queue.Pull(t.Context(), queue.Offer{Worker: "lost", Version: archivetest.Version, Networks: []string{nets}})
	if err != nil {
		t.Fatal(err)
	}
	defer lost.Close()
	if err := a.Queue.Tell(t.Context(), queue.Worker{ID: "lost", Version: archivetest.Version, Networks: []string{nets}, Machine: "m"}); err != nil {
		t.Fatal(err)
	}
	r := addLong(t, a, 6.5, 1)
	j, err := lost.Next(t.Context())
	if err == nil {
		err = j.Cut(t.Context(), 4, 2*time.Second, "m")
	}
	if err == nil {
		j, err = lost.Next(t.Context()) // and is never heard of again
	}
	if err != nil || j.Recording.Stage != queue.Look {
		t.Fatal(j, err)
	}
	start(t, a, "w", p, networked("m"))
	a.Wait(t, r.ID, archivetest.Status(queue.Done))
	if found := p.Found(); len(found) != 3 || found[1] != "" || found[0] == "" {
		t.Errorf("%v", found)
	}
}

// TestPartsOfAnotherMachine: where all workers of the kind that has cut it are gone, the
// parts end as misses and the recording is inspected.
func TestPartsOfAnotherMachine(t *testing.T) {
	a := archivetest.New(t, fast)
	gone, err := a.Queue.Pull(t.Context(), queue.Offer{Worker: "gone", Version: archivetest.Version, Networks: []string{nets}})
	if err != nil {
		t.Fatal(err)
	}
	r := addLong(t, a, 6.5, 0)
	j, err := gone.Next(t.Context())
	if err == nil {
		err = errors.Join(j.Cut(t.Context(), 4, 2*time.Second, "m"), gone.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &archivetest.Passes{}
	start(t, a, "w", p, networked("n"))
	a.Wait(t, r.ID, archivetest.Status(queue.Done))
	if n := stages(p); n[queue.Look] != 0 || n[queue.Inspect] != 1 || len(p.Found()) != 0 {
		t.Errorf("%v, %v", n, p.Found())
	}
}

// TestPartsCancelled: cancelling a recording ends the work on its parts, and when it is
// retried what was found in them is not looked for again.
func TestPartsCancelled(t *testing.T) {
	a := archivetest.New(t, fast)
	at := make(chan int, 20)
	var mu sync.Mutex
	held := true
	p := func() *archivetest.Passes {
		return &archivetest.Passes{Before: func(ctx context.Context, r *queue.Recording, _ string) error {
			mu.Lock()
			wait := held && r.Stage == queue.Look && r.Part > 0
			mu.Unlock()
			if wait {
				at <- r.Part
				<-ctx.Done()
			}
			return ctx.Err()
		}}
	}
	one, two := p(), p()
	start(t, a, "one", one, networked("m"))
	start(t, a, "two", two, networked("m"))
	r := addLong(t, a, 9, 2)
	seen := []int{<-at, <-at}
	a.Wait(t, r.ID, func(r queue.Recording) bool { return r.Parts != nil && r.Parts.Ended == 1 })
	if _, err := a.Cancel(t.Context(), r.ID, evidence.Change{By: "somebody"}); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(seen, 0) || len(at) > 0 {
		t.Errorf("%v", seen)
	}
	mu.Lock()
	held = false
	mu.Unlock()
	if _, err := a.Retry(t.Context(), r.ID, archivetest.Version, evidence.Change{By: "somebody"}); err != nil {
		t.Fatal(err)
	}
	a.Wait(t, r.ID, archivetest.Status(queue.Done))
	looks := map[string]int{}
	for _, call := range append(one.Calls(), two.Calls()...) {
		if rest, ok := strings.CutPrefix(call, "look "); ok {
			looks[rest[strings.LastIndex(rest, "."):]]++
		}
	}
	if len(looks) != 5 || looks[".0"] != 1 {
		t.Errorf("%v", looks)
	}
}
