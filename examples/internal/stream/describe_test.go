package stream

import (
	"bytes"
	"image"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// firstUnit returns the unit of a frame of a size.
func firstUnit(t *testing.T, size image.Point) *Unit {
	t.Helper()
	h := newBroadcaster(t, Options{Rate: 30, BitRate: 1e6})
	sub := h.Subscribe(1)
	newScene(t, size.X, size.Y).write(h)
	return <-sub.C
}

// TestUntimedSets: what the encoder says of itself keeps its size and that no picture
// waits for another, and does not claim a rate.
func TestUntimedSets(t *testing.T) {
	for _, size := range []image.Point{{64, 48}, {640, 360}, {1920, 1080}, {1282, 722}} {
		u := firstUnit(t, size)
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
		if !bytes.Equal(describe(sps, ffmpeg.Format{}), sps) {
			t.Errorf("%v: a set without timing is changed", size)
		}
	}
}

// TestUntimedOthers: whatever else is a parameter set stays as it is.
func TestUntimedOthers(t *testing.T) {
	for _, sps := range [][]byte{nil, {0x67}, {0x67, 0, 0, 3, 1, 0, 0, 3, 0, 1}, bytes.Repeat([]byte{0xff}, 40), make([]byte, 40)} {
		if got := describe(sps, ffmpeg.Format{}); !bytes.Equal(got, sps) {
			t.Errorf("%x becomes %x", sps, got)
		}
	}
}

// TestDescribe: pixel aspect and colours are told, in sets with and without usability
// information of their own, and all else stays.
func TestDescribe(t *testing.T) {
	bt709 := ffmpeg.Color{Matrix: "bt709", Primaries: "bt709", Transfer: "bt709"}
	for _, size := range []image.Point{{704, 576}, {640, 360}} {
		u := firstUnit(t, size)
		plain, _ := u.ParameterSets()
		for _, tt := range []struct {
			f                           ffmpeg.Format
			num, den                    uint16
			primaries, transfer, matrix uint8
		}{
			{ffmpeg.Format{SampleAspect: ffmpeg.Rational{Num: 12, Den: 11}, Color: bt709}, 12, 11, 1, 1, 1},
			{ffmpeg.Format{SampleAspect: ffmpeg.Rational{Num: 1, Den: 1}, Color: ffmpeg.Color{Matrix: "smpte170m"}}, 1, 1, 2, 2, 6},
			{ffmpeg.Format{SampleAspect: ffmpeg.Rational{Num: 256, Den: 3}}, 256, 3, 0, 0, 0},
			{ffmpeg.Format{SampleAspect: ffmpeg.Rational{Num: 1 << 20, Den: 3}, Color: ffmpeg.Color{Transfer: "smpte2084", Primaries: "bt2020", Matrix: "bt2020nc"}}, 0, 0, 9, 16, 9},
		} {
			sps := describe(describe(plain, ffmpeg.Format{SampleAspect: ffmpeg.Rational{Num: 40, Den: 33}, Color: bt709}), tt.f)
			var p h264.SPS
			if err := p.Unmarshal(sps); err != nil || p.VUI == nil {
				t.Fatalf("%+v: %v", tt.f, err)
			}
			num, den := p.VUI.SarWidth, p.VUI.SarHeight
			if p.VUI.AspectRatioInfoPresentFlag && p.VUI.AspectRatioIdc == 1 {
				num, den = 1, 1
			}
			if num != tt.num || den != tt.den || p.VUI.ColourPrimaries != tt.primaries || p.VUI.TransferCharacteristics != tt.transfer ||
				p.VUI.MatrixCoefficients != tt.matrix || p.VUI.VideoFullRangeFlag {
				t.Errorf("%+v: %+v", tt.f, p.VUI)
			}
			if p.Width() != size.X || p.Height() != size.Y || p.VUI.TimingInfo != nil || p.VUI.BitstreamRestriction == nil {
				t.Errorf("%+v: %dx%d, %+v", tt.f, p.Width(), p.Height(), p.VUI)
			}
			if bytes.Contains(sps, []byte{0, 0, 0}) || bytes.Contains(sps, []byte{0, 0, 1}) || bytes.Contains(sps, []byte{0, 0, 2}) {
				t.Errorf("%+v: a start code in %x", tt.f, sps)
			}
			if back := describe(sps, ffmpeg.Format{}); !bytes.Equal(back, plain) {
				t.Errorf("%+v: without it again %x, was %x", tt.f, back, plain)
			}
		}
	}
}

// FuzzDescribe: what is changed is a NAL unit, and the same when it is described
// again.
func FuzzDescribe(f *testing.F) {
	f.Add([]byte{0x67, 0x42, 0xc0, 0x1e, 0xd9, 0, 0, 3, 0, 1, 0, 0, 3, 0, 0x32}, int64(12), int64(11))
	f.Add([]byte{0x67, 0x64, 0, 0x1f, 0xac, 0xd9, 0x40, 0x50, 5, 0xbb, 1, 0x10, 0, 0, 3, 0, 0x10, 0, 0, 3, 3, 0xc0, 0xf1, 0x83, 0x19, 0x60}, int64(1), int64(1))
	f.Fuzz(func(t *testing.T, data []byte, num, den int64) {
		format := ffmpeg.Format{SampleAspect: ffmpeg.Rational{Num: num, Den: den}, Color: ffmpeg.Color{Matrix: "bt709"}}
		out := describe(data, format)
		if bytes.Equal(out, data) {
			return
		}
		for _, code := range [][]byte{{0, 0, 0}, {0, 0, 1}, {0, 0, 2}} {
			if bytes.Contains(out, code) {
				t.Fatalf("%x became %x, with a start code", data, out)
			}
		}
		if again := describe(out, format); !bytes.Equal(again, out) {
			t.Fatalf("%x became %x, then %x", data, out, again)
		}
	})
}
