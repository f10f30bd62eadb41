package download

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPlaceOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("needs the right to mount a small tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	data := bytes.Repeat([]byte("x"), 1<<20)
	err := Place(filepath.Join(dir, "file"), bytes.NewReader(data), sum(data))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), filepath.Join(dir, "file")) {
		t.Errorf("got %v, want no space left, naming the file", err)
	}
	wantOnly(t, dir)
}
