package camera

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/hedgecam/hedge/examples/internal/statefile"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// ErrChanged says that a camera shows another certificate than the first time: it
// may be another machine in the camera's place.
var ErrChanged = errors.New("the camera shows another certificate than the first time")

// pins keeps the certificates of cameras that sign their own, as nearly all do: the
// one that a camera shows the first time, and no other, is taken from then on. The
// file has a line for each camera: host and port, and the SHA-256 of its
// certificate.
type pins struct {
	path   string
	pinned func(host, fingerprint string)
	mu     sync.Mutex
}

// Pinned says in a sentence for the owner that a camera's certificate was kept.
func Pinned(host, fingerprint string) string {
	return fmt.Sprintf("Nobody vouches for the certificate of the camera %s; from now on this one is taken and no other. Compare its SHA-256 with what the camera's own settings show: %s", host, fingerprint)
}

// trust implements ffmpeg.Trust.
func (p *pins) trust(host string, cert *x509.Certificate) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	shown := ffmpeg.Fingerprint(cert)
	data, err := statefile.Owned(p.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("fingerprints of cameras: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || f[0] != host:
			continue
		case len(f) == 2 && f[1] == shown:
			return nil
		}
		return fmt.Errorf("%w: its SHA-256 is %s; if the camera or its certificate was replaced, compare this with what the camera's own settings show, and delete the line of %s from %s", ErrChanged, shown, host, p.path)
	}
	// A file that a power cut damaged is not written over: what is in it may be of
	// another camera. A line without its end would swallow the next.
	if len(data) > 0 && data[len(data)-1] != '\n' {
		data = append(data, '\n')
	}
	if err := statefile.Write(p.path, fmt.Appendf(data, "%s %s\n", host, shown), 0o600); err != nil {
		return fmt.Errorf("nobody vouches for the camera's certificate (SHA-256 %s), and it cannot be kept to be known again: %w", shown, err)
	}
	if p.pinned != nil {
		p.pinned(host, shown)
	}
	return nil
}
