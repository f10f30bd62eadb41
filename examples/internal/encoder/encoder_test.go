package encoder

import (
	"image"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/hedgecam/hedge/redact"
)

// frame returns a hidden frame in memory as that of a pipeline: even and tight, or in a
// larger picture.
func frame(t *testing.T, size image.Point, tight bool) redact.Frame {
	t.Helper()
	r, err := redact.New(nil, size, redact.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	large := size
	if !tight {
		large = size.Add(image.Pt(32, 2))
	}
	pic := image.NewYCbCr(image.Rectangle{Max: large}, image.YCbCrSubsampleRatio420)
	f, err := r.Redact(pic.SubImage(image.Rectangle{Max: size}).(*image.YCbCr), redact.Scene{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Release)
	return f
}

// TestDefault: the first unit is a key unit with parameter sets, another comes when asked
// for, each has the time of its frame, and a frame as pipelines have it is not copied.
func TestDefault(t *testing.T) {
	for _, c := range []struct {
		size          image.Point
		tight, copies bool
	}{{image.Pt(320, 192), true, false}, {image.Pt(320, 192), false, true}, {image.Pt(161, 97), true, true}} {
		e, err := Default().Open(Options{Size: c.size, BitRate: 1e6, Rate: 25})
		if err != nil {
			t.Fatal(err)
		}
		f := frame(t, c.size, c.tight)
		for n := range 10 {
			at := time.Duration(n) * 40 * time.Millisecond
			units, err := e.Encode(f, at, n == 6)
			if err != nil || len(units) != 1 || units[0].Time != at {
				t.Fatalf("%v, frame %d: %d units, %v", c.size, n, len(units), err)
			}
			kinds := map[h264.NALUType]bool{}
			for _, nal := range units[0].NALUs {
				kinds[h264.NALUType(nal[0]&0x1f)] = true
			}
			if key := n == 0 || n == 6; kinds[h264.NALUTypeIDR] != key || kinds[h264.NALUTypeSPS] != key || kinds[h264.NALUTypePPS] != key {
				t.Errorf("%v, frame %d has NAL units %v", c.size, n, kinds)
			}
		}
		if copied := e.(*library).spare.Y != nil; copied != c.copies {
			t.Errorf("%v, tight %t: copied %t", c.size, c.tight, copied)
		}
		if _, err := e.Encode(frame(t, image.Pt(64, 48), true), 0, false); err == nil {
			t.Errorf("%v: a frame of another size is taken", c.size)
		}
		if _, err := e.Encode(redact.Frame{}, 0, false); err == nil {
			t.Errorf("%v: no frame is taken", c.size)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}
