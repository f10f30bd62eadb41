package stream

import (
	"fmt"
	"image"
	"io"

	"github.com/pion/mediadevices/pkg/codec"
	"github.com/pion/mediadevices/pkg/io/video"
	"github.com/pion/mediadevices/pkg/prop"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// noKeyInterval is so many pictures that the encoder never makes a key picture
// by itself: the hub asks for them by time.
const noKeyInterval = 1 << 30

// encoder is one H.264 encoder for pictures of one size: libx264, or OpenH264 in
// programs built with the tag nox264.
type encoder struct {
	size image.Point
	enc  codec.ReadCloser
	key  codec.KeyFrameController
	next *image.YCbCr // what the encoder's Read takes
	// sps and pps are the newest parameter sets.
	sps, pps []byte
}

// newEncoder returns an encoder for pictures of an even size.
func newEncoder(size image.Point, o Options) (*encoder, error) {
	builder, err := newBuilder(size, o)
	if err != nil {
		return nil, fmt.Errorf("stream: set up the H.264 encoder: %w", err)
	}
	e := &encoder{size: size}
	pictures := video.ReaderFunc(func() (image.Image, func(), error) {
		return e.next, func() {}, nil
	})
	e.enc, err = builder.BuildVideoEncoder(pictures, prop.Media{Video: prop.Video{Width: size.X, Height: size.Y}})
	if err != nil {
		return nil, fmt.Errorf("stream: open the H.264 encoder for %dx%d: %w", size.X, size.Y, err)
	}
	key, ok := e.enc.Controller().(codec.KeyFrameController)
	if !ok {
		return nil, fmt.Errorf("stream: the H.264 encoder makes no key frames on demand; closed: %v", e.enc.Close())
	}
	e.key = key
	return e, nil
}

// encode returns the picture's unit, without its time. Another format begins with
// a key picture.
func (e *encoder) encode(p *planar, key bool, f ffmpeg.Format) (*Unit, error) {
	if key {
		if err := e.key.ForceKeyFrame(); err != nil {
			return nil, fmt.Errorf("stream: ask for a key frame: %w", err)
		}
	}
	e.next = &p.pic
	data, release, err := e.enc.Read()
	release()
	if err != nil {
		return nil, fmt.Errorf("stream: encode a picture of %dx%d: %w", e.size.X, e.size.Y, err)
	}
	// The bridge hands out a copy in Go memory, which is nobody else's.
	u := collect(data, e.sps, e.pps, f)
	if len(u.Data) == 0 {
		return nil, fmt.Errorf("stream: encode a picture of %dx%d: %w", e.size.X, e.size.Y, io.ErrNoProgress)
	}
	u.Size = e.size
	if sps, pps := u.ParameterSets(); sps != nil && pps != nil {
		e.sps, e.pps = sps, pps
	}
	return u, nil
}

func (e *encoder) close() error {
	if err := e.enc.Close(); err != nil {
		return fmt.Errorf("stream: close the H.264 encoder: %w", err)
	}
	return nil
}
