package stream

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"sync"
	"time"
)

// jpegQuality is on the scale of image/jpeg, 1 to 100.
const jpegQuality = 85

// shot is the newest picture, and its JPEG once somebody asked for it.
type shot struct {
	mu   sync.Mutex
	pic  planar
	at   time.Time
	n    uint64 // counts the changes of pic
	have bool
	jpeg []byte // of pic; nil until asked for

	encoding sync.Mutex // held by an encoding under way; guards scratch
	scratch  image.YCbCr
}

func (s *shot) store(p *planar, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jpeg, s.at, s.have = nil, at, true
	s.n++
	copyPicture(&s.pic.pic, &p.pic)
	s.pic.size = p.size
}

func (s *shot) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jpeg, s.pic, s.have = nil, planar{}, false
	s.n++
}

// Snapshot returns the newest redacted picture as a JPEG and the time at which
// it came. The JPEG is shared: it must not be changed. Its colours are those of
// BT.601, whatever the matrix of the source.
//
// Errors: ErrClosed, ErrPaused, ErrNoPicture.
func (h *Hub) Snapshot() ([]byte, time.Time, error) {
	h.mu.Lock()
	closed, paused := h.closed, h.paused
	h.mu.Unlock()
	switch {
	case closed:
		return nil, time.Time{}, ErrClosed
	case paused:
		return nil, time.Time{}, ErrPaused
	}
	return h.shot.take()
}

func (s *shot) take() ([]byte, time.Time, error) {
	s.encoding.Lock()
	defer s.encoding.Unlock()
	s.mu.Lock()
	data, at, have, n, size := s.jpeg, s.at, s.have, s.n, s.pic.size
	if data == nil && have {
		copyPicture(&s.scratch, &s.pic.pic)
	}
	s.mu.Unlock()
	if !have {
		return nil, time.Time{}, ErrNoPicture
	}
	if data != nil {
		return data, at, nil
	}
	jpegRange(&s.scratch)
	var out bytes.Buffer
	img := s.scratch.SubImage(image.Rectangle{Max: size})
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return nil, time.Time{}, fmt.Errorf("stream: encode a JPEG of %dx%d: %w", size.X, size.Y, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n == n {
		s.jpeg = out.Bytes()
	}
	return out.Bytes(), at, nil
}

// copyPicture copies a picture with tight strides, reusing dst's memory.
func copyPicture(dst, src *image.YCbCr) {
	y, cb, cr := dst.Y, dst.Cb, dst.Cr
	*dst = *src
	dst.Y, dst.Cb, dst.Cr = append(y[:0], src.Y...), append(cb[:0], src.Cb...), append(cr[:0], src.Cr...)
}
