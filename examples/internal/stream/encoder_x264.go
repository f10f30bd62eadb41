//go:build !nox264

package stream

import (
	"image"

	"github.com/pion/mediadevices/pkg/codec"
	"github.com/pion/mediadevices/pkg/codec/x264"
)

// encoderName is the library that encodes.
const encoderName = "libx264"

// x264Rate is the rate at which the bridge's x264 believes the pictures to
// come: it is told none, and takes libx264's default.
const x264Rate = 25

// newBuilder sets up libx264, which is under the GPL. The tag nox264 leaves it out.
func newBuilder(size image.Point, o Options) (codec.VideoEncoderBuilder, error) {
	params, err := x264.NewParams()
	if err != nil {
		return nil, err
	}
	params.Preset = x264.PresetSuperfast
	if o.Fast {
		params.Preset = x264.PresetUltrafast
	}
	params.LogLevel = x264.LogNone
	params.KeyFrameInterval = noKeyInterval
	params.BitRate = int(float64(o.bitRate(size)) * x264Rate / o.Rate)
	return &params, nil
}
