// Package encoder turns redacted frames into H.264. Encoder is the seam: who streams or
// records knows nothing else, and one encoder can take another's place while it runs.
package encoder

import (
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/hedgecam/hedge/internal/i420"
	"github.com/hedgecam/hedge/redact"
)

var (
	// ErrOutput says that an encoder's output is not H.264.
	ErrOutput = errors.New("the encoder's output is not H.264")
	// ErrFormat says that a driver encodes pictures of another size than it was given.
	ErrFormat = errors.New("the encoder has changed the format")
	// ErrFrame says that the encoder was not opened for such a frame. The encoder
	// is as it was.
	ErrFrame = errors.New("not a frame for this encoder")
)

// Encoder makes access units of frames of one size. It is used by one goroutine at a time.
type Encoder interface {
	// Encode takes a frame, which it borrows until it returns, with the time under
	// which it is handed out, and returns the access units that are complete by then,
	// in the order of their frames. There may be none yet, or several, where the
	// encoder delays. key asks for a key picture, as soon as the encoder can. After
	// an error other than ErrFrame the encoder is of no more use.
	Encode(f redact.Frame, at time.Duration, key bool) ([]AccessUnit, error)
	// Close frees the encoder. What it still holds is thrown away.
	Close() error
}

// AccessUnit is one encoded picture.
type AccessUnit struct {
	// Time is the one that Encode was given with its frame.
	Time time.Duration
	// NALUs are its NAL units, without start codes. They are the caller's.
	NALUs [][]byte
}

// Options say how frames are encoded.
type Options struct {
	// Size is that of the frames. Where a side is odd, the coded picture has one
	// more column or row, a copy of the last.
	Size image.Point
	// BitRate is in bits per second, Rate in pictures per second: for the control of
	// the bit rate only.
	BitRate int
	Rate    float64
	// Fast is for weak processors: an encoder that has speeds takes a faster one.
	Fast bool
}

// CodedSize returns the size of the coded picture: even sides.
func (o Options) CodedSize() image.Point { return image.Pt((o.Size.X+1)&^1, (o.Size.Y+1)&^1) }

// Factory opens encoders of one kind.
type Factory struct {
	// Name is what the kind is called by its users: x264, openh264.
	Name string
	// Open returns an encoder that makes a key picture of its first frame, and none
	// by itself afterwards if it makes one when it is asked.
	Open func(Options) (Encoder, error)
}

// Default is the kind that is part of the program: libx264, or OpenH264 in programs built
// with the tag nox264.
func Default() Factory { return library264 }

// check refuses with ErrFrame a frame that is not of the size that an encoder was opened
// for.
func check(name string, size image.Point, f redact.Frame) error {
	if err := i420.Check(f.Picture()); err != nil {
		return fmt.Errorf("%w: %w", ErrFrame, err)
	}
	if f.Size() != size {
		return fmt.Errorf("%w: %s is set up for frames of %v, and this one is %v", ErrFrame, name, size, f.Size())
	}
	return nil
}

// nalus returns the NAL units of a byte stream (ITU-T H.264, annex B), as parts of data.
// Zero bytes at the end of a unit belong to the next start code.
func nalus(data []byte) ([][]byte, error) {
	var u h264.AnnexB
	if err := u.Unmarshal(data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOutput, err)
	}
	kept := u[:0]
	for _, nal := range u {
		for len(nal) > 0 && nal[len(nal)-1] == 0 {
			nal = nal[:len(nal)-1]
		}
		if len(nal) > 0 {
			kept = append(kept, nal)
		}
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrOutput)
	}
	return kept, nil
}
