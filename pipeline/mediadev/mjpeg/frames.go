package mjpeg

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/hedgecam/hedge/pipeline"
)

// MaxFrame is the largest size of a JPEG in bytes.
const MaxFrame = 32 << 20

// Frames cuts a stream of JPEGs, one after the other, into the single ones. It
// skips what lies between them.
type Frames struct {
	r   io.Reader
	buf []byte
	// buf[from:to] was read and not yet returned.
	from, to int
	err      error // of r
}

// NewFrames returns the JPEGs of r, which it reads in large pieces.
func NewFrames(r io.Reader) *Frames { return &Frames{r: r, buf: make([]byte, 256<<10)} }

// The second bytes of JPEG's markers, ITU-T T.81 table B.1.
const (
	markerTEM  = 0x01
	markerRST0 = 0xd0
	markerRST7 = 0xd7
	markerSOI  = 0xd8
	markerEOI  = 0xd9
	markerSOS  = 0xda
)

// Next returns the next JPEG, from its first to its last marker. It is borrowed
// until the next call. A JPEG that is damaged or longer than [MaxFrame] is a
// pipeline.ErrPicture, and Next goes on with the one after it. The end of the
// stream is io.EOF, or pipeline.ErrPicture and then io.EOF if it cuts a JPEG
// off. Other errors of the stream are returned as they are.
func (f *Frames) Next() ([]byte, error) {
	if err := f.skipTo(); err != nil {
		return nil, err
	}
	n, err := f.length()
	if err != nil {
		return nil, err
	}
	data := f.buf[f.from : f.from+n]
	f.from += n
	return data, nil
}

// skipTo drops bytes up to the next SOI.
func (f *Frames) skipTo() error {
	for {
		if i := bytes.Index(f.buf[f.from:f.to], []byte{0xff, markerSOI}); i >= 0 {
			f.from += i
			return nil
		}
		// The last byte may be half of the marker.
		f.from = max(f.from, f.to-1)
		if !f.more(f.to - f.from + 1) {
			return f.err
		}
	}
}

// length returns the length of the JPEG that starts at f.from.
func (f *Frames) length() (int, error) {
	at := 2
	for {
		if !f.more(at + 2) {
			return 0, f.broken(at, "cut off")
		}
		b := f.buf[f.from:f.to]
		if b[at] != 0xff {
			return 0, f.broken(at, fmt.Sprintf("no marker at byte %d", at))
		}
		switch m := b[at+1]; {
		case m == 0xff: // a fill byte
			at++
		case m == markerEOI:
			return at + 2, nil
		case m == markerSOI:
			return 0, f.broken(at, "the next picture begins inside")
		case m == markerTEM || m >= markerRST0 && m <= markerRST7:
			at += 2
		default:
			if !f.more(at + 4) {
				return 0, f.broken(at, "cut off")
			}
			b = f.buf[f.from:f.to]
			n := int(b[at+2])<<8 | int(b[at+3])
			if n < 2 {
				return 0, f.broken(at+2, fmt.Sprintf("segment of %d bytes", n))
			}
			at += 2 + n
			if m == markerSOS {
				var err error
				if at, err = f.scan(at); err != nil {
					return 0, err
				}
			}
		}
		if at > MaxFrame {
			return 0, f.broken(at, "too long")
		}
	}
}

// scan returns where the entropy-coded data from at on ends: at the first marker that
// cannot be inside of it.
func (f *Frames) scan(at int) (int, error) {
	for {
		if at > MaxFrame {
			return 0, f.broken(at, "too long")
		}
		if !f.more(at + 2) {
			return 0, f.broken(at, "cut off")
		}
		b := f.buf[f.from:f.to]
		i := bytes.IndexByte(b[at:len(b)-1], 0xff)
		if i < 0 {
			at = len(b) - 1
			continue
		}
		at += i
		if m := b[at+1]; m == 0 || m >= markerRST0 && m <= markerRST7 {
			at += 2
		} else {
			return at, nil
		}
	}
}

// broken drops the first n bytes and says why.
func (f *Frames) broken(n int, why string) error {
	if f.err != nil && !errors.Is(f.err, io.EOF) && f.from+n >= f.to {
		return f.err
	}
	f.from = min(f.from+n, f.to)
	return fmt.Errorf("mjpeg: %w: %s", pipeline.ErrPicture, why)
}

// more reads until n bytes lie in the buffer. It returns false when the stream
// ends before, or with an error.
func (f *Frames) more(n int) bool {
	for f.to-f.from < n {
		if f.err != nil {
			return false
		}
		if f.from > 0 && f.to == len(f.buf) {
			copy(f.buf, f.buf[f.from:f.to])
			f.from, f.to = 0, f.to-f.from
		}
		if f.to == len(f.buf) {
			f.buf = append(f.buf, make([]byte, len(f.buf))...)
		}
		k, err := f.r.Read(f.buf[f.to:])
		f.to += k
		f.err = err
	}
	return true
}
