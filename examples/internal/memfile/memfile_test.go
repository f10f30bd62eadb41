package memfile_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/examples/internal/memfile"
)

// TestFile: what is held is read here, from any place, and by no program that is started,
// lies in no folder, and is gone when it is closed.
func TestFile(t *testing.T) {
	scratch := t.TempDir()
	data := bytes.Repeat([]byte("raw picture "), 10000)
	for name, dir := range map[string]string{"memory": "", "scratch": scratch} {
		f, err := memfile.New(bytes.NewReader(data), int64(len(data)), 1<<20, dir)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		path := f.Path()
		for range 2 {
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		}
		out, err := exec.CommandContext(t.Context(), "tail", "-c", "12", path).Output()
		if err == nil || len(out) > 0 {
			t.Errorf("%s: a child reads %q", name, out)
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || name == "scratch" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
		if left, err := os.ReadDir(scratch); err != nil || len(left) != 0 {
			t.Errorf("%s: %v lies in the folder, %v", name, left, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if got, err := os.ReadFile(path); err == nil && bytes.Equal(got, data) {
			t.Errorf("%s: it is still there", name)
		}
	}
}

// TestRefused: what is too large, shorter or longer than was said, or has no folder.
func TestRefused(t *testing.T) {
	var large *memfile.TooLargeError
	if _, err := memfile.New(strings.NewReader("12345"), 5, 4, ""); !errors.As(err, &large) || !strings.Contains(err.Error(), "-scratch") {
		t.Errorf("too large: %v", err)
	}
	for _, size := range []int64{4, 6} {
		if _, err := memfile.New(strings.NewReader("12345"), size, 10, ""); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes of 5: %v", size, err)
		}
	}
	if _, err := memfile.New(strings.NewReader("1"), 1, 10, "/nowhere"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// TestBudget: what does not fit beside others waits for them, and what never fits is refused
// at once.
func TestBudget(t *testing.T) {
	b := memfile.NewBudget(10)
	never := func() { t.Error("it waits") }
	var large *memfile.TooLargeError
	if _, err := b.Take(t.Context(), 11, never); !errors.As(err, &large) {
		t.Errorf("too large: %v", err)
	}
	free, err := b.Take(t.Context(), 6, never)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := b.Take(ctx, 6, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	later, err := b.Take(t.Context(), 6, free)
	if err != nil {
		t.Fatal(err)
	}
	later()
	all, err := b.Take(t.Context(), 10, never)
	if err != nil {
		t.Fatal(err)
	}
	all()
}
