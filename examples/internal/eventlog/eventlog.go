// Package eventlog keeps what happened to a program: each event is a line of JSON in a
// file, and the newest are at hand for a page.
package eventlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// kept is how many of the newest events Newest returns.
	kept = 30
	// queueSize is how many events may wait to be written.
	queueSize = 256
)

// Event is something that happened.
type Event struct {
	Time time.Time `json:"time"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
	// Data is what programs read of it; nil where there is nothing to read but Kind.
	Data *Data `json:"data,omitempty"`

	quiet bool // for programs only
}

// The kinds of events that programs read. Those of fail-closed intervals are the names
// of pipeline.FailedClosed and pipeline.Recovered.
const (
	// Started: the program begins, with Data.Version, Sum, Models and Policy.
	Started = "program"
	// PolicyInForce: Data.Policy is in force from here on.
	PolicyInForce = "policy in force"
	// Preview: somebody who draws sees what Data.Policy would show; PreviewOver: no more.
	Preview     = "preview"
	PreviewOver = "preview over"
	// Confirmed: the owner says that the zones fit what the camera sees.
	Confirmed = "confirmed"
	// Counted: Data.Counts of the pictures since the last event of this kind.
	Counted = "counts"
)

// Data is what programs read of an event.
type Data struct {
	// Reason is the name of the pipeline.Reason.
	Reason string `json:"reason,omitempty"`
	// Changes is how often a state changed since the last event that told of it, up to
	// this one; 0 where each change is an event of its own.
	Changes int `json:"changes,omitempty"`
	// Policy is the SHA-256 of a policy's canonical form.
	Policy string `json:"policy,omitempty"`
	// Version is the program's and Sum the SHA-256 of its file, Models those of the
	// networks' files by name.
	Version string            `json:"version,omitempty"`
	Sum     string            `json:"sum,omitempty"`
	Models  map[string]string `json:"models,omitempty"`
	Counts  *Counts           `json:"counts,omitempty"`
}

// Counts are of the pictures that went out from From to the event's time.
type Counts struct {
	From time.Time `json:"from"`
	// Frames is how many there were, Whole how many were hidden as a whole, and
	// Closed how many hid more than the policy asks.
	Frames uint64 `json:"frames"`
	Whole  uint64 `json:"whole"`
	Closed uint64 `json:"closed"`
	// Faces, People, Plates and Motion are in how many pictures one or more of them was hidden.
	Faces  uint64 `json:"faces"`
	People uint64 `json:"people"`
	Plates uint64 `json:"plates"`
	Motion uint64 `json:"motion"`
}

// Log writes each event as a line of JSON, keeps the newest in memory and calls
// OnEvent. A slow disk or network delays nobody: an event that finds the queue full is
// dropped and counted. Its methods may be called by any goroutine.
type Log struct {
	out     io.Writer
	file    *file // which is out; nil if that is none
	torn    bool  // what was written last does not end its line
	onEvent func(Event)

	queue chan Event
	done  chan struct{}

	mu      sync.Mutex
	ended   bool
	newest  []Event // the newest first
	count   uint64
	dropped uint64
}

// Open opens the file for events; - is stdout, an empty name is no file. onEvent is
// called for each event, by one goroutine. The error is that of the file system.
//
// Lines are only ever added. One that was half written, by a power cut or on a full disk,
// stays, and the next event begins a line of its own. A file of 32 MiB becomes the older one
// (see Older), and a new one begins.
func Open(path string, stdout io.Writer, onEvent func(Event)) (*Log, error) {
	return open(path, stdout, maxBytes, onEvent)
}

func open(path string, stdout io.Writer, most int64, onEvent func(Event)) (l *Log, err error) {
	l = &Log{out: stdout, onEvent: onEvent, queue: make(chan Event, queueSize), done: make(chan struct{})}
	switch path {
	case "-":
	case "":
		l.out = io.Discard
	default:
		if l.file, err = openFile(path, most); err != nil {
			return nil, err
		}
		l.out, l.torn = l.file, l.file.torn()
	}
	go l.write()
	return l, nil
}

// Add enters an event. It never blocks.
func (l *Log) Add(kind, text string) { l.enter(Event{Kind: kind, Text: text}, true) }

// AddData is Add with what programs read.
func (l *Log) AddData(kind, text string, d Data) {
	l.enter(Event{Kind: kind, Text: text, Data: &d}, true)
}

// Record enters an event that is for programs only: it is in the file, and neither
// among the newest nor told to OnEvent.
func (l *Log) Record(kind string, d Data) { l.enter(Event{Kind: kind, Data: &d}, false) }

func (l *Log) enter(e Event, people bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	e.Time, e.quiet = time.Now(), !people // within the lock: times rise in the file
	if people {
		l.newest = append([]Event{e}, l.newest[:min(len(l.newest), kept-1)]...)
		l.count++
	}
	select {
	case l.queue <- e:
	default:
		l.dropped++
	}
}

func (l *Log) write() {
	defer close(l.done)
	failed, grows := false, false
	for e := range l.queue {
		line, err := json.Marshal(e)
		if err == nil {
			full := l.rotate(len(line) + 1)
			if full != nil && !grows {
				l.Add("events", fmt.Sprintf("the file of events cannot be rotated, and grows: %v", full))
			}
			grows = full != nil
			err = l.put(line)
		}
		if err != nil && !failed {
			l.Add("events lost", fmt.Sprintf("events cannot be written: %v", err))
		}
		failed = err != nil
		if !e.quiet {
			l.onEvent(e)
		}
	}
}

// rotate makes room for so many bytes.
func (l *Log) rotate(more int) error {
	if l.file == nil {
		return nil
	}
	rotated, err := l.file.rotate(more)
	if rotated {
		l.torn = l.file.torn()
	}
	return err
}

// put writes a line of its own.
func (l *Log) put(line []byte) error {
	line = append(line, '\n')
	if l.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := l.out.Write(line)
	if n > 0 {
		l.torn = line[n-1] != '\n'
	}
	if err == nil && n < len(line) {
		err = io.ErrShortWrite
	}
	return err
}

// Newest returns the newest events, the newest first.
func (l *Log) Newest() []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Event(nil), l.newest...)
}

// Counts returns how many events there were, and how many of them were dropped.
func (l *Log) Counts() (all, dropped uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count, l.dropped
}

// Close writes what is waiting and closes the file.
func (l *Log) Close() error {
	l.mu.Lock()
	ended := l.ended
	l.ended = true
	l.mu.Unlock()
	if ended {
		return errors.New("events: closed already")
	}
	close(l.queue)
	<-l.done
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
