package settings

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/redact"
)

const (
	policyA = `{"version": 1}`
	policyB = `{"version": 1, "property": [[[0,0.5],[1,0.5],[1,1],[0,1]]]}`
)

// owner is the far side of a watch: the policy in force and the last error.
type owner struct {
	w     policyWatch
	told  int
	force string // checksum of the policy in force
	err   error
}

// look looks n times.
func (o *owner) look(n int) {
	for range n {
		if !o.w.look() {
			continue
		}
		p, err := o.w.take()
		o.told++
		if o.err = err; err == nil {
			o.force = p.SHA256()
		}
	}
}

func sum(t *testing.T, text string) string {
	t.Helper()
	p, err := redact.ParsePolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p.SHA256()
}

func put(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWatchPolicy(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "policy.json")
	put(t, path, []byte(policyA))
	o := owner{w: policyWatch{path: path}}
	a, b := sum(t, policyA), sum(t, policyB)
	step := func(what, force string, told int, failed string) {
		t.Helper()
		o.look(5)
		if o.force != force || o.told != told || (o.err == nil) != (failed == "") || o.err != nil && !strings.Contains(o.err.Error(), failed) {
			t.Fatalf("%s: in force %.8s, want %.8s; told %d times, want %d; error %v, want %q", what, o.force, force, o.told, told, o.err, failed)
		}
	}
	step("start", a, 1, "")
	step("nothing happens", a, 1, "")

	put(t, filepath.Join(dir, "new"), []byte(policyB))
	if err := os.Rename(filepath.Join(dir, "new"), path); err != nil {
		t.Fatal(err)
	}
	step("replaced by rename", b, 2, "")

	// An editor that empties the file and writes it in two goes, with a look in
	// between each.
	put(t, path, nil)
	o.look(1)
	put(t, path, []byte(policyA[:7]))
	o.look(1)
	put(t, path, []byte(policyA))
	step("emptied and written", a, 3, "")

	put(t, path, []byte(`{"version": 2}`))
	step("invalid", a, 4, path)
	var pe *redact.PolicyError
	if !errors.As(o.err, &pe) || pe.Path != "version" || pe.File != path {
		t.Errorf("error %+v", pe)
	}
	put(t, path, []byte(policyA))
	step("as it was before", a, 5, "")

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	step("deleted", a, 6, "no such file")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	step("a folder", a, 7, "is not a file")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	put(t, path, append(bytes.Repeat([]byte(" "), 10<<20), policyB...))
	step("10 MB", a, 8, "longer than 1048576 bytes")
	if n := len(o.w.seen.data); n > redact.MaxPolicyBytes+1 {
		t.Errorf("%d bytes were read", n)
	}
	put(t, path, []byte(policyB))
	step("good again", b, 9, "")

	// The same size and time of change as before.
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, []byte(strings.Replace(policyB, "0.5", "0.6", 2)))
	if err := os.Chtimes(path, st.ModTime(), st.ModTime()); err != nil {
		t.Fatal(err)
	}
	step("same size and time", sum(t, strings.Replace(policyB, "0.5", "0.6", 2)), 10, "")
}

// TestWatchPolicyRuns: the first state is told at once, a change while it runs,
// and the end of ctx ends it.
func TestWatchPolicyRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.json")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	type event struct {
		p   *redact.Policy
		err error
	}
	events, ended := make(chan event), make(chan error)
	go func() {
		ended <- WatchPolicy(ctx, path, func(p *redact.Policy, err error) { events <- event{p, err} })
	}()
	if e := <-events; e.p != nil || !errors.Is(e.err, os.ErrNotExist) {
		t.Errorf("without a file: %+v", e)
	}
	put(t, path, []byte(policyB))
	if e := <-events; e.err != nil || e.p.SHA256() != sum(t, policyB) {
		t.Errorf("after it was written: %+v", e)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ends with %v", err)
	}
}

// TestFollowPolicy: what the file holds reaches the program, and the log says
// what is in force.
func TestFollowPolicy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.json")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var said bytes.Buffer
	var force []string
	refused := errors.New("refused")
	put(t, path, []byte(policyA))
	FollowPolicy(ctx, path, func(p *redact.Policy) error {
		force = append(force, p.SHA256())
		if len(force) == 1 {
			put(t, path, []byte(policyB))
			return nil
		}
		cancel()
		return refused
	}, slog.New(slog.NewTextHandler(&said, nil)))
	if want := []string{sum(t, policyA), sum(t, policyB)}; !slices.Equal(force, want) {
		t.Errorf("policies %v, want %v", force, want)
	}
	for _, want := range []string{"policy in force\" sha256=" + sum(t, policyA), "the old policy stays in force\" reason=refused"} {
		if strings.Count(said.String(), want) != 1 {
			t.Errorf("log without %s: %s", want, said.String())
		}
	}
}
