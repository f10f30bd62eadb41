package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hedgecam/hedge/examples/internal/eventlog"
	"github.com/hedgecam/hedge/examples/internal/seal"
	"github.com/hedgecam/hedge/pipeline"
)

// logSummary is what the camera's event log says.
type logSummary struct {
	Name string `json:"name"`
	// Bytes is how many of the log's first bytes Sum, a SHA-256, is of.
	Bytes int64  `json:"bytes"`
	Sum   string `json:"sha256"`
	// Events is how many were read, Unreadable how many lines were none, and ClockBack
	// how often an event is older than the one before it.
	Events     int `json:"events"`
	Unreadable int `json:"unreadable"`
	ClockBack  int `json:"clockBack"`

	// Programs are the camera programs that have begun, with versions and sums.
	Programs []started  `json:"programs,omitempty"`
	Hours    []hour     `json:"hours,omitempty"`
	Closed   []interval `json:"closed,omitempty"`
	// Policies are the policies in force, Confirmed when the owner confirmed the view.
	Policies  []change    `json:"policies,omitempty"`
	Confirmed []time.Time `json:"confirmed,omitempty"`
	// Previews are when somebody drew zones, and saw what only they would hide.
	Previews []interval `json:"previews,omitempty"`
	// Seal is what happened to the seal on the policy: that it is sealed, loosenings
	// that were asked for, agreed to, stopped and in force.
	Seal []sealEvent `json:"seal,omitempty"`
}

type sealEvent struct {
	Time time.Time `json:"time"`
	Text string    `json:"text"`
}

type started struct {
	Time    time.Time         `json:"time"`
	Version string            `json:"version"`
	Sum     string            `json:"sha256,omitempty"`
	Models  map[string]string `json:"models,omitempty"`
}

// hour is what was counted in an hour, by the camera's clock, in UTC.
type hour struct {
	Begin time.Time `json:"begin"`
	eventlog.Counts
}

// interval is a time span; To is zero where the log does not tell of its end.
type interval struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Reason string    `json:"reason,omitempty"`
}

type change struct {
	Time   time.Time `json:"time"`
	Policy string    `json:"sha256"`
}

// readLog sums up an event log from a time on. A line that was only half written, at
// its end, does not count: it is not part of the sum either.
func readLog(path string, from time.Time) (*logSummary, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	sum := sha256.Sum256(data)
	l := &logSummary{Name: filepath.Base(path), Bytes: int64(len(data)), Sum: hex.EncodeToString(sum[:])}
	var last time.Time
	for line := range bytes.Lines(data) {
		if len(line) == 1 {
			continue // an empty line
		}
		var e eventlog.Event
		if err := json.Unmarshal(line, &e); err != nil || e.Kind == "" || e.Time.IsZero() {
			l.Unreadable++
			continue
		}
		l.Events++
		if e.Time.Before(last) {
			l.ClockBack++
		}
		last = e.Time
		if e.Data == nil {
			e.Data = &eventlog.Data{}
		}
		if !e.Time.Before(from) {
			l.take(&e)
		} else if e.Kind == eventlog.PolicyInForce || e.Kind == eventlog.Started {
			l.Policies = []change{{e.Time.UTC(), e.Data.Policy}} // in force when it begins
		}
	}
	return l, nil
}

// take enters an event.
func (l *logSummary) take(e *eventlog.Event) {
	at := e.Time.UTC()
	end := func(all []interval) {
		if n := len(all); n > 0 && all[n-1].To.IsZero() {
			all[n-1].To = at
		}
	}
	switch e.Kind {
	case eventlog.Started:
		end(l.Closed)
		end(l.Previews)
		l.Programs = append(l.Programs, started{at, e.Data.Version, e.Data.Sum, e.Data.Models})
		l.Policies = append(l.Policies, change{at, e.Data.Policy})
	case pipeline.FailedClosed.String():
		end(l.Closed)
		l.Closed = append(l.Closed, interval{From: at, Reason: e.Data.Reason})
	case pipeline.Recovered.String():
		end(l.Closed)
	case eventlog.PolicyInForce:
		l.Policies = append(l.Policies, change{at, e.Data.Policy})
	case eventlog.Preview:
		if n := len(l.Previews); n == 0 || !l.Previews[n-1].To.IsZero() {
			l.Previews = append(l.Previews, interval{From: at})
		}
	case eventlog.PreviewOver:
		end(l.Previews)
	case seal.Kind:
		l.Seal = append(l.Seal, sealEvent{at, e.Text})
	case eventlog.Confirmed:
		l.Confirmed = append(l.Confirmed, at)
	case eventlog.Counted:
		if e.Data.Counts != nil {
			l.count(at, e.Data.Counts)
		}
	}
}

// count adds counts to the hour in which they end; those of a full hour belong to the
// one before.
func (l *logSummary) count(at time.Time, c *eventlog.Counts) {
	begin := at.Add(-time.Nanosecond).Truncate(time.Hour)
	if from := c.From.UTC().Truncate(time.Hour); from.Before(begin) && at.Sub(begin) < time.Minute {
		begin = from // what was counted until the full hour, written a moment later
	}
	for i := len(l.Hours) - 1; i >= 0; i-- { // a clock that was set back comes to an hour again
		if l.Hours[i].Begin.Equal(begin) {
			l.Hours[i].add(c)
			return
		}
	}
	l.Hours = append(l.Hours, hour{Begin: begin, Counts: *c})
}

// add sums counts up.
func (h *hour) add(c *eventlog.Counts) {
	h.Frames += c.Frames
	h.Whole += c.Whole
	h.Closed += c.Closed
	h.Faces += c.Faces
	h.People += c.People
	h.Plates += c.Plates
	h.Motion += c.Motion
}
