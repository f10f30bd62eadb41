package statefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWrite: a file is replaced in one step, with its mode, and nothing else
// stays in the folder.
func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(dir, "token")
	for _, text := range []string{"the first", "another"} {
		if err := State(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != text {
			t.Errorf("%q, %v", data, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	// A reader that has the old file open goes on reading that: it was not
	// written over.
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := Write(path, []byte("x"), 0o640); err != nil {
		t.Fatal(err)
	}
	if st, err := f.Stat(); err != nil || st.Size() != int64(len("another")) {
		t.Errorf("the old file: %v, %v", st.Size(), err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("in the folder: %v, %v", entries, err)
	}
}

// TestRights: what others may use is refused, with the way out.
func TestRights(t *testing.T) {
	for _, c := range []struct {
		dir, file     fs.FileMode
		secret, owned bool // accepted
	}{
		{0o700, 0o600, true, true},
		{0o755, 0o400, true, true},
		{0o700, 0o640, false, true},
		{0o700, 0o604, false, true},
		{0o700, 0o660, false, false},
		{0o700, 0o602, false, false},
		{0o777, 0o600, false, false},
		{0o770, 0o600, false, false},
		{0o777 | fs.ModeSticky, 0o600, true, true},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "key.pem")
		if err := os.WriteFile(path, []byte("key"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Chmod(path, c.file), os.Chmod(dir, c.dir)); err != nil {
			t.Fatal(err)
		}
		for name, read := range map[string]func(string) ([]byte, error){"Secret": Secret, "Owned": Owned} {
			accept := c.secret
			if name == "Owned" {
				accept = c.owned
			}
			data, err := read(path)
			if accept && (err != nil || string(data) != "key") {
				t.Errorf("%s, %v in %v: %v", name, c.file, c.dir, err)
			}
			if !accept && (!errors.Is(err, ErrShared) || !strings.Contains(err.Error(), "chmod go-")) {
				t.Errorf("%s, %v in %v: %q, %v", name, c.file, c.dir, data, err)
			}
		}
	}
	if _, err := Secret(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
