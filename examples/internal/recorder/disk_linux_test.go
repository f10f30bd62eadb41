package recorder

import (
	"syscall"
	"testing"
)

// smallDisk puts a file system of 64 KB on a folder, which takes root.
func smallDisk(t *testing.T, dir string) error {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		return err
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return nil
}
