package camera

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// AutoDecoder decodes in hardware where that is known to be cheaper, and in software on a
// Raspberry Pi.
const AutoDecoder = "auto"

const (
	// decoderTimeout is how long a decoder in hardware has for the first picture, before
	// software is tried.
	decoderTimeout = 10 * time.Second
	// A connection that ended before it had enoughPictures speaks against its decoder in
	// hardware. After maxStrikes of them in a row software is tried.
	enoughPictures, maxStrikes = 1000, 2
)

// model says which board this is.
var model = "/proc/device-tree/model"

// chooseDecoder returns the decoder in hardware that a name stands for, "" for software.
func chooseDecoder(name string, has func(string) bool) (string, error) {
	switch name {
	case "", ffmpeg.SoftwareDecoder:
		return "", nil
	case AutoDecoder:
		if board, err := os.ReadFile(model); err == nil && strings.Contains(string(board), "Raspberry Pi") {
			return "", nil
		}
		for _, d := range []string{"rkmpp", "vaapi"} {
			if has(d) {
				return d, nil
			}
		}
		return "", nil
	}
	if !has(name) {
		return "", fmt.Errorf("decoder %s: this machine has no such device; -decoder auto takes what works", name)
	}
	return name, nil
}

// decoding decides what decodes a camera: a decoder in hardware until it fails where
// software does not.
type decoding struct {
	hardware string // "" for software
	strikes  int    // connections in a row that ended early
	last     error  // why the last of them did
	pictures int    // of this connection
}

// name returns the decoder of the next connection, as ffmpeg.Options has it.
func (d *decoding) name() string {
	if d.hardware == "" || d.strikes >= maxStrikes {
		return ffmpeg.SoftwareDecoder
	}
	return d.hardware
}

// ended notes that a connection has ended.
func (d *decoding) ended(err error) {
	if d.pictures >= enoughPictures {
		d.strikes = 0
	} else {
		d.strikes, d.last = d.strikes+1, err
	}
	d.pictures = 0
}

// openDecoded opens the camera. If that fails with a decoder in hardware, and not with the
// one in software, the former is not tried again.
func (s *Source) openDecoded(ctx context.Context) (connection, error) {
	d := &s.decoding
	if d.hardware == "" {
		return s.open(ctx)
	}
	suspect := d.last
	if d.name() == d.hardware {
		timed, cancel := context.WithTimeoutCause(ctx, decoderTimeout, fmt.Errorf("%w for %v", ErrSilent, decoderTimeout))
		conn, err := s.open(timed)
		if err != nil && errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			err = context.Cause(timed)
		}
		cancel()
		if err == nil || ctx.Err() != nil || errors.Is(s.name.explain(err), ErrCredentials) {
			return conn, err
		}
		suspect = err
	}
	d.strikes = maxStrikes
	conn, err := s.open(ctx)
	if err != nil {
		d.strikes = 0 // it was not the decoder
		return nil, err
	}
	s.stateMu.Lock()
	s.state.DecoderErr = fmt.Errorf("%s: %s", d.hardware, s.name.secret.Replace(suspect.Error()))
	s.stateMu.Unlock()
	d.hardware = ""
	return conn, nil
}
