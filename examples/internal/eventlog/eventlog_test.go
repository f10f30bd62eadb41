package eventlog

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
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

// TestTornLine: a line that was half written stays, and every event after it has a line of
// its own.
func TestTornLine(t *testing.T) {
	for before, want := range map[string]string{
		"":                        "",
		"{\"kind\":\"a\"}\n":      "{\"kind\":\"a\"}\n",
		"{\"kind\":\"a\"}\n{\"ti": "{\"kind\":\"a\"}\n{\"ti\n",
	} {
		path := filepath.Join(t.TempDir(), "events.jsonl")
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(path, nil, func(Event) {})
		if err != nil {
			t.Fatal(err)
		}
		l.Add("ring", "")
		l.Add("ring", "")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rest, ok := strings.CutPrefix(string(data), want)
		if lines := strings.SplitAfter(rest, "\n"); !ok || len(lines) != 3 || lines[2] != "" || kindOf(lines[0]) != "ring" || kindOf(lines[1]) != "ring" {
			t.Errorf("%q became %q", before, data)
		}
	}
}

// kindOf returns the kind of the event in a line, "" if there is none.
func kindOf(line string) string {
	var e Event
	if json.Unmarshal([]byte(line), &e) != nil {
		return ""
	}
	return e.Kind
}

// fullDisk takes so many bytes of each write at which it is told to, all of the others.
type fullDisk struct {
	bytes.Buffer
	takes []int
}

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(d.takes) == 0 {
		return d.Buffer.Write(p)
	}
	n := min(d.takes[0], len(p))
	d.takes = d.takes[1:]
	_, _ = d.Buffer.Write(p[:n]) // it never fails
	return n, syscall.ENOSPC
}

// TestFullDisk: after events that were written in part, or not at all, the next has a line
// of its own, without empty ones.
func TestFullDisk(t *testing.T) {
	for _, takes := range [][]int{{30}, {30, 0}, {30, 1}, {30, 20}, {0}, {0, 30}} {
		out := &fullDisk{takes: takes}
		l, err := Open("-", out, func(Event) {})
		if err != nil {
			t.Fatal(err)
		}
		for range len(takes) + 1 {
			l.Add("ring", "")
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if kindOf(lines[len(lines)-1]) == "" || strings.Contains(out.String(), "\n\n") || strings.HasPrefix(out.String(), "\n") {
			t.Errorf("%v: %q", takes, out.String())
		}
	}
}
