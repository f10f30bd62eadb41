//go:build !nox264

package encoder

import "github.com/pion/mediadevices/pkg/codec/x264"

var library264 = Factory{Name: "x264", Open: openX264}

// x264Rate is the rate at which the bridge's x264 believes the pictures to
// come: it is told none, and takes libx264's default.
const x264Rate = 25

// openX264 opens libx264, which is under the GPL. The tag nox264 leaves it out. Its preset
// is superfast, or ultrafast with Options.Fast: on a street at 1080p and 4 Mbit/s that took
// 0.6 times as long, side by side, for 6 % more bits and 1 dB less. The stream is then of
// the constrained baseline profile, else of the high one.
func openX264(o Options) (Encoder, error) {
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
	params.BitRate = int(float64(o.BitRate) * x264Rate / o.Rate)
	return open("x264", &params, o)
}
