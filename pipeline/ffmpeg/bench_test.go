package ffmpeg

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/hedgecam/hedge/pipeline"
)

// BenchmarkSource1080p compares reading into this process with ffmpeg decoding
// the same file to nowhere.
func BenchmarkSource1080p(b *testing.B) {
	path := makeVideo(b, "a.mp4", "testsrc2=s=1920x1080:r=30:d=10", "-pix_fmt", "yuv420p", "-preset", "ultrafast")
	begin := time.Now()
	if out, err := exec.Command("ffmpeg", "-nostdin", "-loglevel", "error", "-i", path, "-f", "null", "-").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	decode := time.Since(begin)
	b.ResetTimer()
	b.ReportAllocs()
	b.SetBytes(1920 * 1080 * 3 / 2)
	var buf pipeline.Buffer
	n := 0
	var s *Source
	for range b.N {
		if n == 0 {
			b.StopTimer()
			s = open(b, path, Options{})
			b.StartTimer()
			n = 300
		}
		if err := s.Read(context.Background(), &buf); err != nil {
			b.Fatal(err)
		}
		n--
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/(float64(decode)/300), "x-decode")
}
