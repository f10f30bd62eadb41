// Package eventlog keeps what happened to a program: each event is a line of JSON in a
// file, and the newest are at hand for a page.
package eventlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
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
}

// Log writes each event as a line of JSON, keeps the newest in memory and calls
// OnEvent. A slow disk or network delays nobody: an event that finds the queue full is
// dropped and counted. Its methods may be called by any goroutine.
type Log struct {
	out     io.Writer
	close   func() error
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
func Open(path string, stdout io.Writer, onEvent func(Event)) (*Log, error) {
	l := &Log{out: stdout, close: func() error { return nil }, onEvent: onEvent,
		queue: make(chan Event, queueSize), done: make(chan struct{})}
	switch path {
	case "-":
	case "":
		l.out = io.Discard
	default:
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, fmt.Errorf("events: %w", err)
		}
		l.out, l.close = f, f.Close
	}
	go l.write()
	return l, nil
}

// Add enters an event. It never blocks.
func (l *Log) Add(kind, text string) {
	e := Event{Time: time.Now(), Kind: kind, Text: text}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.newest = append([]Event{e}, l.newest[:min(len(l.newest), kept-1)]...)
	l.count++
	select {
	case l.queue <- e:
	default:
		l.dropped++
	}
}

func (l *Log) write() {
	defer close(l.done)
	failed := false
	for e := range l.queue {
		line, err := json.Marshal(e)
		if err == nil {
			_, err = l.out.Write(append(line, '\n'))
		}
		if err != nil && !failed {
			l.Add("events lost", fmt.Sprintf("events cannot be written: %v", err))
		}
		failed = err != nil
		l.onEvent(e)
	}
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
	return l.close()
}
