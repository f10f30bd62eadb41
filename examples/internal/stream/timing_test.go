package stream

import (
	"bytes"
	"fmt"
	"image"
	"strconv"
	"strings"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// TestUntimed: what the encoder says of itself keeps its size and that no picture
// waits for another, and does not claim a rate.
func TestUntimed(t *testing.T) {
	for _, size := range []image.Point{{64, 48}, {640, 360}, {1920, 1080}, {1282, 722}} {
		e, err := newEncoder(size, Options{Rate: 30, BitRate: 1e6})
		if err != nil {
			t.Fatal(err)
		}
		pic := planar{pic: *image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)}
		u, err := e.encode(&pic, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.close(); err != nil {
			t.Error(err)
		}
		sps, pps := u.ParameterSets()
		var p h264.SPS
		if err := p.Unmarshal(sps); err != nil || pps == nil {
			t.Fatalf("%v: %v", size, err)
		}
		if p.Width() != size.X || p.Height() != size.Y {
			t.Errorf("%v: %dx%d", size, p.Width(), p.Height())
		}
		if p.VUI == nil || p.VUI.TimingInfo != nil {
			t.Errorf("%v: timing %+v", size, p.VUI)
		} else if r := p.VUI.BitstreamRestriction; r == nil || r.MaxNumReorderFrames != 0 {
			t.Errorf("%v: what follows the timing was lost: %+v", size, r)
		}
		if !bytes.Equal(untimed(sps), sps) {
			t.Errorf("%v: a set without timing is changed", size)
		}
	}
}

// TestUntimedOthers: whatever else is a parameter set stays as it is.
func TestUntimedOthers(t *testing.T) {
	for _, sps := range [][]byte{nil, {0x67}, {0x67, 0, 0, 3, 1, 0, 0, 3, 0, 1}, bytes.Repeat([]byte{0xff}, 40), make([]byte, 40)} {
		if got := untimed(sps); !bytes.Equal(got, sps) {
			t.Errorf("%x becomes %x", sps, got)
		}
	}
}

// FuzzUntimed: what comes out is what went in, or a parameter set without exactly
// the bits of the claim. The bytes 3 that its new place in the bytes asks for may
// make it longer.
func FuzzUntimed(f *testing.F) {
	f.Add([]byte{0x67, 0x42, 0xc0, 0x1e, 0xd9, 0, 0, 3, 0, 1, 0, 0, 3, 0, 0x32})
	for _, tail := range []string{"1", "0000000", strings.Repeat("000000000000000010000000", 30)} {
		f.Add(packed("01100111" + "010" + x264Timing + tail + "1"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		out := untimed(data)
		if !bytes.Equal(data, before) {
			t.Fatal("the input was changed")
		}
		if bytes.Equal(out, data) {
			return
		}
		if !isParameterSet(out) || out[len(out)-1] == 0 {
			t.Fatalf("%x became %x, which is no parameter set", data, out)
		}
		was, is := unpacked(data), unpacked(out)
		// All but the zeros behind the stop bit is the same.
		want := strings.Replace(was, x264Timing, "0", 1)
		if strings.TrimRight(want, "0") != strings.TrimRight(is, "0") {
			t.Fatalf("%x became %x", data, out)
		}
	})
}

// packed returns bits as bytes in which nothing looks like a start code.
func packed(bits string) (b []byte) {
	bits += strings.Repeat("0", -len(bits)&7)
	for i := 0; i < len(bits); i += 8 {
		v, err := strconv.ParseUint(bits[i:i+8], 2, 8)
		if err != nil {
			panic(err)
		}
		if n := len(b); v <= 3 && n >= 2 && b[n-1] == 0 && b[n-2] == 0 {
			b = append(b, 3)
		}
		b = append(b, byte(v))
	}
	return b
}

// unpacked returns the bits of a parameter set.
func unpacked(b []byte) string {
	var bits strings.Builder
	zeros := 0
	for _, v := range b {
		if zeros >= 2 && v == 3 {
			zeros = 0
			continue
		}
		if zeros++; v != 0 {
			zeros = 0
		}
		fmt.Fprintf(&bits, "%08b", v)
	}
	return bits.String()
}
