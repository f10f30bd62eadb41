package eventlog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// written adds events with these texts to a log of so many bytes at most, and closes it.
func written(t *testing.T, path string, most int64, texts ...string) {
	t.Helper()
	l, err := open(path, nil, most, func(Event) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		l.Add("ring", text)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}

// TestRotate: over restarts and rotations no line of the two files is lost, none is longer
// than asked, and who may read them stays.
func TestRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const most = 1000
	n := 0
	for content(t, Older(path)) == "" {
		written(t, path, most, fmt.Sprintf("number %d", n), fmt.Sprintf("number %d", n+1))
		n += 2
	}
	lines := strings.SplitAfter(content(t, Older(path))+content(t, path), "\n")
	if len(lines) != n+1 || lines[n] != "" {
		t.Fatalf("%d lines of %d events", len(lines)-1, n)
	}
	for i, line := range lines[:n] {
		if kindOf(line) != "ring" || !strings.Contains(line, fmt.Sprintf(`"number %d"`, i)) {
			t.Errorf("line %d: %q", i, line)
		}
	}
	for _, name := range []string{path, Older(path)} {
		if info, err := os.Stat(name); err != nil || info.Size() > most || info.Size() == 0 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	before := content(t, path)
	written(t, path, int64(len(before)), "next")
	if content(t, Older(path)) != before || strings.Count(content(t, path), "\n") != 1 {
		t.Error("the newer file did not take the older one's place")
	}
}

// TestRotateTorn: a line that was half written stays at the end of the older file, and the
// new one begins with a whole line.
func TestRotateTorn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	if err := os.WriteFile(path, []byte("{\"ti"), 0o600); err != nil {
		t.Fatal(err)
	}
	written(t, path, 4, "next")
	if old, now := content(t, Older(path)), content(t, path); old != "{\"ti" || kindOf(now) != "ring" || now[0] != '{' {
		t.Errorf("%q, %q", old, now)
	}
}

// TestRotateLink: a link stays one, and the older file lies beside what it leads to.
func TestRotateLink(t *testing.T) {
	dir := t.TempDir()
	path, to := filepath.Join(dir, "link"), filepath.Join(dir, "disk", "events.jsonl")
	if err := errors.Join(os.Mkdir(filepath.Dir(to), 0o700), os.Symlink(filepath.Join("disk", "events.jsonl"), path)); err != nil {
		t.Fatal(err)
	}
	written(t, path, 1, "one", "two")
	if Older(path) != to+".1" || !strings.Contains(content(t, to+".1"), "one") || !strings.Contains(content(t, path), "two") {
		t.Errorf("%s: %q, %q", Older(path), content(t, to+".1"), content(t, path))
	}
	if to, err := os.Readlink(path); err != nil || to == "" {
		t.Errorf("the link is gone: %v", err)
	}
}

// TestRotateElsewhere: a file that another program has moved away is left to it.
func TestRotateElsewhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	f, err := openFile(path, 1)
	if err != nil {
		t.Fatal(err)
	}
	l := &Log{out: f, file: f}
	for i, step := range []func() error{
		func() error { return nil },
		func() error { return os.Rename(path, path+".theirs") },
		func() error {
			return errors.Join(os.WriteFile(path+".new", []byte("theirs\n"), 0o600), os.Rename(path+".new", path))
		},
	} {
		if err := errors.Join(step(), l.rotate(10), l.put(fmt.Appendf(nil, "%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if a, b, c := content(t, path+".theirs"), content(t, path), content(t, Older(path)); a != "0\n" || b != "theirs\n2\n" || c != "" {
		t.Errorf("%q, %q, %q", a, b, c)
	}
}

// TestCannotRotate: where the older file cannot be replaced all goes on in the same file,
// and the owner is told once.
func TestCannotRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	if err := os.MkdirAll(filepath.Join(Older(path), "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	n := 0
	l, err := open(path, nil, 1, func(e Event) {
		if n++; n == 5 {
			close(done)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		l.Add("ring", "")
	}
	<-done
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if text := content(t, path); strings.Count(text, `"kind":"ring"`) != 4 || strings.Count(text, "cannot be rotated") != 1 {
		t.Errorf("%q", text)
	}
}

// TestNoFile: what is no regular file is not rotated.
func TestNoFile(t *testing.T) {
	written(t, os.DevNull, 1, "one", "two")
	if _, err := os.Stat(Older(os.DevNull)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	var out bytes.Buffer
	l, err := open("-", &out, 1, func(Event) {})
	if err != nil {
		t.Fatal(err)
	}
	l.Add("ring", "")
	l.Add("ring", "")
	if err := l.Close(); err != nil || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("%q, %v", out.String(), err)
	}
}
