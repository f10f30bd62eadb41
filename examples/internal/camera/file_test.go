package camera

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// recording makes a recording of half a second whose luma rises by 10 from
// picture to picture, from 30 on, 20 pictures per second.
func recording(t *testing.T) string {
	t.Helper()
	needFFmpeg(t)
	path := filepath.Join(t.TempDir(), "clip.mp4")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "nullsrc=s=64x48:r=20:d=0.5,format=yuv420p,geq=lum=30+10*N:cb=128:cr=128",
		"-c:v", "libx264", "-crf", "10", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// TestFile: a recording is played at its own speed, again and again, on one
// clock.
func TestFile(t *testing.T) {
	path := recording(t)
	begin := time.Now()
	s, err := Open("file:"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeIt(t, s)
	var b pipeline.Buffer
	last := time.Duration(-1)
	const n = 35
	for i := range n {
		if err := s.Read(context.Background(), &b); err != nil {
			t.Fatal(err)
		}
		if want := 30 + 10*(i%10); int(b.Resize(64, 48).Y[0]) < want-2 || int(b.Resize(64, 48).Y[0]) > want+2 {
			t.Errorf("picture %d: luma %d, want %d", i, b.Resize(64, 48).Y[0], want)
		}
		if d := b.Time - time.Duration(i)*50*time.Millisecond; b.Time <= last || d < -60*time.Millisecond || d > 60*time.Millisecond {
			t.Errorf("picture %d at %v after %v", i, b.Time, last)
		}
		last = b.Time
	}
	// 34 pictures at 50 ms, and what opening takes.
	if d := time.Since(begin); d < 1300*time.Millisecond {
		t.Errorf("%d pictures in %v", n, d)
	}
	if st := s.State(); !st.Connected || st.Lost != 0 || st.Pictures != n {
		t.Errorf("%+v", st)
	}
}

// TestFileFaults: a recording that cannot be played is an error at once.
func TestFileFaults(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	text, empty := filepath.Join(dir, "text.mp4"), filepath.Join(dir, "empty.mp4")
	if err := os.WriteFile(text, []byte("not a video"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		filepath.Join(dir, "missing.mp4"): fs.ErrNotExist, text: ffmpeg.ErrNotVideo, empty: ffmpeg.ErrEmpty, dir: ffmpeg.ErrAddress,
	} {
		s, err := Open("file:"+path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Read(context.Background(), &pipeline.Buffer{}); !errors.Is(err, want) || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("%v", err)
		}
		closeIt(t, s)
	}
}

// TestNoDevice: without a camera the message says what to do, and attempts go on.
func TestNoDevice(t *testing.T) {
	if _, err := os.Stat("/dev/video250"); err == nil {
		t.Skip("there is a /dev/video250")
	}
	s, err := Open("camera:250", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeIt(t, s)
	done := make(chan error)
	go func() { done <- s.Read(context.Background(), &pipeline.Buffer{}) }()
	waitFor(t, "an attempt", func() bool { return s.State().Err != nil })
	if err := s.State().Err; !errors.Is(err, ErrNoDevice) || err.Error() != "camera:250: /dev/video250: "+ErrNoDevice.Error() {
		t.Errorf("%v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
