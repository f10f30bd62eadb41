package stream

import (
	"bytes"
	"strings"
)

// x264Timing is what the bridge's x264 says of time in each sequence parameter
// set, bit by bit (ITU-T H.264, E.1.1): timing_info_present_flag 1,
// num_units_in_tick 1, time_scale 50, fixed_frame_rate_flag 1.
var x264Timing = "1" + strings.Repeat("0", 31) + "1" + strings.Repeat("0", 26) + "110010" + "1"

// untimed returns a sequence parameter set without the claim that pictures come
// 25 times a second, which x264 makes of every camera because the bridge tells it
// no rate. Decoders that believe it drop and double pictures of a camera with
// another one; without it they take the time stamps. A set that makes another
// claim, or none, is returned as it is.
func untimed(sps []byte) []byte {
	var bits strings.Builder
	for _, b := range bytes.ReplaceAll(sps, []byte{0, 0, 3}, []byte{0, 0}) {
		for i := 7; i >= 0; i-- {
			bits.WriteByte('0' + b>>i&1)
		}
	}
	text := bits.String()
	at := strings.Index(text, x264Timing)
	if at < 0 {
		return sps
	}
	// The stop bit stays the last one, with new zeros behind it.
	text = strings.TrimRight(text[:at]+"0"+text[at+len(x264Timing):], "0")
	text += strings.Repeat("0", -len(text)&7)
	var out []byte
	zeros := 0
	for i := 0; i < len(text); i += 8 {
		var b byte
		for _, bit := range []byte(text[i : i+8]) {
			b = b<<1 | bit&1
		}
		if zeros >= 2 && b <= 3 {
			out, zeros = append(out, 3), 0
		}
		if zeros++; b != 0 {
			zeros = 0
		}
		out = append(out, b)
	}
	return out
}
