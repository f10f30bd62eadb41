package live

import (
	"bytes"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/seal"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

func policy(t *testing.T, text string) *redact.Policy {
	t.Helper()
	p, err := redact.ParsePolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSeal: a file that shows more than the sealed policy is refused, and asks for that
// where somebody at the device can agree; the old text takes it back. What stands for a
// damaged file is not sealed.
func TestSeal(t *testing.T) {
	narrow := policy(t, `{"version":1,"property":[[[0,0.5],[1,0.5],[1,1],[0,1]]]}`)
	wide := policy(t, `{"version":1,"property":[[[0,0],[1,0],[1,1],[0,1]]]}`)
	var log bytes.Buffer
	path := filepath.Join(t.TempDir(), "policy.json")
	open := func(p *redact.Policy, f seal.Flags) (*Camera, *redact.Policy) {
		f.SealDelay = time.Hour
		c := &Camera{o: Options{Policy: path, Log: slog.New(slog.NewTextHandler(&log, nil))}, flags: f}
		p = c.openSeal(p)
		var err error
		if c.pipe, err = pipeline.New(pipeline.Config{Policy: p, Floor: c.seal.Floor()}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := c.pipe.Close(); err != nil {
				t.Error(err)
			}
		})
		return c, p
	}
	c, p := open(redact.HideEverything(), seal.Flags{Seal: true})
	if p.SHA256() != redact.HideEverything().SHA256() || len(c.seal.Floor()) != 0 {
		t.Error("a damaged file was sealed")
	}
	c, p = open(narrow, seal.Flags{Seal: true})
	if p != narrow || !c.seal.State().Sealed {
		t.Errorf("not sealed: %+v", c.seal.State())
	}
	var looser *seal.LooserError
	if err := c.setPolicy(wide); !errors.As(err, &looser) || c.seal.State().Waiting != nil {
		t.Errorf("without a way to agree: %v, %+v", err, c.seal.State())
	}
	c.flags.SealFile = "/nowhere"
	if err := c.setPolicy(wide); !errors.As(err, &looser) || c.seal.State().Waiting == nil {
		t.Errorf("with one: %v, %+v", err, c.seal.State())
	}
	code := c.seal.State().Waiting.Code
	c, p = open(wide, seal.Flags{SealFile: "/nowhere"}) // a restart
	if err := c.setPolicy(wide); err == nil || p.SHA256() != narrow.SHA256() || c.seal.State().Waiting.Code != code {
		t.Errorf("after a restart: %v, %+v", err, c.seal.State())
	}
	c.loosen(wide)
	c.loosen(wide)
	if n := strings.Count(log.String(), seal.ErrNotDue.Error()); n != 1 {
		t.Errorf("what is not due was told of %d times", n)
	}
	if err := c.setPolicy(narrow); err != nil || c.seal.State().Waiting != nil {
		t.Errorf("taken back: %v, %+v", err, c.seal.State())
	}
}
