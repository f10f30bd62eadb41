package main

import (
	"bytes"
	"context"
	"image"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/examples/internal/live"
	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/examples/internal/videoout/videoouttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logBuffer is a log that can be waited for.
type logBuffer struct {
	mu   sync.Mutex
	cond *sync.Cond
	text bytes.Buffer
}

func newLogBuffer() *logBuffer {
	j := &logBuffer{}
	j.cond = sync.NewCond(&j.mu)
	return j
}

func (j *logBuffer) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer j.cond.Broadcast()
	return j.text.Write(p)
}

func (j *logBuffer) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// await waits until the log has a part n times.
func (j *logBuffer) await(t *testing.T, part string, n int) {
	t.Helper()
	late := time.AfterFunc(20*time.Second, func() {
		t.Errorf("the log never says %q %d times:\n%s", part, n, j)
		j.cond.Broadcast()
	})
	defer late.Stop()
	j.mu.Lock()
	defer j.mu.Unlock()
	for strings.Count(j.text.String(), part) < n && !t.Failed() {
		j.cond.Wait()
	}
}

const (
	openPolicy   = `{"version": 1, "property": [[[0,0.5],[1,0.5],[1,1],[0,1]]], "outside": {"fill": "solid"}}`
	closedPolicy = `{"version": 1, "outside": {"fill": "solid"}}`
)

func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func noEnv(string) (string, bool) { return "", false }

// TestProgram: a recording stands in for the camera; a reader of the pipe gets
// the outside flat and the inside as it was; an invalid policy changes nothing,
// a valid one at once; the reader may go and come back; the end leaves no pipe.
func TestProgram(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: run `make setup`")
	}
	dir := t.TempDir()
	clip, policy, pipe := filepath.Join(dir, "clip.mp4"), put(t, filepath.Join(dir, "policy.json"), openPolicy), filepath.Join(dir, "pipe")
	makeClip(t, clip, "192x128")
	original, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-i", clip, "-frames:v", "1", "-f", "rawvideo", "-").Output()
	if err != nil || len(original) != 192*128*3/2 {
		t.Fatalf("decode the clip: %d bytes, %v", len(original), err)
	}

	log := newLogBuffer()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, settings.Options{LookupEnv: noEnv, Stderr: log,
			Args: []string{"-source", "file:" + clip, "-policy", policy, "-out", "pipe:" + pipe, "-networks", "none", "-lookahead", "0s"}}, log)
	}()
	log.await(t, "connected", 1)

	// The hidden region grows by one block, because the input was compressed.
	const half, inside, end = 192 * 64, 192 * 80, 192 * 128
	flat := func(luma []byte) bool { return bytes.Count(luma, luma[:1]) == len(luma) }
	for round := range 2 {
		r := videoouttest.Reader(t, pipe)
		videoouttest.AwaitWriter(t, r)
		in := videoouttest.NewStream(t, r)
		for range 5 {
			got := in.Frame(t)
			if !flat(got[:half]) {
				t.Fatal("the outside is not flat")
			}
			if round == 0 && !bytes.Equal(got[inside:end], original[inside:end]) {
				t.Fatal("the inside is not as it was")
			}
			if round == 1 && !flat(got[:end]) {
				t.Fatal("with the new policy the inside is shown")
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			put(t, policy, `{"version": 1, "property": 3}`)
			log.await(t, "the old policy stays in force", 1)
			put(t, policy, closedPolicy)
			log.await(t, "policy in force", 2)
		}
		log.await(t, "the reader is gone", round+1)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	log.await(t, "zones confirmed", 1)
	cancel()
	if code := <-ended; code != live.ExitDone {
		t.Errorf("exit code %d:\n%s", code, log)
	}
	if _, err := os.Lstat(pipe); err == nil {
		t.Error("the pipe stays behind")
	}
}

// makeClip makes a recording of two seconds of one picture.
func makeClip(t *testing.T, path, size string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size="+size+":rate=25:duration=0.04",
		"-vf", "loop=50:1:0", "-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv420p", path).CombinedOutput()
	if err != nil {
		t.Fatalf("make a clip: %v\n%s", err, out)
	}
}

