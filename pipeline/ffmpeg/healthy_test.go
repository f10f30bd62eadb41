package ffmpeg

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestHealthyRecordingsAreNotDamaged reads recordings whose stamps are uneven, or
// were joined of parts of several rates, sizes and codecs.
func TestHealthyRecordingsAreNotDamaged(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	part := func(name, source string, args ...string) string {
		path := filepath.Join(dir, name)
		run(t, append(append([]string{"-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p"}, args...), path)...)
		return path
	}
	join := func(name string, parts ...string) string {
		list := ""
		for _, p := range parts {
			list += fmt.Sprintf("file '%s'\n", p)
		}
		path := filepath.Join(dir, name)
		run(t, "-f", "concat", "-safe", "0", "-i", write(t, filepath.Join(dir, name+".txt"), []byte(list)), "-c", "copy", path)
		return path
	}
	jitter := []string{"-vf", "settb=1/90000,setpts='PTS+1000*sin(N*1.3)'", "-enc_time_base", "1/90000", "-vsync", "passthrough", "-video_track_timescale", "90000"}
	fast := part("fast.mp4", "testsrc2=s=160x120:r=50:d=1")
	slow := part("slow.mp4", "testsrc2=s=160x120:r=24:d=1")
	for _, c := range []struct {
		path string
		n    int
	}{
		{part("jitter.mp4", "testsrc2=s=160x120:r=30:d=2", jitter...), 60},
		{part("jitter60.mp4", "testsrc2=s=160x120:r=60:d=2", jitter...), 120},
		{part("near.mkv", "testsrc2=s=160x120:r=30:d=2,setpts='if(between(N,20,40),20+(N-20)/20,N)/30/TB'", "-vsync", "passthrough"), 60},
		{join("joined.mp4", fast, slow, fast), 124},
		{join("joined.mkv", slow, fast), 74},
	} {
		t.Run(filepath.Base(c.path), func(t *testing.T) {
			s := open(t, c.path, Options{})
			if n := len(readAll(t, s)); n != c.n {
				t.Errorf("%d pictures, want %d", n, c.n)
			}
			if w := s.Warning(); w != nil {
				t.Errorf("warning: %v", w)
			}
		})
	}

	t.Run("joined and damaged", func(t *testing.T) {
		path := join("broken.mkv", slow, fast)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := len(data) / 2; i < len(data)*3/4; i += 997 {
			data[i] ^= 0x5a
		}
		s := open(t, write(t, path, data), Options{})
		readAll(t, s)
		if s.Warning() == nil {
			t.Error("no warning")
		}
	})
}

// TestFastRecordingsKeepTheirLastFrame: a thousand frames a second and more are not
// a rate to ffmpeg, and a frame without a duration is one that players leave out.
func TestFastRecordingsKeepTheirLastFrame(t *testing.T) {
	for _, rate := range []int64{240, 999, 1000, 1001, 2500, 100000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			const n = 40
			path := filepath.Join(t.TempDir(), "out.mp4")
			s := create(t, path, OutOptions{Size: image.Pt(64, 48), Rate: Rational{rate, 1}, TimeBase: Rational{1, rate}})
			writeAll(t, s, stills(64, 48, n, time.Second/time.Duration(rate)))
			if got := len(readAll(t, open(t, path, Options{}))); got != n {
				t.Errorf("%d frames come back of %d", got, n)
			}
		})
	}
}
