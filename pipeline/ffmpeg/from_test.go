package ffmpeg

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// TestFrom: from a later time on, pictures and times are those of the whole, whatever the
// container counts from.
func TestFrom(t *testing.T) {
	for name, args := range map[string][]string{
		"a.mp4": {"-c:v", "libx264", "-g", "8"},
		"a.mkv": {"-c:v", "libx264", "-g", "8", "-x264-params", "open-gop=1", "-output_ts_offset", "3"},
		"a.ts":  {"-c:v", "libx264", "-g", "8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := makeVideo(t, name, "testsrc2=s=64x48:r=30000/1001:d=3", args...)
			whole := readAll(t, open(t, path, Options{}))
			part := readAll(t, open(t, path, Options{From: 1500 * time.Millisecond}))
			if len(part) == 0 || len(part) > len(whole)/2 || len(part) < len(whole)/4 {
				t.Fatalf("%d of %d pictures from the middle on", len(part), len(whole))
			}
			for i, p := range part {
				w := whole[len(whole)-len(part)+i]
				if p.time != w.time || !bytes.Equal(p.pic.Y, w.pic.Y) || !bytes.Equal(p.pic.Cb, w.pic.Cb) || !bytes.Equal(p.pic.Cr, w.pic.Cr) {
					t.Fatalf("picture %d, at %v, is another than that at %v of the whole", i, p.time, w.time)
				}
			}
		})
	}
	path := makeVideo(t, "a.mp4", "testsrc2=s=64x48:r=10:d=1")
	if _, err := Open(testContext(t), path, Options{From: time.Minute}); !errors.Is(err, ErrFrom) {
		t.Errorf("behind the end: %v", err)
	}
	for _, o := range []Options{{From: -1}, {From: time.Second, Loop: true}} {
		if _, err := Open(testContext(t), path, o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
