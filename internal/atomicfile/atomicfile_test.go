package atomicfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/hedgecam/hedge/internal/atomicfile"
)

func text(s string) func(*os.File) error {
	return func(f *os.File) error {
		_, err := f.WriteString(s)
		return err
	}
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q (%v), want %q", filepath.Base(path), got, err, want)
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	long := strings.Repeat("ü", 124) + ".json"
	for _, err := range []error{
		os.Mkdir(at("sub"), 0o700), os.Symlink("sub/target", at("dangling")), os.Symlink("dangling", at("twice")),
		os.Symlink("loop", at("loop")), os.WriteFile(at("old"), []byte("old"), 0o600), os.Symlink(at("old"), at("link")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	fails := errors.New("fake")
	for _, tt := range []struct {
		name    string
		file    string
		replace bool
		write   func(*os.File) error
		want    error
		holder  string
		holds   string
	}{
		{"new", "new", false, text("1"), nil, "new", "1"},
		{"there already", "old", false, text("2"), atomicfile.ErrExists, "old", "old"},
		{"a link to what is there", "link", false, text("2"), atomicfile.ErrExists, "old", "old"},
		{"given up", "old", true, func(*os.File) error { return fails }, fails, "old", "old"},
		{"replaced", "old", true, text("3"), nil, "old", "3"},
		{"through a link", "link", true, text("4"), nil, "old", "4"},
		{"through a dangling link", "twice", false, text("5"), nil, "sub/target", "5"},
		{"long name", long, false, text("6"), nil, long, "6"},
		{"links in a circle", "loop", true, text("7"), syscall.ELOOP, "", ""},
		{"no folder", "none/file", true, text("8"), fs.ErrNotExist, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := atomicfile.Write(at(tt.file), tt.replace, tt.write); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if tt.holder != "" {
				holds(t, at(tt.holder), tt.holds)
			}
		})
	}
	for _, link := range []string{"dangling", "twice", "link"} {
		if st, err := os.Lstat(at(link)); err != nil || st.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s is no link any more: %v", link, err)
		}
	}
	if parts, err := filepath.Glob(at(".*")); err != nil || len(parts) != 0 {
		t.Errorf("left behind: %q", parts)
	}
}

// TestErrorsNameTheFile: what goes wrong with a part file is said of the file, and is the
// same each time.
func TestErrorsNameTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	none := filepath.Join(t.TempDir(), "none", "file")
	for name, write := range map[string]func() error{
		"no folder": func() error { return atomicfile.WriteData(none, nil, 0o600) },
		"full": func() error {
			return atomicfile.Write(file, true, func(f *os.File) error {
				return &fs.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
			})
		},
		"closed": func() error { return atomicfile.Write(file, true, (*os.File).Close) },
		"gone": func() error {
			return atomicfile.Write(file, true, func(f *os.File) error { return os.Remove(f.Name()) })
		},
	} {
		first, again := write(), write()
		if first == nil || again == nil {
			t.Errorf("%s: %v, %v", name, first, again)
			continue
		}
		text, _, _ := strings.Cut(first.Error(), "\n") // then that the part file is no more
		if text2, _, _ := strings.Cut(again.Error(), "\n"); text != text2 || strings.Contains(text, ".part") {
			t.Errorf("%s: %q, then %q", name, text, text2)
		}
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.Mkdir(at("sub"), 0o700), os.WriteFile(at("old"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		file    string
		replace bool
		want    error
	}{
		{"new", false, nil}, {"old", false, atomicfile.ErrExists}, {"old", true, nil},
		{"sub", true, atomicfile.ErrNoFile}, {"none/new", true, fs.ErrNotExist}, {"old/new", true, syscall.ENOTDIR},
	} {
		if err := atomicfile.Check(at(tt.file), tt.replace); !errors.Is(err, tt.want) {
			t.Errorf("%s, replace %v: got %v, want %v", tt.file, tt.replace, err, tt.want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func FuzzCut(f *testing.F) {
	f.Add("name.mp4", 3)
	f.Add("üüü", 3)
	f.Add("\xff\x80\x80", 1)
	f.Fuzz(func(t *testing.T, name string, n int) {
		n = min(max(n, 0), 300)
		got := atomicfile.Cut(name, n)
		if len(got) > n || !strings.HasPrefix(name, got) || utf8.ValidString(name) && !utf8.ValidString(got) {
			t.Errorf("%q cut to %d is %q", name, n, got)
		}
	})
}
