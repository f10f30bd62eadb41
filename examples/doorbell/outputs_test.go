package main

import (
	"image/jpeg"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOutputs: page, recorder and RTSP take the same redacted picture, and the
// recordings hold it.
func TestOutputs(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ffprobe"); err != nil {
		t.Skip("no ffprobe: apt-get install ffmpeg")
	}
	dir := t.TempDir()
	a, _ := start(t, "-source", "file:"+clip(t), "-rtsp", "127.0.0.1:0", "-rtsp-password", "hush-hush", "-rtsp-auth", "md5", "-record", dir)
	probe := func(url string) (string, error) {
		out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-timeout", "10000000",
			"-show_entries", "stream=codec_name,codec_type,width,height", "-of", "default=nw=1", url).CombinedOutput()
		return string(out), err
	}
	text, err := probe("rtsp://hedge:hush-hush@" + a.rtsp.Addr().String() + "/hedge")
	if err != nil || !strings.Contains(text, "codec_name=h264") || !strings.Contains(text, "width=640") || strings.Contains(text, "audio") {
		t.Errorf("over RTSP: %v: %s", err, text)
	}
	if text, err := probe("rtsp://hedge:wrong@" + a.rtsp.Addr().String() + "/hedge"); err == nil {
		t.Errorf("over RTSP with a wrong password: %s", text)
	}
	eventually(t, "a recording grows", func() bool {
		files, err := filepath.Glob(filepath.Join(dir, "*.mp4"))
		if err != nil || len(files) == 0 {
			return false
		}
		info, err := os.Stat(files[0])
		return err == nil && info.Size() > 4000
	})
}

// TestRotated: -rotate turns the picture for everybody who gets it.
func TestRotated(t *testing.T) {
	t.Parallel()
	a, _ := start(t, "-source", "file:"+clip(t), "-rotate", "90")
	c := newClient(t, a)
	data := c.snapshot(t)
	if is, err := jpeg.DecodeConfig(strings.NewReader(data)); err != nil || is.Width != 360 || is.Height != 640 {
		t.Errorf("a camera of 640x360 on its side gives %dx%d: %v", is.Width, is.Height, err)
	}
}

// TestDoorbellRecordsNothing: with the preset for doorbells no file comes to be
// before the bell was rung.
func TestDoorbellRecordsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, _ := start(t, "-source", "file:"+clip(t), "-record", dir, "-preset", "doorbell", "-ring-for", "10m")
	eventually(t, "pictures come", func() bool { return a.gate.last().Frames > 30 })
	count := func() int {
		files, err := filepath.Glob(filepath.Join(dir, "*.mp4"))
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	if n := count(); n != 0 {
		t.Errorf("%d recordings before the bell was rung", n)
	}
	a.bell.ring()
	eventually(t, "a recording comes", func() bool { return count() == 1 })
}

// TestPortTaken: the program says what to do, and ends.
func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	policy := filepath.Join(t.TempDir(), "policy.json")
	for _, flag := range []string{"-listen", "-rtsp"} {
		var out safeBuffer
		args := []string{"-source", "camera:0", "-policy", policy, "-networks", "none", "-listen", "127.0.0.1:0", "-rtsp", "127.0.0.1:0", flag, l.Addr().String()}
		begin := time.Now()
		code := run(t.Context(), args, nil, &out, &out)
		if code != 1 || !strings.Contains(out.String(), "in use") || !strings.Contains(out.String(), flag) {
			t.Errorf("%s: exit code %d after %v: %s", flag, code, time.Since(begin), out.String())
		}
	}
}
