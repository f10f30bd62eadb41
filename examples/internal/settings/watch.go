package settings

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/hedgecam/hedge/redact"
)

// pollEvery is how often the policy file is read. A change is reported once two
// reads in a row have found the same, so within three times this.
const pollEvery = 250 * time.Millisecond

// WatchPolicy calls changed with the policy of the file, or with the reason why there
// is none: at once, and again after each change, until ctx ends. After an error the
// owner's old policy stays in force; a file that is good again is reported even if it
// is the same as before. changed is called on the caller's goroutine; WatchPolicy
// returns ctx's error.
//
// It reads the file instead of asking the kernel for events. So it sees alike a file
// that is replaced by rename, one on a network share, one that is mounted into a
// container, and one that an editor empties and writes again: a change is reported
// only once the file no longer changes. It reads at most redact.MaxPolicyBytes.
func WatchPolicy(ctx context.Context, path string, changed func(*redact.Policy, error)) error {
	w := policyWatch{path: path}
	w.look()
	changed(w.take())
	t := time.NewTicker(pollEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			if w.look() {
				changed(w.take())
			}
		}
	}
}

// LoadPolicy reads the policy with which a program starts. One that is empty or
// was cut off, as after a power cut, is the one that hides everything, with a
// *[Damage] that says so; every other fault is an error, and there is no policy.
func LoadPolicy(path string) (*redact.Policy, error) {
	p, err := redact.LoadPolicy(path)
	if errors.Is(err, redact.ErrIncomplete) {
		return redact.HideEverything(), &Damage{fmt.Errorf("%w; everything is hidden until it is whole again", err)}
	}
	return p, err
}

// FollowPolicy hands the policy of a file to set, at once and again whenever the
// file changes, until ctx ends, and tells log of each. After an error, set's own
// too, the old policy stays in force.
func FollowPolicy(ctx context.Context, path string, set func(*redact.Policy) error, log *slog.Logger) {
	// Its error is only the end of ctx.
	_ = WatchPolicy(ctx, path, func(now *redact.Policy, err error) {
		if err == nil {
			err = set(now)
		}
		if err != nil {
			log.Error("the old policy stays in force", "reason", err)
			return
		}
		log.Info("policy in force", "sha256", now.SHA256())
	})
}

// policyWatch remembers what a policy file held.
type policyWatch struct {
	path string
	seen content // at the last look
	told content // what was last reported
}

// content is what one check found: the file's bytes, or why there are none.
type content struct {
	data []byte
	err  error
}

func (c content) equal(d content) bool {
	return bytes.Equal(c.data, d.data) && (c.err == nil) == (d.err == nil) && (c.err == nil || c.err.Error() == d.err.Error())
}

// look reads the file. It reports whether two reads in a row have found the same,
// which has not been reported yet.
func (w *policyWatch) look() bool {
	var now content
	now.data, now.err = readPolicy(w.path)
	rests := now.equal(w.seen)
	w.seen = now
	return rests && !now.equal(w.told)
}

// take returns what the last look saw, and notes that it was told.
func (w *policyWatch) take() (*redact.Policy, error) {
	w.told = w.seen
	if w.seen.err != nil {
		return nil, w.seen.err
	}
	p, err := redact.ParsePolicy(w.seen.data)
	var pe *redact.PolicyError
	if errors.As(err, &pe) {
		pe.File = w.path
	}
	return p, err
}

func readPolicy(path string) ([]byte, error) {
	// Opening a named pipe would wait for its writer.
	if st, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	} else if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("policy %s: is not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, redact.MaxPolicyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", path, err)
	}
	return data, nil
}
