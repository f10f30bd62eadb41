package main

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
	// kept is how many events the page shows.
	kept = 30
	// queuedEvents is how many events may wait to be written.
	queuedEvents = 256
)

// event is something that happened.
type event struct {
	Time time.Time `json:"time"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
}

// journal takes events, writes each as a line of JSON, keeps the newest for the
// page and tells whoever else wants to know. A slow disk or network delays
// nobody: events that find no room are dropped and counted.
type journal struct {
	out   io.Writer
	close func() error
	tell  func(event)

	queue chan event
	done  chan struct{}

	mu      sync.Mutex
	ended   bool
	newest  []event // the newest first
	count   uint64
	dropped uint64
}

// openJournal opens the file for events; - is stdout, an empty name is none.
// tell is called for each event, by one goroutine.
func openJournal(path string, stdout io.Writer, tell func(event)) (*journal, error) {
	j := &journal{out: stdout, close: func() error { return nil }, tell: tell,
		queue: make(chan event, queuedEvents), done: make(chan struct{})}
	switch path {
	case "-":
	case "":
		j.out = io.Discard
	default:
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, fmt.Errorf("events: %w", err)
		}
		j.out, j.close = f, f.Close
	}
	go j.write()
	return j, nil
}

// add takes an event. It waits for nothing.
func (j *journal) add(kind, text string) {
	e := event{Time: time.Now(), Kind: kind, Text: text}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended {
		return
	}
	j.newest = append([]event{e}, j.newest[:min(len(j.newest), kept-1)]...)
	j.count++
	select {
	case j.queue <- e:
	default:
		j.dropped++
	}
}

func (j *journal) write() {
	defer close(j.done)
	failed := false
	for e := range j.queue {
		line, err := json.Marshal(e)
		if err == nil {
			_, err = j.out.Write(append(line, '\n'))
		}
		if err != nil && !failed {
			j.add("events lost", fmt.Sprintf("events cannot be written: %v", err))
		}
		failed = err != nil
		j.tell(e)
	}
}

// last returns the newest events, the newest first.
func (j *journal) last() []event {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]event(nil), j.newest...)
}

// counts returns how many events there were, and how many of them were not
// written.
func (j *journal) counts() (all, dropped uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.count, j.dropped
}

// Close writes what is waiting and closes the file.
func (j *journal) Close() error {
	j.mu.Lock()
	ended := j.ended
	j.ended = true
	j.mu.Unlock()
	if ended {
		return errors.New("events: closed already")
	}
	close(j.queue)
	<-j.done
	return j.close()
}
