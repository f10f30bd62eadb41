package stream

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"slices"
	"sync"
	"time"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// jpegQuality is on the scale of image/jpeg, 1 to 100.
const jpegQuality = 85

// shot is the newest picture, and its JPEG once somebody asked for it.
type shot struct {
	mu   sync.Mutex
	pic  *planar // nil before the first
	at   time.Time
	n    uint64 // counts the changes of pic
	jpeg []byte // of pic; nil until asked for

	encoding sync.Mutex // held by an encoding under way; guards scratch
	scratch  image.YCbCr
}

// swap takes a picture and gives back memory for another one.
func (s *shot) swap(p *planar, at time.Time) *planar {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.pic
	s.pic, s.at, s.jpeg = p, at, nil
	s.n++
	if old == nil {
		old = &planar{}
	}
	return old
}

func (s *shot) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jpeg, s.pic = nil, nil
	s.n++
}

// Snapshot returns the newest redacted picture as a JPEG and the time at which
// it came. The JPEG is shared: it must not be changed. Its colours are those of
// BT.601, whatever the matrix of the source.
//
// Errors: ErrClosed, ErrPaused, ErrNoPicture.
func (h *Hub) Snapshot() ([]byte, time.Time, error) {
	h.mu.Lock()
	closed, paused, aspect := h.closed, h.paused, h.format.SampleAspect
	h.mu.Unlock()
	switch {
	case closed:
		return nil, time.Time{}, ErrClosed
	case paused:
		return nil, time.Time{}, ErrPaused
	}
	return h.shot.take(aspect)
}

func (s *shot) take(aspect ffmpeg.Rational) ([]byte, time.Time, error) {
	s.encoding.Lock()
	defer s.encoding.Unlock()
	s.mu.Lock()
	if s.pic == nil {
		s.mu.Unlock()
		return nil, time.Time{}, ErrNoPicture
	}
	data, at, n, size := s.jpeg, s.at, s.n, s.pic.size
	if data == nil {
		copyPicture(&s.scratch, &s.pic.pic)
	}
	s.mu.Unlock()
	if data != nil {
		return data, at, nil
	}
	jpegRange(&s.scratch)
	var out bytes.Buffer
	img := s.scratch.SubImage(image.Rectangle{Max: size})
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return nil, time.Time{}, fmt.Errorf("stream: encode a JPEG of %dx%d: %w", size.X, size.Y, err)
	}
	data = shaped(out.Bytes(), aspect)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n == n {
		s.jpeg = data
	}
	return data, at, nil
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

// copyPicture copies a picture with tight strides, reusing dst's memory.
func copyPicture(dst, src *image.YCbCr) {
	dst.Y = append(dst.Y[:0], src.Y...)
	dst.Cb = append(dst.Cb[:0], src.Cb...)
	dst.Cr = append(dst.Cr[:0], src.Cr...)
	dst.YStride, dst.CStride = src.YStride, src.CStride
	dst.SubsampleRatio, dst.Rect = src.SubsampleRatio, src.Rect
}
