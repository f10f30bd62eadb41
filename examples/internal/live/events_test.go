package live

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hedgecam/hedge/examples/internal/eventlog"
	"github.com/hedgecam/hedge/pipeline"
)

// few is how many lines an hour of what repeats itself may make.
const few = 20

// heard are the events that were told of.
type heard struct {
	t      *testing.T
	mu     sync.Mutex
	events []eventlog.Event
}

func (h *heard) tell(kind, text string, d eventlog.Data) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, eventlog.Event{Time: time.Now(), Kind: kind, Text: text, Data: &d})
}

// count returns how many events of a kind there were, and how many changes they count.
func (h *heard) count(kind string) (n, changes int) {
	for _, e := range h.events {
		if e.Kind == kind {
			n++
			changes += max(e.Data.Changes, 1)
		}
	}
	return n, changes
}

// last returns the newest event.
func (h *heard) last() eventlog.Event {
	h.t.Helper()
	if len(h.events) == 0 {
		h.t.Fatal("nothing was told")
	}
	return h.events[len(h.events)-1]
}

var (
	closedLate = pipeline.Event{Kind: pipeline.FailedClosed, Reason: pipeline.ReasonDetectorLate}
	moved      = pipeline.Event{Kind: pipeline.FailedClosed, Reason: pipeline.ReasonCameraMoved}
	recovered  = pipeline.Event{Kind: pipeline.Recovered}
	failure    = pipeline.Event{Kind: pipeline.DetectorFailed, Detector: "hedge-n", Err: errors.New("no luck")}
)

// TestEventsFlap: of a board on which pictures alternate between late and fresh an hour
// makes few lines, which count every change; what is told last is how it stays.
func TestEventsFlap(t *testing.T) {
	for _, stays := range []pipeline.Event{closedLate, recovered} {
		synctest.Test(t, func(t *testing.T) {
			h := &heard{t: t}
			e := NewEvents(h.tell)
			defer e.Close()
			changes := 0
			for range 3600 * 7 / 2 {
				e.Add(closedLate)
				<-time.After(time.Second / 7)
				e.Add(recovered)
				<-time.After(time.Second / 7)
				changes += 2
			}
			if stays.Kind == pipeline.FailedClosed {
				e.Add(stays)
				changes++
			}
			<-time.After(10 * time.Minute)
			synctest.Wait()
			c, n := h.count("failed closed")
			r, m := h.count("recovered")
			if c+r > few || n+m != changes || len(h.events) != c+r {
				t.Errorf("%d lines of %d of %d changes: %+v", len(h.events), n+m, changes, h.events)
			}
			if x := h.last(); x.Kind != stays.Kind.String() || x.Data.Reason != stays.Reason.String() {
				t.Errorf("told last: %+v, want %v", x, stays.Kind)
			}
		})
	}
}

// TestEventsFailing: a detector that fails every second time makes few lines, too.
func TestEventsFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &heard{t: t}
		e := NewEvents(h.tell)
		for range 3600 * 15 {
			e.Add(failure)
			<-time.After(time.Second / 15)
		}
		e.Close()
		synctest.Wait()
		if n := len(h.events); n > few || h.events[0].Text != "hedge-n: no luck" || h.last().Kind != "detector failed" {
			t.Errorf("%d lines: %+v", n, h.events)
		}
	})
}

// TestEventsOfTheOwner: what the owner has to act on is told of at once, in the midst of
// what is only counted, and so is its end.
func TestEventsOfTheOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &heard{t: t}
		e := NewEvents(h.tell)
		for range 100 {
			e.Add(closedLate)
			e.Add(recovered)
		}
		for _, x := range []pipeline.Event{{Kind: pipeline.CameraMoved, Reason: pipeline.ReasonCameraMoved}, moved, recovered,
			{Kind: pipeline.FailedClosed, Reason: pipeline.ReasonAspectChanged}, recovered,
			{Kind: pipeline.FormatChanged}, {Kind: pipeline.ViewNotSaved, Err: errors.New("full")}} {
			n := len(h.events)
			e.Add(x)
			if len(h.events) != n+1 || h.last().Kind != x.Kind.String() || h.last().Data.Reason != x.Reason.String() {
				t.Errorf("%v (%v) was held back: %+v", x.Kind, x.Reason, h.last())
			}
		}
		e.Add(closedLate)
		e.Close()
		if h.last().Kind != "failed closed" {
			t.Errorf("at the end %+v", h.last())
		}
	})
}

// TestEventsRestart: a pipeline that starts again hides no more than asked until it says so;
// what the owner has to confirm stays.
func TestEventsRestart(t *testing.T) {
	for _, c := range []struct {
		before pipeline.Event
		want   []string
	}{
		{closedLate, []string{"failed closed", "stopped", "started", "recovered"}},
		{recovered, []string{"recovered", "stopped", "started"}},
		{moved, []string{"failed closed", "stopped", "started"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := &heard{t: t}
			e := NewEvents(h.tell)
			defer e.Close()
			e.Add(c.before)
			e.Stop("no luck")
			e.Start()
			<-time.After(time.Hour)
			synctest.Wait()
			var kinds []string
			for _, x := range h.events {
				kinds = append(kinds, x.Kind)
			}
			if !slices.Equal(kinds, c.want) {
				t.Errorf("%v: %q, want %q", c.before.Reason, kinds, c.want)
			}
		})
	}
}
