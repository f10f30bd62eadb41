package ffmpeg

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hedgecam/hedge/pipeline"
)

var _ pipeline.Source = (*Source)(nil)

func TestSourceDeliversEveryPicture(t *testing.T) {
	path := makeVideo(t, "ntsc.mp4", "testsrc2=s=320x240:r=30000/1001:d=2", "-pix_fmt", "yuv420p")
	s := open(t, path, Options{})
	info := s.Info()
	if info.Size != image.Pt(320, 240) || info.Codec != "h264" || info.Rate != (Rational{30000, 1001}) ||
		info.Frames != 60 || info.Rotation != 0 || info.Live || info.Color.Range != "tv" ||
		info.TimeBase != (Rational{1, 30000}) || info.SampleAspect != (Rational{1, 1}) {
		t.Errorf("info = %+v", info)
	}
	if d := info.Duration.Seconds(); math.Abs(d-2.002) > 0.001 {
		t.Errorf("duration = %v s", d)
	}
	all := readAll(t, s)
	if len(all) != 60 {
		t.Fatalf("%d pictures, want 60", len(all))
	}
	for i, p := range all {
		// n*1001/30000 s, rounded to the nanosecond.
		want := time.Duration((int64(i)*1001*1e9 + 15000) / 30000)
		if p.time != want {
			t.Errorf("picture %d at %v, want %v", i, p.time, want)
		}
		if p.native != (image.Point{}) {
			t.Errorf("picture %d: native size %v", i, p.native)
		}
		if i > 0 && bytes.Equal(p.pic.Y, all[i-1].pic.Y) {
			t.Errorf("picture %d is the same as the one before", i)
		}
	}
	if st := s.Stats(); st != (Stats{Frames: 60}) {
		t.Errorf("stats = %+v", st)
	}
	if err := s.Warning(); err != nil {
		t.Errorf("warning: %v", err)
	}
	var b pipeline.Buffer
	if err := s.Read(testContext(t), &b); !errors.Is(err, io.EOF) {
		t.Errorf("second read at the end: %v", err)
	}
}

// TestSourcePixels compares with pictures that ffmpeg writes to a file itself.
func TestSourcePixels(t *testing.T) {
	for _, size := range []string{"1:1", "2:2", "333:211", "17:1", "640:360"} {
		t.Run(size, func(t *testing.T) {
			dir := t.TempDir()
			path := makeVideo(t, "a.mkv", "testsrc2=s=640x360:r=10:d=0.5,format=yuv444p,crop="+size+":3:0,format=yuv420p", "-c:v", "ffv1")
			raw := filepath.Join(dir, "a.yuv")
			run(t, "-i", path, "-f", "rawvideo", raw)
			want, err := os.ReadFile(raw)
			if err != nil {
				t.Fatal(err)
			}
			all := readAll(t, open(t, path, Options{}))
			var got []byte
			for _, p := range all {
				got = append(append(append(got, p.pic.Y...), p.pic.Cb...), p.pic.Cr...)
			}
			if len(all) != 5 || !bytes.Equal(got, want) {
				t.Errorf("%d pictures, %d bytes, want 5 and %d; equal: %v", len(all), len(got), len(want), bytes.Equal(got, want))
			}
		})
	}
}

func TestSourceReadDoesNotAllocate(t *testing.T) {
	path := makeVideo(t, "a.mkv", "testsrc2=s=128x96:r=50:d=8", "-c:v", "ffv1")
	s := open(t, path, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var b pipeline.Buffer
	read := func() {
		if err := s.Read(ctx, &b); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 {
		read()
	}
	if n := testing.AllocsPerRun(300, read); n != 0 {
		t.Errorf("%v allocations per picture", n)
	}
}
