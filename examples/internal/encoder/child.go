package encoder

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

const (
	// startTimeout is how long it may take to start an encoder's process.
	startTimeout = 10 * time.Second
	// noGroup is the most pictures from one key picture to the next of an encoder that
	// makes one when it is asked. Some drivers refuse more.
	noGroup = 600
)

// child is an encoder in an ffmpeg process.
type child struct {
	name  string
	o     Options
	enc   *ffmpeg.Encoder
	began bool // a picture has come out
}

// childOf is how a process is started.
type childOf struct {
	name, codec string
	lowPower    bool
	// deaf is set for an encoder that makes no key picture when it is asked: it makes
	// one each second.
	deaf bool
	// patience is how long it may stand still, 0 for the default.
	patience time.Duration
	// room is that of ffmpeg.EncoderOptions.
	room func(ffmpeg.Room) []string
}

// Process is an encoder of ffmpeg's, by ffmpeg's name, in a process of its own, untried. It
// may stand still for as long as patience says, 0 for 3 seconds.
func Process(name, codec string, patience time.Duration) Factory {
	return Factory{Name: name, Open: childOf{name: name, codec: codec, patience: patience}.open}
}

// open starts an encoder.
func (k childOf) open(o Options) (Encoder, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	group := noGroup
	if k.deaf {
		group = max(int(math.Round(o.Rate)), 1)
	}
	enc, err := ffmpeg.NewEncoder(ctx, ffmpeg.EncoderOptions{Codec: k.codec, Size: o.Size, BitRate: o.BitRate, Rate: o.Rate, Group: group,
		LowPower: k.lowPower, Patience: k.patience, Room: k.room})
	if err != nil {
		return nil, fmt.Errorf("open %s for %dx%d: %w", k.name, o.Size.X, o.Size.Y, err)
	}
	return &child{name: k.name, o: o, enc: enc}, nil
}

// Encode implements Encoder.
func (c *child) Encode(f redact.Frame, at time.Duration, key bool) ([]AccessUnit, error) {
	if err := check(c.name, c.o.Size, f); err != nil {
		return nil, err
	}
	packets, err := c.enc.Encode(f, at, key)
	if errors.Is(err, ffmpeg.ErrFrame) {
		return nil, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	if err != nil {
		return nil, fmt.Errorf("encode a frame of %v with %s: %w", c.o.Size, c.name, err)
	}
	units := make([]AccessUnit, 0, len(packets))
	for _, p := range packets {
		u, err := c.unit(p)
		if err != nil {
			return nil, fmt.Errorf("encode a frame of %v with %s: %w", c.o.Size, c.name, err)
		}
		units = append(units, u)
	}
	return units, nil
}

// unit takes a picture apart. Nobody but this process's users says what a driver puts out,
// so it is looked at: the first picture is a key picture, and the size is the one asked for.
func (c *child) unit(p ffmpeg.Packet) (AccessUnit, error) {
	nals, err := nalus(p.Data)
	if err != nil {
		return AccessUnit{}, err
	}
	var kinds [32]bool
	for _, nal := range nals {
		kind := h264.NALUType(nal[0] & 0x1f)
		kinds[kind] = true
		if kind != h264.NALUTypeSPS {
			continue
		}
		var sps h264.SPS
		if err := sps.Unmarshal(nal); err != nil {
			return AccessUnit{}, fmt.Errorf("%w: %w", ErrOutput, err)
		}
		if size := image.Pt(sps.Width(), sps.Height()); size != c.o.CodedSize() {
			return AccessUnit{}, fmt.Errorf("%w: its pictures are %dx%d", ErrFormat, size.X, size.Y)
		}
	}
	if !c.began && !(kinds[h264.NALUTypeSPS] && kinds[h264.NALUTypePPS] && kinds[h264.NALUTypeIDR]) {
		return AccessUnit{}, fmt.Errorf("%w: its first picture is no key picture", ErrOutput)
	}
	c.began = true
	return AccessUnit{Time: p.Time, NALUs: nals}, nil
}

// Close implements Encoder.
func (c *child) Close() error {
	if err := c.enc.Close(); err != nil {
		return fmt.Errorf("close %s: %w", c.name, err)
	}
	return nil
}
