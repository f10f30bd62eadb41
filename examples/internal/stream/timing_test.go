package stream

import (
	"bytes"
	"image"
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

// FuzzUntimed: what comes out is a NAL unit, and stays.
func FuzzUntimed(f *testing.F) {
	f.Add([]byte{0x67, 0x42, 0xc0, 0x1e, 0xd9, 0, 0, 3, 0, 1, 0, 0, 3, 0, 0x32})
	f.Fuzz(func(t *testing.T, data []byte) {
		out := untimed(data)
		if len(out) > len(data) {
			t.Fatalf("%x became longer: %x", data, out)
		}
		if !bytes.Equal(out, data) && bytes.Contains(out, []byte{0, 0, 1}) {
			t.Fatalf("%x became %x, with a start code", data, out)
		}
	})
}
