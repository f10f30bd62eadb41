package detectors_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/detectors"
	"github.com/hedgecam/hedge/models"
	"github.com/hedgecam/hedge/redact"
)

const wayOut = "-networks none"

// TestOpenFor: a set that cannot be opened is an error just where the policy
// needs it, and no set at all can always be opened.
func TestOpenFor(t *testing.T) {
	all := redact.HideEverything()
	found := &redact.Policy{Version: 1, Outside: redact.Outside{Hide: redact.HideDetected}}
	if all.Needs() != 0 || found.Needs() == 0 {
		t.Fatal("the policies are not what this test needs")
	}
	for _, tt := range []struct {
		name   string
		policy *redact.Policy
		set    string
		fails  bool
		warns  bool
	}{
		{"needed, cannot be opened", found, "no such set", true, false},
		{"not needed, cannot be opened", all, "no such set", false, true},
		{"none asked for", found, networks.None, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var said bytes.Buffer
			set, err := detectors.OpenFor(t.Context(), tt.policy, tt.set, networks.Options{}, slog.New(slog.NewTextHandler(&said, nil)))
			if (err != nil) != tt.fails || (set == nil) != tt.fails {
				t.Fatalf("%v, %v", set, err)
			}
			if warns := strings.Contains(said.String(), "level=WARN"); warns != tt.warns {
				t.Errorf("logged %q", said.String())
			}
			if tt.fails {
				if !strings.Contains(err.Error(), wayOut) {
					t.Errorf("%v does not name the way out", err)
				}
				return
			}
			if len(set.Detectors) != 0 {
				t.Errorf("%d detectors", len(set.Detectors))
			}
			if err := set.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestMayPass: a download that failed may succeed later, and a driver may be there; what is
// not installed is not.
func TestMayPass(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{&models.NotFoundError{Err: errors.New("no route to host")}, true},
		{&models.NotFoundError{}, false},
		{errors.New("no driver yet"), true},
	} {
		if e := (&detectors.Error{Err: tt.err}); e.MayPass() != tt.want || !errors.Is(e, tt.err) {
			t.Errorf("%v: %v", tt.err, e.MayPass())
		}
	}
}

func TestOpenNamesTheWayOut(t *testing.T) {
	if set, err := detectors.Open(t.Context(), "no such set", networks.Options{}); err == nil || set != nil || !strings.Contains(err.Error(), wayOut) {
		t.Errorf("%v, %v", set, err)
	}
}
