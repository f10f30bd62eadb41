package recorder

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// contents are the names of what a folder holds, with what stands in each.
func contents(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Name()+": "+string(data))
	}
	return all
}

// TestTaken: while a recorder or ring runs no other one, in this program or another, gets its
// folder or touches what is in it; everybody may read it, and it is free afterwards.
func TestTaken(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, dir := newScene(t, 64, 48), t.TempDir()
	recorder := func() (interface{ Close() error }, error) { return New(s.broadcaster, Options{Dir: dir}) }
	ring := func() (interface{ Close() error }, error) { return NewRing(s.broadcaster, RingOptions{Dir: dir}) }
	for _, begin := range []func() (interface{ Close() error }, error){recorder, ring} {
		first, err := begin()
		if err != nil {
			t.Fatal(err)
		}
		// What a start repairs and removes.
		for _, name := range []string{partPrefix + "hedge-000008-20260510T120000Z.mp4", "hedge-000007-20260510T120000Z.mp4"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("\x00\x00\x00\x08moof\x00\x00\x00\x08mdat torn"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		before := contents(t, dir)
		for _, again := range []func() (interface{ Close() error }, error){recorder, ring} {
			if _, err := again(); !errors.Is(err, ErrTaken) || !strings.Contains(err.Error(), dir) {
				t.Errorf("a second one: %v", err)
			}
		}
		child := exec.CommandContext(t.Context(), exe)
		child.Env = append(os.Environ(), childDir+"="+dir, childSegment+"=1m")
		if out, err := child.CombinedOutput(); err == nil || !strings.Contains(string(out), ErrTaken.Error()) {
			t.Errorf("another program: %v, %s", err, out)
		}
		if after := contents(t, dir); !slices.Equal(after, before) {
			t.Errorf("%q, was %q", after, before)
		}
		if found, _, err := List(dir); err != nil || len(found) != 1 {
			t.Errorf("read: %+v, %v", found, err)
		}
		stop(t, first)
	}
	last, err := recorder()
	if err != nil {
		t.Fatal(err)
	}
	stop(t, last)
	if left := contents(t, dir); len(left) != 1 || strings.HasSuffix(left[0], "torn") {
		t.Errorf("not repaired: %q", left)
	}
}