// TestCameraSwappedWhileOff: after a restart with a camera of another aspect ratio
// everything is hidden until the owner confirms that the zones are right. A policy file
// that was touched, or that went and came back, says nothing of the kind.
func TestCameraSwappedWhileOff(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: run `make setup`")
	}
	dir := t.TempDir()
	policy := put(t, filepath.Join(dir, "policy.json"), openPolicy)
	for round, size := range []string{"192x128", "160x128"} {
		clip, pipe := filepath.Join(dir, size+".mp4"), filepath.Join(dir, "pipe")
		makeClip(t, clip, size)
		log := newLogBuffer()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, settings.Options{LookupEnv: noEnv, Stderr: log,
				Args: []string{"-source", "file:" + clip, "-policy", policy, "-out", "pipe:" + pipe, "-networks", "none", "-lookahead", "0s"}}, log)
		}()
		log.await(t, "connected", 1)
		r := videoouttest.Reader(t, pipe)
		videoouttest.AwaitWriter(t, r)
		in := videoouttest.NewStream(t, r)
		inside := func() []byte {
			luma := in.Frame(t)[:in.Size.X*in.Size.Y]
			return luma[len(luma)*5/8:]
		}
		if round == 1 {
			hidden := func(after string) {
				for n := range 15 { // some were under way
					if got := inside(); bytes.Count(got, got[:1]) != len(got) {
						t.Fatalf("frame %d of another camera is shown after %s, before anybody confirmed", n, after)
					}
				}
			}
			hidden("a restart")
			put(t, policy, openPolicy+" ")
			log.await(t, "policy in force", 2)
			hidden("a space more in the policy file")
			if err := os.Remove(policy); err != nil {
				t.Fatal(err)
			}
			log.await(t, "the old policy stays in force", 1)
			put(t, policy, openPolicy)
			log.await(t, "policy in force", 3)
			hidden("the policy file was away")
			if err := syscall.Kill(os.Getpid(), syscall.SIGUSR2); err != nil {
				t.Fatal(err)
			}
			log.await(t, "zones confirmed", 1)
		}
		for got := inside(); bytes.Count(got, got[:1]) == len(got); {
			got = inside()
		}
		cancel()
		if code := <-ended; code != live.ExitDone {
			t.Errorf("exit code %d:\n%s", code, log)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRotated: -rotate turns the picture that readers get.
func TestRotated(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: run `make setup`")
	}
	dir := t.TempDir()
	clip, pipe := filepath.Join(dir, "clip.mp4"), filepath.Join(dir, "pipe")
	makeClip(t, clip, "192x128")
	log := newLogBuffer()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, settings.Options{LookupEnv: noEnv, Stderr: log, Args: []string{"-source", "file:" + clip, "-rotate", "270",
			"-policy", put(t, filepath.Join(dir, "policy.json"), openPolicy), "-out", "pipe:" + pipe, "-networks", "none", "-lookahead", "0s"}}, log)
	}()
	log.await(t, "connected", 1)
	r := videoouttest.Reader(t, pipe)
	videoouttest.AwaitWriter(t, r)
	if size := videoouttest.NewStream(t, r).Size; size != image.Pt(128, 192) {
		t.Errorf("a camera of 192x128 on its side gives %v", size)
	}
	cancel()
	if code := <-ended; code != live.ExitDone {
		t.Errorf("exit code %d:\n%s", code, log)
	}
}

func TestSettings(t *testing.T) {
	dir := t.TempDir()
	policy := put(t, filepath.Join(dir, "policy.json"), openPolicy)
	source := "file:" + put(t, filepath.Join(t.TempDir(), "source.mp4"), "no recording")
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="camera"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer refuses.Close()
	for _, c := range []struct {
		args  []string
		code  int
		parts []string
	}{
		{[]string{"-check", "-policy", policy}, 0, nil},
		{[]string{"-check", "-policy", dir + "/none", "-out", "file"}, 2, []string{"none: no such file", `out: "file": must be`}},
		{[]string{"-policy", policy, "-source", "camera"}, 2, []string{"source: camera: not the name"}},
		{[]string{"-policy", policy, "-out", "/dev/video-none", "-source", source}, 1, []string{"modprobe v4l2loopback"}},
		{[]string{"-policy", policy, "-out", "pipe:" + dir + "/none/p", "-source", source}, 1, []string{"no such file"}},
		{[]string{"-policy", policy, "-out", "pipe:" + policy, "-source", source}, 2, []string{"no named pipe: name another path"}},
		{[]string{"-policy", policy, "-out", "pipe:" + dir + "/p", "-source", strings.Replace(refuses.URL, "//", "//user:word@", 1), "-networks", "none"}, 2,
			[]string{"camera " + refuses.URL}},
		{[]string{"-policy", policy, "-out", "pipe:" + dir + "/p", "-source", "file:/no/clip.mp4", "-networks", "none"}, 2, []string{"/no/clip.mp4", "name a recording"}},
	} {
		var out bytes.Buffer
		log := newLogBuffer()
		code := run(t.Context(), settings.Options{LookupEnv: noEnv, Stdout: &out, Stderr: log, Args: c.args}, log)
		if code != c.code {
			t.Errorf("%q: exit code %d: %s", c.args, code, log)
		}
		for _, p := range c.parts {
			if !strings.Contains(log.String(), p) {
				t.Errorf("%q: %s\ndoes not say %q", c.args, log, p)
			}
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestSchema: the committed schema is that of this version.
func TestSchema(t *testing.T) {
	got, err := os.ReadFile("schema.json")
	if err != nil || !bytes.Equal(got, settings.Schema(&config{}, "virtualcam")) {
		t.Errorf("schema.json is not what `go run ./examples/virtualcam -schema` prints: %v", err)
	}
}
