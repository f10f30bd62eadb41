// Package archive is an archive of recordings: what is filed, redacted, reviewed and handed
// over. Its queue and its files are packages of their own, as are the worker and the page.
package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/store"
	"github.com/hedgecam/hedge/models"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// Archive is an archive. Its methods may be called by any goroutine.
type Archive struct {
	Queue *queue.Queue
	// Files are those that may be shown; Originals are encrypted.
	Files     store.Store
	Originals *store.Vault
}

// Filing is what is added to an archive.
type Filing struct {
	// Path is the recording, and Name what it is called; it defaults to the path's last
	// part.
	Path, Name string
	Policy     *redact.Policy
	// Networks is the name of a set of networks.
	Networks string
	Version  string
	Priority int
	// RemoveOriginal removes the original once the output is accepted.
	RemoveOriginal bool
	// Room is that of the ffmpeg that looks whether it is a recording, see ffmpeg.Options.
	Room func(ffmpeg.Room) []string
}

// NetworksKey returns how the queue names a set of networks: with a sum of its weights,
// so that a worker with others does not take the work. For a policy that needs none it is
// queue.NoNetworks.
func NetworksKey(set string, policy *redact.Policy) (string, error) {
	members := networks.Members(set)
	if members == nil && set != networks.None {
		return "", fmt.Errorf("no set of networks %q (one of %s)", set, networks.Names())
	}
	if len(members) == 0 || policy != nil && policy.Needs()|policy.NeedsBackground() == 0 {
		return queue.NoNetworks, nil
	}
	h := sha256.New()
	for _, name := range members {
		m, err := models.Find(name)
		if err != nil {
			return "", err
		}
		_, _ = fmt.Fprintln(h, m.Name, m.SHA256) // never an error
	}
	return set + "-" + hex.EncodeToString(h.Sum(nil)[:4]), nil
}

// hash names what was made of parts.
func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p) // never an error
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// originalName is the store's name of an original.
func originalName(id string) string { return "originals/" + id + ".age" }

// Add files a recording. What is no recording is refused. queue.ErrExists comes with the
// one that is there: the same file under the same policy, with the same networks.
func (a *Archive) Add(ctx context.Context, f Filing) (queue.Recording, error) {
	r := queue.Recording{Name: f.Name, Policy: string(f.Policy.Canonical()), PolicySHA256: f.Policy.SHA256(),
		Version: f.Version, Priority: f.Priority, RemoveOriginal: f.RemoveOriginal}
	if r.Name == "" {
		r.Name = filepath.Base(f.Path)
	}
	r.Name = strings.ToValidUTF8(r.Name, "?")
	if f.Priority < 0 || f.Priority >= queue.Priorities {
		return r, fmt.Errorf("priority %d: must be 0 to %d, and %d is the ordinary one", f.Priority, queue.Priorities-1, queue.Normal)
	}
	var err error
	if r.Networks, err = NetworksKey(f.Networks, f.Policy); err != nil {
		return r, err
	}
	if r.Seconds, err = readable(ctx, f.Path, f.Room); err != nil {
		return r, err
	}
	if r.SHA256, r.Bytes, err = sum(ctx, f.Path); err != nil {
		return r, err
	}
	r.ID = hash(r.SHA256, r.PolicySHA256, r.Networks)
	r.Original = originalName(r.ID)
	if _, err := a.Queue.Get(ctx, r.ID); errors.Is(err, queue.ErrUnknown) {
		if err := a.keep(ctx, &r, f.Path); err != nil {
			return r, err
		}
	} else if err != nil {
		return r, err
	}
	return a.Queue.Create(ctx, r)
}

// readable returns why a file is no recording, or how many seconds it has, 0 if that is
// not known.
func readable(ctx context.Context, path string, room func(ffmpeg.Room) []string) (seconds float64, err error) {
	src, err := ffmpeg.Open(ctx, path, ffmpeg.Options{Room: room})
	if err != nil {
		return 0, err
	}
	if src.Info().Still {
		err = fmt.Errorf("%s is a picture and no recording: redact-file takes pictures", path)
	}
	return src.Info().Duration.Seconds(), errors.Join(err, src.Close())
}

// sum returns the SHA-256 of a file, and its length.
func sum(ctx context.Context, path string) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, reader{ctx, f})
	return hex.EncodeToString(h.Sum(nil)), n, err
}

// keep stores the original, encrypted.
func (a *Archive) keep(ctx context.Context, r *queue.Recording, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if err := a.Originals.Put(ctx, r.Original, io.TeeReader(f, h)); err != nil {
		return fmt.Errorf("%s: the original: %w", r.Name, err)
	}
	// Nothing was read where the same original is there already.
	n, err := f.Seek(0, io.SeekCurrent)
	if err == nil && n > 0 && hex.EncodeToString(h.Sum(nil)) != r.SHA256 {
		err = errors.Join(fmt.Errorf("%s was changed while it was read: add it when it is complete", path), a.Files.Remove(ctx, r.Original))
	}
	return err
}

// reader ends when its context does.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
