package encoder

import (
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/pion/mediadevices/pkg/codec"
	"github.com/pion/mediadevices/pkg/io/video"
	"github.com/pion/mediadevices/pkg/prop"

	"github.com/hedgecam/hedge/internal/i420"
	"github.com/hedgecam/hedge/redact"
)

// noKeyInterval is the longest distance of key pictures. No run is that long: an encoder
// makes one only when it is asked.
const noKeyInterval = 1 << 30

// library is an encoder of mediadevices: libx264 or OpenH264. It delays nothing.
type library struct {
	name  string
	size  image.Point
	enc   codec.ReadCloser
	key   codec.KeyFrameController
	next  *image.YCbCr // what the encoder's Read takes
	spare image.YCbCr  // a copy, of frames that the encoder cannot take as they are
}

// open builds an encoder.
func open(name string, builder codec.VideoEncoderBuilder, o Options) (Encoder, error) {
	l := &library{name: name, size: o.Size}
	pictures := video.ReaderFunc(func() (image.Image, func(), error) { return l.next, func() {}, nil })
	size := o.CodedSize()
	var err error
	l.enc, err = builder.BuildVideoEncoder(pictures, prop.Media{Video: prop.Video{Width: size.X, Height: size.Y}})
	if err != nil {
		return nil, fmt.Errorf("open %s for %dx%d: %w", name, size.X, size.Y, err)
	}
	key, ok := l.enc.Controller().(codec.KeyFrameController)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%s makes no key frames on demand", name), l.enc.Close())
	}
	l.key = key
	return l, nil
}

// Encode implements Encoder. The frame's own memory goes to the encoder where it has even
// sides and tight planes, as those of a pipeline do.
func (l *library) Encode(f redact.Frame, at time.Duration, key bool) ([]AccessUnit, error) {
	if err := check(l.name, l.size, f); err != nil {
		return nil, err
	}
	pic := f.Picture()
	if l.next = pic; !i420.IsEven(pic) {
		i420.Even(&l.spare, pic)
		l.next = &l.spare
	}
	if key {
		if err := l.key.ForceKeyFrame(); err != nil {
			return nil, fmt.Errorf("ask %s for a key frame: %w", l.name, err)
		}
	}
	data, release, err := l.enc.Read()
	release()
	l.next = nil
	if err != nil {
		return nil, fmt.Errorf("encode a frame of %v with %s: %w", l.size, l.name, err)
	}
	// The bridge hands out a copy in Go memory, which is nobody else's.
	units, err := nalus(data)
	if err != nil {
		return nil, fmt.Errorf("encode a frame of %v with %s: %w", l.size, l.name, err)
	}
	return []AccessUnit{{Time: at, NALUs: units}}, nil
}

// Close implements Encoder.
func (l *library) Close() error {
	if err := l.enc.Close(); err != nil {
		return fmt.Errorf("close %s: %w", l.name, err)
	}
	return nil
}
