package ffmpeg

import (
	"context"
	"errors"
	"image"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg/ffmpegtest"
)

func TestMain(m *testing.M) {
	ffmpegtest.Main()
	goleak.VerifyTestMain(m)
}

// needFFmpeg skips the test where the programs are not installed.
func needFFmpeg(t testing.TB) {
	t.Helper()
	for _, p := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed", p)
		}
	}
}

// testContext ends with the test, and before a hanging test would.
func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// run runs ffmpeg.
func run(t testing.TB, args ...string) {
	t.Helper()
	out, err := exec.Command("ffmpeg", append([]string{"-nostdin", "-hide_banner", "-loglevel", "error", "-y"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg %q: %v\n%s", args, err, out)
	}
}

// makeVideo writes a video of ffmpeg's source to a new folder.
func makeVideo(t testing.TB, name, source string, args ...string) string {
	t.Helper()
	needFFmpeg(t)
	path := filepath.Join(t.TempDir(), name)
	run(t, append(append([]string{"-f", "lavfi", "-i", source}, args...), "file:"+path)...)
	return path
}

func open(t testing.TB, path string, o Options) *Source {
	t.Helper()
	s, err := Open(testContext(t), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// picture is a copy of what a Source delivered.
type picture struct {
	pic    *image.YCbCr
	time   time.Duration
	native image.Point
}

// readAll reads to the end, and fails on anything but io.EOF and damage.
func readAll(t testing.TB, s *Source) []picture {
	t.Helper()
	var all []picture
	var b pipeline.Buffer
	ctx := testContext(t)
	for {
		err := s.Read(ctx, &b)
		if errors.Is(err, io.EOF) {
			return all
		}
		if errors.Is(err, pipeline.ErrPicture) {
			continue
		}
		if err != nil {
			t.Fatalf("picture %d: %v", len(all), err)
		}
		size := s.Info().Size
		all = append(all, picture{clone(b.Resize(size.X, size.Y)), b.Time, b.Native})
	}
}

func clone(p *image.YCbCr) *image.YCbCr {
	c := *p
	c.Y = append([]byte(nil), p.Y...)
	c.Cb = append([]byte(nil), p.Cb...)
	c.Cr = append([]byte(nil), p.Cr...)
	return &c
}

func times(all []picture) []time.Duration {
	ts := make([]time.Duration, len(all))
	for i, p := range all {
		ts[i] = p.time
	}
	return ts
}

// reader reads one picture after the other.
type reader struct {
	t   testing.TB
	s   *Source
	ctx context.Context
	buf pipeline.Buffer
}

func (r *reader) next() time.Duration {
	r.t.Helper()
	if err := r.s.Read(r.ctx, &r.buf); err != nil {
		r.t.Fatal(err)
	}
	return r.buf.Time
}
