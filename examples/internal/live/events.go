package live

import (
	"fmt"
	"sync"
	"time"

	"github.com/hedgecam/hedge/examples/internal/eventlog"
	"github.com/hedgecam/hedge/examples/internal/ratelimit"
	"github.com/hedgecam/hedge/examples/internal/view"
	"github.com/hedgecam/hedge/pipeline"
)

// The kinds of events of a program that starts its pipeline again.
const (
	Stopped = "stopped"
	Started = "started"
)

// Events tells of what happens to a pipeline in few lines, however often it happens: of
// failures, of more being hidden than asked, and of restarts the first times, and then with
// a count, ever more seldom. What the owner has to act on, and every other kind of event, is
// told of each time. Its methods may be called by any goroutine.
type Events struct {
	tell   func(kind, text string, d eventlog.Data)
	failed *ratelimit.Repeats
	closed *ratelimit.Changes[pipeline.Event]
	runs   *ratelimit.Changes[run]

	mu  sync.Mutex
	now pipeline.Event // the newest of FailedClosed and Recovered
}

// run is whether a pipeline runs: the kind of event, and its text.
type run struct{ kind, text string }

// NewEvents returns Events that call tell, from any goroutine. It must not block for long.
func NewEvents(tell func(kind, text string, d eventlog.Data)) *Events {
	e := &Events{tell: tell, now: pipeline.Event{Kind: pipeline.Recovered}}
	e.failed = ratelimit.NewRepeats(func(_, text string) {
		tell(pipeline.DetectorFailed.String(), text, eventlog.Data{Reason: pipeline.NoReason.String()})
	})
	e.closed = ratelimit.NewChanges(func(x pipeline.Event, times int, within time.Duration) {
		tell(x.Kind.String(), counted(view.EventWords(x), times, within), eventlog.Data{Reason: x.Reason.String(), Changes: times})
	})
	e.runs = ratelimit.NewChanges(func(r run, times int, within time.Duration) {
		tell(r.kind, counted(r.text, times, within), eventlog.Data{Changes: times})
	})
	return e
}

// counted is a text with the count of the changes that were not told of.
func counted(text string, times int, within time.Duration) string {
	if times <= 1 {
		return text
	}
	return fmt.Sprintf("%s: %d changes within %v", text, times, within)
}

// Add enters an event of the pipeline.
func (e *Events) Add(x pipeline.Event) {
	switch x.Kind {
	case pipeline.DetectorFailed:
		e.failed.Tell(x.Detector, x.Kind.String(), view.EventWords(x))
	case pipeline.FailedClosed, pipeline.Recovered:
		e.change(x)
	default:
		e.tell(x.Kind.String(), view.EventWords(x), eventlog.Data{Reason: x.Reason.String()})
	}
}

// change enters that more is hidden than asked, or no more.
func (e *Events) change(x pipeline.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	was := e.now
	e.now = x
	if x.Reason.AwaitsOwner() || was.Reason.AwaitsOwner() {
		e.closed.Now(x)
		return
	}
	e.closed.Change(x)
}

// Stop says that the pipeline has stopped, and why.
func (e *Events) Stop(why string) { e.runs.Change(run{Stopped, why}) }

// Start says that the pipeline starts again. It begins anew: it says itself why more is
// hidden, and does not say that no more is. What the owner has to confirm stays.
func (e *Events) Start() {
	e.runs.Change(run{Started, "the pipeline starts again"})
	e.mu.Lock()
	again := e.now.Kind == pipeline.FailedClosed && !e.now.Reason.AwaitsOwner()
	e.mu.Unlock()
	if again {
		e.change(pipeline.Event{Kind: pipeline.Recovered})
	}
}

// Close tells of what was only counted. The pipeline has ended.
func (e *Events) Close() {
	e.failed.Close()
	e.closed.Close()
	e.runs.Close()
}
