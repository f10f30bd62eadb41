package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/pipeline/ffmpeg/ffmpegtest"
)

// TestMain fails the run if a goroutine outlives the tests. The MQTT client cannot be
// woken while it waits, for seconds, between two tries to reach a broker: it ends after
// that, so each search, which takes a second or so, has some that follow.
func TestMain(m *testing.M) {
	ffmpegtest.Main()
	code := m.Run()
	var left error
	for range 30 {
		if left = goleak.Find(); left == nil {
			break
		}
	}
	if left != nil && code == 0 {
		_, _ = fmt.Fprintln(os.Stderr, left) // nowhere else to say it
		code = 1
	}
	os.Exit(code)
}

func num(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// clip makes some seconds of video with fine detail everywhere, 640x360 at 15
// pictures a second, in which nothing moves.
func clip(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.mp4")
	runFFmpeg(t, "-f", "lavfi", "-i", "nullsrc=size=640x360:rate=1,geq=lum='128+80*sin(X/2)*cos(Y/3)':cb='128+50*sin(X/40)':cr='128+50*cos(Y/30)'",
		"-t", "4", "-r", "15", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", path)
	return path
}

// runFFmpeg runs the program, which makes clips.
func runFFmpeg(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg: apt-get install ffmpeg")
	}
	out, err := exec.CommandContext(t.Context(), "ffmpeg", append([]string{"-nostdin", "-v", "error"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
}

// safeBuffer may be written while it is read.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// start runs the program until the test ends, and returns it. Its detector finds
// nobody.
func start(t *testing.T, args ...string) (*app, *safeBuffer) {
	t.Helper()
	nobody := detecttest.New(detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle), detecttest.Find())
	t.Cleanup(func() {
		if err := nobody.Close(); err != nil {
			t.Errorf("close the detector: %v", err)
		}
	})
	return startWith(t, []detect.Detector{nobody}, args...)
}

func startWith(t *testing.T, detectors []detect.Detector, args ...string) (*app, *safeBuffer) {
	t.Helper()
	a, out := open(t, detectors, args...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return a, out
}

// open puts the program together, and closes it when the test ends. Nothing runs yet.
func open(t *testing.T, detectors []detect.Detector, args ...string) (*app, *safeBuffer) {
	t.Helper()
	var c config
	args = append([]string{"-policy", filepath.Join(t.TempDir(), "policy.json"), "-listen", "127.0.0.1:0", "-networks", "none", "-rtsp", "off"}, args...)
	err := settings.Load(&c, settings.Options{Program: program, Args: args, LookupEnv: func(string) (string, bool) { return "", false }})
	if err != nil && !settings.OnlyDamage(err) {
		t.Fatal(err)
	}
	out := &safeBuffer{}
	a, err := newApp(t.Context(), &c, detectors, nil, out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return a, out
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.NewTimer(60 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("never: %s", what)
		}
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
