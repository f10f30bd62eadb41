// Package archivetest makes archives for tests: with a server in the process that nobody
// else can reach, and passes that need neither networks nor ffmpeg.
package archivetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/nats-io/nats.go"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/store"
	"github.com/hedgecam/hedge/examples/internal/recording"
	"github.com/hedgecam/hedge/pipeline/evidence"
	"github.com/hedgecam/hedge/redact"
)

// Version is that of the recordings that Add files.
const Version = "test 1"

// LeftByNATS is a goroutine that nats.go 1.55 leaves behind when something is stored before
// it has begun.
const LeftByNATS = "github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"

// Archive is an archive for a test.
type Archive struct {
	*archive.Archive
}

// New returns an archive in a folder of the test.
func New(t testing.TB, c queue.Config) *Archive {
	t.Helper()
	s, err := queue.Serve(queue.ServerConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return Connect(t, s, key, c)
}

// Connect returns an archive over a connection to a server in the process.
func Connect(t testing.TB, s *queue.Server, key *age.X25519Identity, c queue.Config) *Archive {
	t.Helper()
	nc, err := s.Connect(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	return Over(t, nc, key, c)
}

// Over returns an archive over a connection, which the test's end closes.
func Over(t testing.TB, nc *nats.Conn, key *age.X25519Identity, c queue.Config) *Archive {
	t.Helper()
	t.Cleanup(nc.Close)
	q, err := queue.Open(t.Context(), nc, c)
	if err != nil {
		t.Fatal(err)
	}
	files, err := store.OpenObjects(t.Context(), q.JetStream(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return &Archive{&archive.Archive{Queue: q, Files: files, Originals: store.NewVault(files, key)}}
}

// Add files a recording of the given content, which need not be one.
func (a *Archive) Add(t testing.TB, name, content string) queue.Recording {
	t.Helper()
	sum := sha256.Sum256([]byte(content))
	p := redact.HideEverything()
	r := queue.Recording{ID: hex.EncodeToString(sum[:8]), Name: name, Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:]),
		Policy: string(p.Canonical()), PolicySHA256: p.SHA256(), Networks: queue.NoNetworks, Version: Version, Priority: queue.Normal}
	r.Original = "originals/" + r.ID + ".age"
	if err := a.Originals.Put(t.Context(), r.Original, bytes.NewReader([]byte(content))); err != nil {
		t.Fatal(err)
	}
	r, err := a.Queue.Create(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Wait waits until a recording is as is says.
func (a *Archive) Wait(t testing.TB, id string, is func(queue.Recording) bool) (last queue.Recording) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	found := errors.New("found")
	done, end := context.WithCancelCause(ctx)
	defer end(nil)
	_ = a.Queue.Watch(done, func(r *queue.Recording) { // its cause says more
		if r != nil && r.ID == id && context.Cause(done) == nil {
			last = *r
			if is(last) {
				end(found)
			}
		}
	})
	if !errors.Is(context.Cause(done), found) {
		t.Fatalf("waited for %s in vain: %+v", id, last)
	}
	return last
}

// Status returns a condition for Wait.
func Status(s queue.Status) func(queue.Recording) bool {
	return func(r queue.Recording) bool { return r.Status == s }
}

// Passes are passes without pictures: evidence of one track, and an output that names what
// it was made of.
type Passes struct {
	// Before is called before each pass; an error fails it. It may be nil.
	Before func(ctx context.Context, r *queue.Recording, path string) error

	mu    sync.Mutex
	calls []string
	found map[int]string
}

// Found returns what the last Inspect was given of parts, by their numbers; nil if there was
// none.
func (p *Passes) Found() map[int]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.found
}

// Calls returns the stages and recordings of the passes that have ended well.
func (p *Passes) Calls() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.calls...)
}

func (p *Passes) begin(ctx context.Context, r *queue.Recording, path string) error {
	if p.Before == nil {
		return ctx.Err()
	}
	return p.Before(ctx, r, path)
}

func (p *Passes) ended(s queue.Stage, id string) {
	p.mu.Lock()
	p.calls = append(p.calls, string(s)+" "+id)
	p.mu.Unlock()
}

// Look implements worker.Passes.
func (p *Passes) Look(ctx context.Context, part *queue.Recording, path string, progress func(done, total int64), to string) error {
	if err := p.begin(ctx, part, path); err != nil {
		return err
	}
	progress(1, 2)
	p.ended(queue.Look, part.ID)
	return os.WriteFile(to, []byte("found in "+part.ID), 0o600)
}

// Inspect implements worker.Passes.
func (p *Passes) Inspect(ctx context.Context, r *queue.Recording, path string, progress func(done, total int64), known *recording.Known, to string) error {
	if err := p.begin(ctx, r, path); err != nil {
		return err
	}
	progress(1, 2)
	if err := p.find(ctx, r, known); err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	w, err := evidence.NewWriter(f, evidence.Header{Input: evidence.Input{Bytes: r.Bytes, Sample: "00"}, Size: image.Pt(64, 64)})
	if err == nil {
		err = w.Frame(&evidence.Frame{})
	}
	if err == nil {
		err = w.End()
	}
	p.ended(queue.Inspect, r.ID)
	return errors.Join(err, f.Close())
}

// find reads what is known of the parts.
func (p *Passes) find(ctx context.Context, r *queue.Recording, known *recording.Known) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found = map[int]string{}
	for n := 0; known != nil && n < r.Parts.Total; n++ {
		f, err := known.Open(ctx, n)
		if err != nil {
			return err
		}
		if f == nil {
			continue
		}
		data, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		p.found[n] = string(data)
	}
	return nil
}

// Render implements worker.Passes.
func (p *Passes) Render(ctx context.Context, r *queue.Recording, path, ev string, progress func(done, total int64), out recording.Outputs) error {
	if err := p.begin(ctx, r, path); err != nil {
		return err
	}
	progress(1, 2)
	e, err := os.ReadFile(ev)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(e)
	for name, text := range map[string]string{out.Video: fmt.Sprintf("redacted by %x", sum), out.Sheet: "sheet",
		out.Report: `{"tracks":[{"id":1,"class":"person","from":0,"to":1,"pictures":3,"score":0.9},{"id":2,"class":"face","from":0.5,"to":1,"pictures":2,"score":0.4}]}`} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return err
		}
	}
	p.ended(queue.Render, r.ID)
	return nil
}
