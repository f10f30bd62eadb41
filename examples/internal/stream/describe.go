package stream

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// describe returns a sequence parameter set that says what is known of the
// pictures: the aspect of their pixels and their colours. It says nothing of time:
// x264 claims of every camera that pictures come 25 times a second, because the
// bridge tells it no rate, and decoders that believe it drop and double pictures.
// A set that cannot be read is returned as it is.
func describe(sps []byte, f ffmpeg.Format) []byte {
	b := bitString(bytes.ReplaceAll(sps, []byte{0, 0, 3}, []byte{0, 0}))
	// The last bit that is set is the stop bit.
	end := strings.LastIndexByte(b.text, '1')
	if !isParameterSet(sps) || !skipToVUI(b) || b.at >= end {
		return sps
	}
	head := b.text[:b.at]
	overscan, chroma, rest := "0", "0", "0000" // no HRD twice, no structure, no restriction
	if b.flag() {
		overscan, chroma = skipToTiming(b)
		if b.flag() {
			b.skip(32 + 32 + 1)
		}
		if b.bad || b.at > end {
			return sps
		}
		rest = b.text[b.at:end]
	}
	return pack(head + "1" + aspectBits(f.SampleAspect) + overscan + colorBits(f.Color) + chroma + "0" + rest + "1")
}

// skipToVUI moves from the beginning of a set to the flag that says whether there
// is usability information (ITU-T H.264, 7.3.2.1.1).
func skipToVUI(b *bits) bool {
	b.skip(8)
	profile := b.number(8)
	b.skip(16)
	b.golomb()
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		if b.golomb() == 3 {
			b.skip(1)
		}
		b.golomb()
		b.golomb()
		b.skip(1)
		if b.flag() {
			return false // scaling lists: x264 writes them for none of its presets
		}
	}
	b.golomb()
	switch b.golomb() {
	case 0:
		b.golomb()
	case 1:
		return false // x264 writes 0 or 2
	}
	b.golomb()
	b.skip(1)
	b.golomb()
	b.golomb()
	if !b.flag() {
		b.skip(1)
	}
	b.skip(1)
	if b.flag() {
		for range 4 {
			b.golomb()
		}
	}
	return !b.bad
}

// skipToTiming moves on from there to the flag for timing (E.1.1), and returns
// what stands there about overscan and the place of chroma samples.
func skipToTiming(b *bits) (overscan, chroma string) {
	if b.flag() && b.number(8) == 255 {
		b.skip(32)
	}
	from := b.at
	if b.flag() {
		b.skip(1)
	}
	overscan = b.text[from:b.at]
	if b.flag() {
		b.skip(3 + 1)
		if b.flag() {
			b.skip(24)
		}
	}
	from = b.at
	if b.flag() {
		b.golomb()
		b.golomb()
	}
	if b.bad {
		return "", ""
	}
	return overscan, b.text[from:b.at]
}

// aspectBits says how wide a pixel is for its height.
func aspectBits(a ffmpeg.Rational) string {
	const extended = 255
	switch {
	case !a.Known() || a.Num > 65535 || a.Den > 65535:
		return "0"
	case a.Num == a.Den:
		return "1" + fmt.Sprintf("%08b", 1)
	}
	return "1" + fmt.Sprintf("%08b%016b%016b", extended, a.Num, a.Den)
}

// colorBits says what the samples mean: limited range, of no named television
// system.
func colorBits(c ffmpeg.Color) string {
	primaries, transfer, matrix, named := c.CodePoints()
	if !named {
		return "0"
	}
	return "1" + "101" + "0" + "1" + fmt.Sprintf("%08b%08b%08b", primaries, transfer, matrix)
}

// bits is a text of zeros and ones that is read from the front.
type bits struct {
	text string
	at   int
	bad  bool // it was read beyond its end
}

func bitString(data []byte) *bits {
	var text strings.Builder
	for _, v := range data {
		fmt.Fprintf(&text, "%08b", v)
	}
	return &bits{text: text.String()}
}

func (b *bits) skip(n int) {
	if b.at += n; b.at > len(b.text) {
		b.at, b.bad = len(b.text), true
	}
}

func (b *bits) number(n int) uint64 {
	from := b.at
	if b.skip(n); b.bad {
		return 0
	}
	v, err := strconv.ParseUint(b.text[from:b.at], 2, 64)
	b.bad = err != nil
	return v
}

func (b *bits) flag() bool { return b.number(1) == 1 }

// golomb reads an Exp-Golomb code (9.1).
func (b *bits) golomb() uint64 {
	zeros := 0
	for !b.flag() {
		if zeros++; b.bad || zeros > 32 {
			b.bad = true
			return 0
		}
	}
	if zeros == 0 {
		return 0
	}
	return 1<<zeros - 1 + b.number(zeros)
}

// pack returns the bytes of a NAL unit, with the bytes that keep start codes out.
func pack(text string) []byte {
	text += strings.Repeat("0", -len(text)&7)
	var out []byte
	zeros := 0
	for i := 0; i < len(text); i += 8 {
		var v byte
		for _, bit := range []byte(text[i : i+8]) {
			v = v<<1 | bit&1
		}
		if zeros >= 2 && v <= 3 {
			out, zeros = append(out, 3), 0
		}
		if zeros++; v != 0 {
			zeros = 0
		}
		out = append(out, v)
	}
	return out
}

// isParameterSet reports whether b is a sequence parameter set as it is carried: with
// its type, and with a byte 3 wherever its own bytes would look like a start code
// (ITU-T H.264, 7.4.1). Only those bytes can be taken out and put in again.
func isParameterSet(b []byte) bool {
	if len(b) == 0 || nalType(b) != h264.NALUTypeSPS {
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
