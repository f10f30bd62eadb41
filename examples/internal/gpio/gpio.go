// Package gpio watches a push button through the file that Linux has for its line.
package gpio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	// readEvery is how often the file is read. A press is longer.
	readEvery = 20 * time.Millisecond
	// retryEvery is how long to wait for a file that cannot be read.
	retryEvery = time.Second
)

// Watch calls pressed whenever the first line of the file becomes at, until ctx ends. A
// button that is held is one press, and one that is held at the start is none. told is
// called when the file cannot be read, with the kind "bell lost", and when it can be read
// again, with "bell back".
func Watch(ctx context.Context, path, at string, pressed func(), told func(kind, text string)) {
	t := time.NewTicker(readEvery)
	defer t.Stop()
	b := button{at: at, pressed: pressed, told: told, down: true}
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if text, err := readLine(path); b.read(text, err) {
			t.Reset(b.every())
		}
	}
}

// Follow tells on of a switch: at once, and whenever it changes, until ctx ends. While its
// file cannot be read the switch counts as on, and told is called with the kind "switch
// lost", and then with "switch back".
func Follow(ctx context.Context, path, at string, on func(bool), told func(kind, text string)) {
	t := time.NewTicker(readEvery)
	defer t.Stop()
	s := level{at: at, on: on, told: told}
	for {
		s.read(readLine(path))
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// level is the state of a switch.
type level struct {
	at        string // what the file says while it is on
	on        func(bool)
	told      func(kind, text string)
	known, is bool
	failed    bool
}

// read takes what the file says, or why it cannot be read.
func (s *level) read(text string, err error) {
	if (err != nil) != s.failed {
		s.failed = err != nil
		if s.failed {
			s.told("switch lost", fmt.Sprintf("the switch cannot be read and counts as on: %v", err))
		} else {
			s.told("switch back", "the switch can be read")
		}
	}
	// A file that is just being written is empty.
	is := err != nil || text == s.at || text == ""
	if !s.known || is != s.is {
		s.known, s.is = true, is
		s.on(is)
	}
}

// button is the state of a push button.
type button struct {
	at      string // what the file says while it is down
	pressed func()
	told    func(kind, text string)
	down    bool // when it was read last, or the file could not be read
	failed  bool
}

// read takes what the file says, or why it cannot be read. It reports whether that is a
// change from the one to the other.
func (b *button) read(text string, err error) (changed bool) {
	if changed = (err != nil) != b.failed; changed {
		b.failed = err != nil
		if b.failed {
			b.told("bell lost", fmt.Sprintf("the button cannot be read: %v", err))
		} else {
			b.told("bell back", "the button can be read")
		}
	}
	was := b.down
	b.down = err != nil || text == b.at
	if err == nil && b.down && !was {
		b.pressed()
	}
	return changed
}

// every returns how often the file is to be read.
func (b *button) every() time.Duration {
	if b.failed {
		return retryEvery
	}
	return readEvery
}

// readLine returns the first line of a small file.
func readLine(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var text [64]byte
	n, err := f.Read(text[:])
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	line, _, _ := bytes.Cut(text[:n], []byte("\n"))
	return string(bytes.TrimSpace(line)), nil
}
