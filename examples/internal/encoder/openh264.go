//go:build nox264

package encoder

import "github.com/pion/mediadevices/pkg/codec/openh264"

var library264 = Factory{Name: "openh264", Open: openOpenH264}

// openOpenH264 opens OpenH264, which is under a BSD licence, in programs built with the tag
// nox264: the bridges of the two have functions of the same name, so that no program can have
// both. It has one speed: Options.Fast changes nothing.
func openOpenH264(o Options) (Encoder, error) {
	params, err := openh264.NewParams()
	if err != nil {
		return nil, err
	}
	params.BitRate = o.BitRate
	params.IntraPeriod = noKeyInterval
	params.EnableFrameSkip = false // each picture that goes in comes out
	params.MultipleThreadIdc = 1
	params.SliceMode = openh264.SMSingleSlice
	params.SliceSizeConstraint = 0
	return open("openh264", &params, o)
}
