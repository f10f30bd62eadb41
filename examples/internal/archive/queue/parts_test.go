package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/archive/archivetest"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
)

const nets = "hedge-n-1"

// long files a recording for workers with networks, and returns who pulls for one.
func long(t *testing.T, c queue.Config) (*archivetest.Archive, queue.Recording, *queue.Puller) {
	t.Helper()
	c.Poll = 20 * time.Millisecond
	a := archivetest.New(t, c)
	r := a.Add(t, "long", "1")
	r, err := a.Queue.Update(t.Context(), r.ID, func(r *queue.Recording) error {
		r.Networks = nets
		r.File(queue.Inspect)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Queue.Pull(t.Context(), queue.Offer{Worker: "w", Version: archivetest.Version, Networks: []string{nets}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return a, r, p
}

func get(t *testing.T, a *archivetest.Archive, id string) queue.Recording {
	t.Helper()
	r, err := a.Queue.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func finish(t *testing.T, j *queue.Job) {
	t.Helper()
	if _, err := j.Done(t.Context(), func(r *queue.Recording) { r.Status = queue.Done }); err != nil {
		t.Fatal(err)
	}
}

// nothing fails if a job is there.
func nothing(t *testing.T, p *queue.Puller) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if j, err := p.Next(ctx); err == nil {
		t.Errorf("there is a job: %+v", j.Recording)
	}
}

// TestParts: a recording that was cut waits until all of its parts have ended, well or not,
// is no recording more in the list, and is then inspected once.
func TestParts(t *testing.T) {
	a, r, p := long(t, queue.Config{Tries: 1})
	if err := next(t, p).Cut(t.Context(), 3, time.Minute, "m"); err != nil {
		t.Fatal(err)
	}
	var jobs []*queue.Job
	for n := range 3 {
		j := next(t, p)
		if j.Recording.Stage != queue.Look || j.Recording.Parent != r.ID || j.Recording.Part != n || j.Recording.Parts.Length != time.Minute {
			t.Errorf("%+v", j.Recording)
		}
		jobs = append(jobs, j)
	}
	for n, j := range jobs {
		if now := get(t, a, r.ID); !now.WaitsForParts() || now.Parts.Ended != n || !now.Has(&j.Recording) {
			t.Errorf("after %d parts: %+v", n, now)
		}
		nothing(t, p)
		if n != 1 {
			finish(t, j)
		} else if _, err := j.Fail(t.Context(), errors.New("it makes no sense")); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := a.Queue.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%d recordings, %v", len(list), err)
	}
	j := next(t, p)
	if j.Recording.ID != r.ID || j.Recording.Stage != queue.Inspect || j.Recording.Parts.Ended != 3 || j.Recording.Attempts != 1 {
		t.Errorf("%+v", j.Recording)
	}
	if err := a.Queue.RemoveParts(t.Context(), &j.Recording); err != nil {
		t.Fatal(err)
	}
	finish(t, j)
	nothing(t, p)
	if _, err := a.Queue.Get(t.Context(), jobs[0].Recording.ID); !errors.Is(err, queue.ErrUnknown) {
		t.Errorf("the entry of a part is left: %v", err)
	}
}

// TestPartsStopBetween: a worker that is lost between two steps of cutting, or when the last
// part has ended, holds nothing up, whether the message comes again or the server repairs.
func TestPartsStopBetween(t *testing.T) {
	put := func(a *archivetest.Archive, bucket string, r queue.Recording) {
		t.Helper()
		kv, err := a.Queue.JetStream().KeyValue(t.Context(), bucket)
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(r)
		if err == nil {
			_, err = kv.Put(t.Context(), r.ID, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, stop := range []struct{ repairs, joined bool }{{false, false}, {false, true}, {true, false}, {true, true}} {
		repairs := stop.repairs
		c := queue.Config{AckWait: 200 * time.Millisecond}
		if repairs {
			c.AckWait = time.Minute // no message comes again
		}
		a, r, p := long(t, c)
		repair := func() {
			t.Helper()
			if !repairs {
				return
			}
			if _, err := a.Queue.Repair(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		was := next(t, p).Recording // its worker enters that it is cut, and is lost
		was.Parts = &queue.Parts{Total: 2, Length: time.Minute, Ticket: was.Ticket}
		was.Stage, was.Taken, was.Ticket = queue.Look, 0, was.Ticket+1
		put(a, "archive_recordings", was)
		repair()
		finish(t, next(t, p))
		last := next(t, p).Recording // its worker enters that it has ended, and is lost
		last.Status = queue.Done
		put(a, "archive_parts", last)
		if stop.joined { // and that the first pass is due
			now := get(t, a, r.ID)
			now.Parts.Ended = 2
			now.File(queue.Inspect)
			put(a, "archive_recordings", now)
		}
		repair()
		if j := next(t, p); j.Recording.ID != r.ID || j.Recording.Stage != queue.Inspect {
			t.Errorf("%+v: %+v", stop, j.Recording)
		} else {
			finish(t, j)
		}
		nothing(t, p)
	}
}

// TestPartsLost: the message of a part that was lost is filed again.
func TestPartsLost(t *testing.T) {
	a, r, p := long(t, queue.Config{AckWait: time.Minute})
	if err := next(t, p).Cut(t.Context(), 3, time.Minute, "m"); err != nil {
		t.Fatal(err)
	}
	taken := next(t, p).Recording.Taken
	jobs, err := a.Queue.JetStream().Stream(t.Context(), "ARCHIVE_JOBS")
	if err == nil {
		err = jobs.DeleteMsg(t.Context(), taken)
	}
	if err != nil {
		t.Fatal(err)
	}
	if n, err := a.Queue.Repair(t.Context()); err != nil || n != 1 {
		t.Errorf("%d recordings repaired, %v", n, err)
	}
	for range 3 {
		j := next(t, p)
		if j.Recording.Parent != r.ID {
			t.Errorf("%+v", j.Recording)
		}
		finish(t, j)
	}
	if j := next(t, p); j.Recording.ID != r.ID {
		t.Errorf("%+v", j.Recording)
	}
}

// TestPartsRemoved: a part whose entry was removed is given to nobody, and who works on it
// is told.
func TestPartsRemoved(t *testing.T) {
	a, r, p := long(t, queue.Config{})
	if err := next(t, p).Cut(t.Context(), 2, time.Minute, "m"); err != nil {
		t.Fatal(err)
	}
	j := next(t, p)
	now := get(t, a, r.ID)
	if err := a.Queue.RemoveParts(t.Context(), &now); err != nil {
		t.Fatal(err)
	}
	if current, err := j.Current(t.Context()); current || err != nil {
		t.Errorf("%t, %v", current, err)
	}
	if _, err := j.Fail(t.Context(), errors.New("told to stop")); err != nil {
		t.Error(err)
	}
	nothing(t, p)
}

// TestGivenBackMeanwhile: a job that was given to a second worker, who has given it back, is
// not lost when the first one, who was silent, ends it.
func TestGivenBackMeanwhile(t *testing.T) {
	for name, end := range map[string]func(*queue.Job) error{
		"done": func(j *queue.Job) error {
			_, err := j.Done(t.Context(), func(r *queue.Recording) { r.Status = queue.Done })
			return err
		},
		"fail": func(j *queue.Job) error {
			_, err := j.Fail(t.Context(), errors.New("it makes no sense"))
			return err
		},
		"give back": func(j *queue.Job) error { return j.GiveBack(t.Context(), nil, 0) },
	} {
		a := archivetest.New(t, queue.Config{AckWait: 100 * time.Millisecond, Poll: 20 * time.Millisecond})
		r := a.Add(t, name, "1")
		one := next(t, pull(t, a, "one"))
		two := next(t, pull(t, a, "two")) // one was silent
		if err := two.GiveBack(t.Context(), nil, 0); err != nil {
			t.Fatal(err)
		}
		if err := end(one); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if j := next(t, pull(t, a, "three")); j.Recording.ID != r.ID {
			t.Errorf("%s: %+v", name, j.Recording)
		}
	}
}
