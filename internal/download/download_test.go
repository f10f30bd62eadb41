package download

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("%s holds %v, want %v", dir, got, names)
	}
}

func TestPlace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	path := filepath.Join(dir, "file")
	data := []byte("the right bytes")
	if err := Place(path, bytes.NewReader(data), sum(nil), sum(data)); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %q, %v", got, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	wantOnly(t, dir, "file")
}

// What was there stays as it was when the new bytes are wrong or do not come.
func TestPlaceKeepsWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	old := []byte("old")
	if err := os.WriteFile(path, old, 0o644); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the line is dead")
	for _, tc := range []struct {
		name string
		src  io.Reader
		want func(error) bool
	}{
		{"wrong bytes", strings.NewReader("wrong"), func(err error) bool {
			var wrong *SumError
			return errors.As(err, &wrong) && wrong.Got == sum([]byte("wrong")) && wrong.Want[0] == sum([]byte("right"))
		}},
		{"cut off", io.MultiReader(strings.NewReader("ri"), iotest.ErrReader(broken)), func(err error) bool {
			return errors.Is(err, broken)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := Place(path, tc.src, sum([]byte("right"))); !tc.want(err) {
				t.Errorf("got %v", err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, old) {
				t.Errorf("the old file is now %q, %v", got, err)
			}
			wantOnly(t, dir, "file")
		})
	}
}

func TestPlaceAtOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	contents := [][]byte{bytes.Repeat([]byte("a"), 1<<16), bytes.Repeat([]byte("b"), 1<<16)}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if err := Place(path, bytes.NewReader(contents[i%2]), sum(contents[i%2])); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, contents[0]) && !bytes.Equal(got, contents[1]) {
		t.Errorf("%d bytes, %v: none of the contents", len(got), err)
	}
	wantOnly(t, dir, "file")
}

func TestCheckFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("abc"), 0o644); err != nil {
		t.Fatal(err)
	}
	// FIPS 180-2, appendix B.1.
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if err := CheckFile(path, abc); err != nil {
		t.Error(err)
	}
	if err := Check("abc", []byte("abc"), abc); err != nil {
		t.Error(err)
	}
	var wrong *SumError
	if err := CheckFile(path, sum(nil)); !errors.As(err, &wrong) || wrong.Got != abc || wrong.Bytes != 3 {
		t.Errorf("got %v", err)
	}
	if err := CheckFile(dir, abc); err == nil || errors.As(err, &wrong) {
		t.Errorf("a folder: got %v", err)
	}
	if err := CheckFile(filepath.Join(dir, "no"), abc); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
}
