//go:build nox264

package stream

import (
	"image"

	"github.com/pion/mediadevices/pkg/codec"
	"github.com/pion/mediadevices/pkg/codec/openh264"
)

// encoderName is the library that encodes.
const encoderName = "OpenH264"

// newBuilder sets up OpenH264, which is under a BSD licence, in place of libx264. It
// has one speed: Options.Fast changes nothing.
func newBuilder(size image.Point, o Options) (codec.VideoEncoderBuilder, error) {
	params, err := openh264.NewParams()
	if err != nil {
		return nil, err
	}
	params.BitRate = o.bitRate(size)
	params.IntraPeriod = noKeyInterval
	params.EnableFrameSkip = false // each picture that goes in comes out
	params.MultipleThreadIdc = 1
	params.SliceMode = openh264.SMSingleSlice
	params.SliceSizeConstraint = 0
	return &params, nil
}
