// Package gpio watches a push button or a switch through the file that Linux has for its line.
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
	// steadyFor is how long a switch must be off, without a break, to count as off: a
	// contact bounces, and a line that nothing is wired to floats.
	steadyFor = time.Second
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

// Follow tells on of a switch whenever it changes, until ctx ends: that it is on at once,
// at the start too, and that it is off when it has been for a second without a break.
// While its file cannot be read the switch counts as on, and told is called with the kind
// "switch lost", and with "switch back" when it could be read for a second.
func Follow(ctx context.Context, path, at string, on func(bool), told func(kind, text string)) {
	t := time.NewTicker(readEvery)
	defer t.Stop()
	s := level{at: at, on: on, told: told, lastOn: time.Now()}
	for {
		text, err := readLine(path)
		s.read(time.Now(), text, err)
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
	lastOn    time.Time // when it last was on, or the file could not be read
	known, is bool
	failed    bool
	fault     time.Time // when the file last could not be read
}

// read takes what the file says, or why it cannot be read, at a time.
func (s *level) read(now time.Time, text string, err error) {
	if err != nil {
		s.fault = now
		if !s.failed {
			s.failed = true
			s.told("switch lost", fmt.Sprintf("the switch cannot be read and counts as on: %v", err))
		}
	} else if s.failed && now.Sub(s.fault) >= steadyFor {
		s.failed = false
		s.told("switch back", "the switch can be read")
	}
	// A file that is just being written is empty.
	is := err != nil || text == s.at || text == ""
	if is {
		s.lastOn = now
	} else if now.Sub(s.lastOn) < steadyFor {
		return
	}
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
