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
// claim, or none, is returned as it is, and so is what is no parameter set.
func untimed(sps []byte) []byte {
	if !isParameterSet(sps) {
		return sps
	}
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

// isParameterSet reports whether b is a sequence parameter set as it is carried: with
// its type, and with a byte 3 wherever its own bytes would look like a start code
// (ITU-T H.264, 7.4.1), which alone can be taken out and put in again.
func isParameterSet(b []byte) bool {
	if len(b) == 0 || b[0]&0x1f != 7 {
		return false
	}
	for i := 2; i < len(b); i++ {
		if b[i-2] != 0 || b[i-1] != 0 || b[i] > 3 {
			continue
		}
		if b[i] < 3 || i+1 < len(b) && b[i+1] > 3 {
			return false
		}
	}
	return true
}
