package stream

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"slices"
	"sync"
	"time"

	"github.com/hedgecam/hedge/internal/i420"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

const (
	// jpegQuality is on the scale of image/jpeg, 1 to 100.
	jpegQuality = 85
	// snapshotWait is how long Snapshot waits for a frame.
	snapshotWait = 3 * time.Second
)

// snapshot is a picture that somebody asked for. All who ask before the next frame, or
// while it is new, share it.
type snapshot struct {
	done chan struct{} // closed when the picture is there, or err says why it is not

	// What follows is set before done is closed: at, time, aspect and forgets with the
	// broadcaster's mu held.

	err     error
	size    image.Point
	at      time.Time     // when the frame came
	time    time.Duration // the frame's, as it is handed out
	aspect  ffmpeg.Rational
	forgets uint64 // of the broadcaster, when the frame came

	once sync.Once
	pic  image.YCbCr // until the JPEG is made
	data []byte      // the JPEG, made by the first who asks
	bad  error
}

// Snapshot returns the newest snapshot, or the next redacted picture if that one is as old
// as Options.SnapshotAge or there is none, as a JPEG, and the time at which the picture
// came: who asks more often costs no more. The JPEG is shared: it must not be changed. Its
// colours are those of BT.601, whatever the matrix of the source.
//
// Errors: ErrClosed, ErrPaused, ErrNoPicture if no frame comes within three seconds or
// before ctx ends.
func (b *Broadcaster) Snapshot(ctx context.Context) ([]byte, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, snapshotWait)
	defer cancel()
	for {
		s, err := b.ask()
		if err != nil {
			return nil, time.Time{}, err
		}
		select {
		case <-s.done:
		case <-ctx.Done():
			return nil, time.Time{}, ErrNoPicture
		}
		if s.err != nil {
			return nil, time.Time{}, s.err
		}
		data, err := s.jpeg()
		if err == nil && !b.current(s) {
			continue // flushed meanwhile: the next frame may hide more
		}
		return data, s.at, err
	}
}

// ask returns the newest snapshot, or the one that the next frame becomes.
func (b *Broadcaster) ask() (*snapshot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return nil, ErrClosed
	case b.paused:
		return nil, ErrPaused
	}
	if s := b.newest; s != nil {
		// By the clock, too: while no frames come, their time stands still.
		if age := b.o.Clock().Sub(s.at); 0 <= age && age < b.o.SnapshotAge {
			return s, nil
		}
	}
	if b.wanted == nil {
		b.wanted = &snapshot{done: make(chan struct{})}
	}
	return b.wanted, nil
}

// Forget throws away the snapshot that is there or being made: the next one is of a frame
// that comes later. All else goes on.
func (b *Broadcaster) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget()
}

func (b *Broadcaster) forget() {
	b.forgets++
	b.newest = nil
}

// answer copies the frame, which is handed out under the time at, for those who asked for
// a snapshot. forgets is how often snapshots were thrown away when the frame came.
func (b *Broadcaster) answer(f redact.Frame, at time.Duration, forgets uint64) {
	b.mu.Lock()
	if n := b.newest; n != nil && at-n.time >= b.o.SnapshotAge {
		b.newest = nil
	}
	s := b.wanted
	if s == nil || b.paused || b.closed || b.forgets != forgets {
		b.mu.Unlock()
		return
	}
	s.at, s.time, s.aspect, s.forgets = b.o.Clock(), at, b.format.SampleAspect, forgets
	b.wanted, b.newest = nil, s // who asks from here on waits for it
	b.mu.Unlock()
	if s.take(f); s.err != nil {
		b.mu.Lock()
		if b.newest == s {
			b.newest = nil
		}
		b.mu.Unlock()
	}
	close(s.done)
}

// refuse tells those who ask for a snapshot that there is none. b.mu is held.
func (b *Broadcaster) refuse(err error) {
	if s := b.wanted; s != nil {
		b.wanted = nil
		s.err = err
		close(s.done)
	}
}

// current reports whether the snapshot may be shown.
func (b *Broadcaster) current(s *snapshot) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return s.forgets == b.forgets && !b.paused && !b.closed
}

// take copies the frame.
func (s *snapshot) take(f redact.Frame) {
	pic := f.Picture()
	if s.err = i420.Check(pic); s.err != nil {
		return
	}
	s.size = f.Size()
	i420.Even(&s.pic, pic)
}

// jpeg returns the picture as a JPEG.
func (s *snapshot) jpeg() ([]byte, error) {
	s.once.Do(func() {
		jpegRange(&s.pic)
		var out bytes.Buffer
		img := s.pic.SubImage(image.Rectangle{Max: s.size})
		s.pic = image.YCbCr{}
		if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: jpegQuality}); err != nil {
			s.bad = fmt.Errorf("stream: encode a JPEG of %dx%d: %w", s.size.X, s.size.Y, err)
			return
		}
		s.data = shaped(out.Bytes(), s.aspect)
	})
	return s.data, s.bad
}

// JPEG returns a frame as a JPEG, in the form of Snapshot.
func JPEG(f redact.Frame, aspect ffmpeg.Rational) ([]byte, error) {
	s := snapshot{aspect: aspect}
	if s.take(f); s.err != nil {
		return nil, fmt.Errorf("stream: %w: %w", ErrFrame, s.err)
	}
	return s.jpeg()
}

// shaped returns a JPEG that says how wide a pixel is for its height (ITU-T T.871,
// the JFIF header).
func shaped(data []byte, aspect ffmpeg.Rational) []byte {
	const start = 2 // the marker of the image's start
	if !aspect.Known() || aspect.Num > 65535 || aspect.Den > 65535 || len(data) < start {
		return data
	}
	head := append(slices.Clone(data[:start]), 0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0)
	head = binary.BigEndian.AppendUint16(head, uint16(aspect.Num))
	head = binary.BigEndian.AppendUint16(head, uint16(aspect.Den))
	return append(append(head, 0, 0), data[start:]...)
}

// jpegRange turns limited range (luma 16..235, chroma 16..240) into the full
// range of a JPEG file, in place.
func jpegRange(p *image.YCbCr) {
	for i, v := range p.Y {
		p.Y[i] = fullLuma[v]
	}
	for _, plane := range [...][]byte{p.Cb, p.Cr} {
		for i, v := range plane {
			plane[i] = fullChroma[v]
		}
	}
}

// The conversion of ITU-T T.871 (JFIF) from the ranges of ITU-R BT.601.
var fullLuma, fullChroma = func() (luma, chroma [256]byte) {
	for v := range 256 {
		luma[v] = byte(min(max((2*255*(v-16)+219)/(2*219), 0), 255))
		chroma[v] = byte(min(max((2*255*(v-128)+2*224*128+224)/(2*224), 0), 255))
	}
	return luma, chroma
}()
