package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hedgecam/hedge/examples/internal/eventlog"
	"github.com/hedgecam/hedge/examples/internal/seal"
	"github.com/hedgecam/hedge/pipeline"
)

// logSummary is what the camera's event log says.
type logSummary struct {
	logFile
	// Older is the file that was before, nil if the log was never rotated.
	Older *logFile `json:"older,omitempty"`
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

	from     time.Time // what is older does not count
	last     time.Time // of the newest event
	closedAt time.Time // since when it is known whether more is hidden than asked
}

// logFile is one of the log's files.
type logFile struct {
	Name string `json:"name"`
	// Bytes is how many of the file's first bytes Sum, a SHA-256, is of.
	Bytes int64  `json:"bytes"`
	Sum   string `json:"sha256"`
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
	// Changes is how often it began and ended meanwhile, 0 where it was all the time.
	Changes int `json:"changes,omitempty"`
}

type change struct {
	Time   time.Time `json:"time"`
	Policy string    `json:"sha256"`
}

// readLog sums up an event log from a time on: the older file of one that was rotated, and
// the newer one. A line that was only half written, at its end, does not count: it is not
// part of the sum either.
func readLog(path string, from time.Time) (*logSummary, error) {
	older, newer, err := openLog(path)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	defer newer.Close()
	l := &logSummary{from: from, closedAt: from}
	if older != nil {
		defer older.Close()
		l.Older = &logFile{Name: filepath.Base(eventlog.Older(path))}
		rest, err := l.read(older, l.Older)
		if err != nil {
			return nil, err
		}
		if len(rest) > 0 {
			l.line(rest) // it is never ended
		}
	}
	l.Name = filepath.Base(path)
	_, err = l.read(newer, &l.logFile)
	return l, err
}

// openLog opens the files of a log that may be rotated meanwhile. older is nil if there is
// none.
func openLog(path string) (older, newer *os.File, err error) {
	for range 3 {
		older, err = os.Open(eventlog.Older(path))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
		if newer, err = os.Open(path); err == nil && same(older, eventlog.Older(path)) {
			return older, newer, nil
		}
		if err == nil {
			err = errors.Join(errRotated, newer.Close())
		}
		if older != nil {
			err = errors.Join(err, older.Close())
		}
	}
	return nil, nil, err
}

// errRotated is told of a log that is rotated again and again.
var errRotated = errors.New("the log was rotated while it was read: try again")

// same reports whether a file, nil for none, still has that name.
func same(f *os.File, name string) bool {
	now, err := os.Stat(name)
	if f == nil || err != nil {
		return f == nil && errors.Is(err, fs.ErrNotExist)
	}
	was, err := f.Stat()
	return err == nil && os.SameFile(was, now)
}

// read enters the whole lines of a file, and returns what is behind the last one. That is
// part of the sum of an older file, which grows no more.
func (l *logSummary) read(f *os.File, sum *logFile) (rest []byte, err error) {
	h := sha256.New()
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("events: %w", err)
		}
		whole := err == nil
		if whole || sum == l.Older {
			_, _ = h.Write(line) // never an error
			sum.Bytes += int64(len(line))
		}
		if !whole {
			sum.Sum = hex.EncodeToString(h.Sum(nil))
			return line, nil
		}
		l.line(line)
	}
}

// line enters a line.
func (l *logSummary) line(line []byte) {
	if len(line) == 1 && line[0] == '\n' {
		return // an empty line
	}
	var e eventlog.Event
	if err := json.Unmarshal(line, &e); err != nil || e.Kind == "" || e.Time.IsZero() {
		l.Unreadable++
		return
	}
	l.Events++
	if e.Time.Before(l.last) {
		l.ClockBack++
	}
	l.last = e.Time
	if e.Data == nil {
		e.Data = &eventlog.Data{}
	}
	if !e.Time.Before(l.from) {
		l.take(&e)
	} else if e.Kind == eventlog.PolicyInForce || e.Kind == eventlog.Started {
		l.Policies = []change{{e.Time.UTC(), e.Data.Policy}} // in force when it begins
	}
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
		l.closedAt = at
		end(l.Closed)
		end(l.Previews)
		l.Programs = append(l.Programs, started{at, e.Data.Version, e.Data.Sum, e.Data.Models})
		l.Policies = append(l.Policies, change{at, e.Data.Policy})
	case pipeline.FailedClosed.String(), pipeline.Recovered.String():
		if e.Data.Changes > 1 {
			l.flapped(e.Data.Changes)
		}
		l.closedAt = at
		end(l.Closed)
		if e.Kind == pipeline.FailedClosed.String() {
			l.Closed = append(l.Closed, interval{From: at, Reason: e.Data.Reason})
		}
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

// flapped enters that since the state was told of last more was hidden than asked, and not,
// by turns. The interval ends with the event that says so.
func (l *logSummary) flapped(changes int) {
	var last interval
	if n := len(l.Closed); n > 0 {
		last = l.Closed[n-1]
	}
	if last.From.IsZero() || !last.To.IsZero() {
		l.Closed = append(l.Closed, interval{From: l.closedAt.UTC(), Reason: last.Reason})
	}
	l.Closed[len(l.Closed)-1].Changes += changes
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

// compareLog checks the event log: what was in it must still be how it begins. It may have
// been rotated since: then it is the older file, and the one that was the older is gone.
func (v *verdict) compareLog(ctx context.Context, c *verifyConfig) error {
	l := v.record.Log
	if l == nil {
		return fmt.Errorf("events: the record was made without an event log, so there is nothing to check %s against", c.Events)
	}
	older := eventlog.Older(c.Events)
	fault, err := l.compare(ctx, c.Events, false)
	if err != nil {
		return err
	}
	rotated := false
	if fault != nil {
		other, err := l.compare(ctx, older, false)
		if err != nil {
			return err
		}
		if rotated = other == nil; !rotated {
			v.findings = append(v.findings, *fault)
		}
	}
	switch {
	case l.Older == nil:
	case rotated && c.Expired:
		v.notes = append(v.notes, l.Older.Name+": is not there any more; the log was rotated since")
	case rotated:
		v.findings = append(v.findings, finding{missing, l.Older.Name, "the log was rotated since; -expired allows for it"})
	default:
		fault, err := l.Older.compare(ctx, older, true)
		if err != nil {
			return err
		}
		if fault != nil {
			v.findings = append(v.findings, *fault)
		}
	}
	return nil
}

// compare says what is wrong with a file of the log, nil if it begins, or is as a whole, as it
// was signed.
func (l *logFile) compare(ctx context.Context, path string, whole bool) (*finding, error) {
	n := l.Bytes
	if whole {
		n = -1
	}
	sum, n, err := sumFile(ctx, path, n)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &finding{missing, l.Name, "the event log was there when the record was made"}, nil
	case errors.Is(err, errShort), err == nil && n < l.Bytes:
		return &finding{cut, l.Name, fmt.Sprintf("%d of %d bytes are left", n, l.Bytes)}, nil
	case err != nil:
		return nil, err
	case sum != l.Sum:
		return &finding{changed, l.Name, "what is in it is not what was signed"}, nil
	}
	return nil, nil
}
