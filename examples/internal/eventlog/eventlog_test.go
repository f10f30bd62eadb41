package eventlog

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	var mu sync.Mutex
	var told []Event
	l, err := Open(path, nil, func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, e)
	})
	if err != nil {
		t.Fatal(err)
	}
	for range kept + 5 {
		l.Add("ring", "a \"quoted\"\ntext")
	}
	if n := len(l.Newest()); n != kept {
		t.Errorf("%d events for the page", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.Add("late", "") // does nothing
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) != kept+5 || len(told) != kept+5 {
		t.Fatalf("%d lines, %d told", len(lines), len(told))
	}
	for _, line := range lines {
		var e Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Kind != "ring" || e.Time.IsZero() {
			t.Fatalf("%q: %v", line, err)
		}
	}
	if err := l.Close(); err == nil {
		t.Error("closed twice without a word")
	}
}

// TestAddDoesNotBlock: a reader of events that hangs delays nobody.
func TestAddDoesNotBlock(t *testing.T) {
	hang := make(chan struct{})
	l, err := Open("", nil, func(Event) { <-hang })
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * queueSize {
		l.Add("ring", "")
	}
	if all, dropped := l.Counts(); all != 2*queueSize || dropped < queueSize-1 {
		t.Errorf("%d events, %d dropped", all, dropped)
	}
	close(hang)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRecord: what is for programs only stands in the file, and nowhere else.
func TestRecord(t *testing.T) {
	var out bytes.Buffer
	told := 0
	l, err := Open("-", &out, func(Event) { told++ })
	if err != nil {
		t.Fatal(err)
	}
	l.Record(Counted, Data{Counts: &Counts{Frames: 7}})
	l.AddData("failed closed", "words", Data{Reason: "detector late"})
	if n, _ := l.Counts(); n != 1 || len(l.Newest()) != 1 {
		t.Errorf("%d events, newest %v", n, l.Newest())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var all []Event
	for d := json.NewDecoder(&out); d.More(); {
		var e Event
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	if told != 1 || len(all) != 2 || all[0].Data.Counts.Frames != 7 || all[1].Data.Reason != "detector late" {
		t.Errorf("told %d, written %+v", told, all)
	}
}
