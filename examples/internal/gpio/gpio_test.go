package gpio

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestLevel: a switch is told of at once when it is on, and when it has been off for a
// second; it is on while its file cannot be read, or is empty.
func TestLevel(t *testing.T) {
	var on []bool
	var told []string
	now := time.Unix(1000, 0)
	s := level{at: "1", on: func(is bool) { on = append(on, is) }, told: func(kind, _ string) { told = append(told, kind) }, lastOn: now}
	gone := errors.New("gone")
	// reads reads it for a time, as often as Follow does, and returns what was told of.
	reads := func(d time.Duration, text func(n int) (string, error)) (on2 []bool, told2 []string) {
		on, told = nil, nil
		for n := range int(d / readEvery) {
			now = now.Add(readEvery)
			line, err := text(n)
			s.read(now, line, err)
		}
		return on, told
	}
	says := func(text string) func(int) (string, error) { return func(int) (string, error) { return text, nil } }
	floats := func(n int) (string, error) { return []string{"0", "1"}[n%2], nil }
	flaps := func(n int) (string, error) { return "0", []error{nil, gone}[n%2] }
	for i, step := range []struct {
		d    time.Duration
		text func(int) (string, error)
		on   []bool
		told []string
	}{
		{steadyFor - readEvery, says("0"), nil, nil},
		{readEvery, says("0"), []bool{false}, nil},
		{time.Minute, says("0"), nil, nil},
		{readEvery, says("1"), []bool{true}, nil},
		{steadyFor - readEvery, says("0"), nil, nil},
		{readEvery, says("1"), nil, nil},
		{time.Minute, floats, nil, nil},
		{steadyFor, says("0"), []bool{false}, nil},
		{time.Minute, floats, []bool{true}, nil},
		{2 * steadyFor, says("0"), []bool{false}, nil},
		{time.Minute, flaps, []bool{true}, []string{"switch lost"}},
		{steadyFor - readEvery, says("0"), nil, nil},
		{readEvery, says("0"), []bool{false}, []string{"switch back"}},
		{readEvery, says(""), []bool{true}, nil},
		{time.Minute, says("1"), nil, nil},
	} {
		if on, told := reads(step.d, step.text); !slices.Equal(on, step.on) || !slices.Equal(told, step.told) {
			t.Errorf("step %d: %v, told %q; want %v, %q", i, on, told, step.on, step.told)
		}
	}
	// One that is on at the start is told of at once.
	s = level{at: "1", on: s.on, told: s.told, lastOn: now}
	if on, _ := reads(readEvery, says("1")); !slices.Equal(on, []bool{true}) {
		t.Errorf("on at the start: told %v", on)
	}
	first := make(chan bool, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		Follow(ctx, filepath.Join(t.TempDir(), "none"), "1", func(is bool) { first <- is }, func(_, _ string) {})
	}()
	if !<-first {
		t.Error("a switch without a file is off")
	}
	cancel()
	<-done
}

// TestButton: a press counts once, however long the button is held. One that is held at
// the start, or when its file comes back, is none.
func TestButton(t *testing.T) {
	presses, told := 0, map[string]int{}
	b := button{at: "1", down: true, pressed: func() { presses++ }, told: func(kind, _ string) { told[kind]++ }}
	gone := errors.New("gone")
	for i, step := range []struct {
		text    string
		err     error
		presses int
		changed bool
	}{
		{"1", nil, 0, false}, {"1", nil, 0, false}, // held at the start
		{"0", nil, 0, false}, {"1", nil, 1, false}, {"1", nil, 1, false}, // one press
		{"", nil, 1, false}, {"1", nil, 2, false}, // a file that is being written is no press
		{"", gone, 2, true}, {"", gone, 2, false}, {"1", nil, 2, true}, {"1", nil, 2, false}, // comes back held
		{"0", nil, 2, false}, {"1", nil, 3, false},
	} {
		if changed := b.read(step.text, step.err); changed != step.changed || presses != step.presses {
			t.Errorf("step %d: %d presses, changed %t; want %d, %t", i, presses, changed, step.presses, step.changed)
		}
		if want := map[bool]time.Duration{false: readEvery, true: retryEvery}[step.err != nil]; b.every() != want {
			t.Errorf("step %d: read every %v", i, b.every())
		}
	}
	if told["bell lost"] != 1 || told["bell back"] != 1 {
		t.Errorf("told %v", told)
	}
}

// TestWatch: the file is followed while it changes, goes and comes back.
func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "value")
	set := func(text string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	pressed, told := make(chan struct{}, 1000), make(chan string, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		Watch(ctx, path, "1", func() { pressed <- struct{}{} }, func(kind, _ string) { told <- kind })
	}()
	if kind := <-told; kind != "bell lost" {
		t.Errorf("told of %q", kind)
	}
	set("0\n")
	if kind := <-told; kind != "bell back" {
		t.Errorf("told of %q", kind)
	}
	set("1\n")
	<-pressed
	cancel()
	<-done
}
