package main

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/examples/internal/encoder"
	"github.com/hedgecam/hedge/examples/internal/live"
	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/internal/closedport"
	"github.com/hedgecam/hedge/internal/ort"
	"github.com/hedgecam/hedge/redact"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testPolicy = `{"version": 1, "property": [[[0,0.5],[1,0.5],[1,1],[0,1]]], "outside": {"fill": "solid"}}`

func noEnv(string) (string, bool) { return "", false }

// program is a dashcam that runs.
type program struct {
	t       *testing.T
	dir     string // of the recordings
	policy  string
	address string
	cancel  context.CancelFunc
	ended   chan int

	mu   sync.Mutex
	cond *sync.Cond
	log  bytes.Buffer
}

func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.cond.Broadcast()
	return p.log.Write(b)
}

func (p *program) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// await waits until the log has a part n times.
func (p *program) await(part string, n int) {
	p.t.Helper()
	late := time.AfterFunc(time.Minute, func() {
		p.t.Errorf("the log never says %q %d times:\n%s", part, n, p.said())
		p.cond.Broadcast()
	})
	defer late.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for strings.Count(p.log.String(), part) < n && !p.t.Failed() {
		p.cond.Wait()
	}
}

// startProgram starts a dashcam that holds 3 s, and writes 1 s before and after.
func startProgram(t *testing.T, source string, args ...string) *program {
	t.Helper()
	root := t.TempDir()
	p := &program{t: t, dir: filepath.Join(root, "events"), policy: put(t, filepath.Join(root, "policy.json"), testPolicy), ended: make(chan int, 1)}
	p.cond = sync.NewCond(&p.mu)
	ctx, cancel := context.WithCancel(t.Context())
	p.cancel = cancel
	args = append([]string{"-source", source, "-policy", p.policy, "-dir", p.dir, "-networks", "none", "-lookahead", "0s",
		"-keep", "3s", "-before", "1s", "-after", "1s", "-listen", "127.0.0.1:0", "-token", testToken}, args...)
	go func() { p.ended <- run(ctx, settings.Options{LookupEnv: noEnv, Args: args}, p) }()
	t.Cleanup(func() {
		cancel()
		if code, ok := <-p.ended; ok && code != live.ExitDone {
			t.Errorf("exit code %d:\n%s", code, p.said())
		}
	})
	p.await("msg=listening", 1)
	p.address = regexp.MustCompile(`msg=listening address=(\S+)`).FindStringSubmatch(p.said())[1]
	return p
}

// ask asks the server.
func (p *program) ask(method, path string) (int, string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, "http://"+p.address+path, http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testToken)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// awaitHeld waits until that much video is in memory.
func (p *program) awaitHeld(want time.Duration) {
	p.t.Helper()
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	late := time.After(time.Minute)
	for {
		code, text := p.ask("GET", "/healthz")
		held, _, _ := strings.Cut(strings.TrimPrefix(text, "ok: "), " ")
		if d, err := time.ParseDuration(held); code == http.StatusOK && err == nil && d >= want {
			return
		}
		select {
		case <-late:
			p.t.Fatalf("never %v in memory: %d %s\n%s", want, code, text, p.said())
		case <-every.C:
		}
	}
}

// files returns the files in the folder of recordings.
func (p *program) files() (list []string) {
	p.t.Helper()
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}

// put writes a file in one step.
func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestProgram: nothing is written until something happens; then one file for
// each kind of event, with what was before; another event makes it longer; the
// end of the program completes one that is being written. The log names the encoder.
func TestProgram(t *testing.T) {
	source, original := clip(t)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	value := put(t, filepath.Join(t.TempDir(), "accel"), "0.3")
	p := startProgram(t, "file:"+source, "-accel", value, "-encoder", encoder.Default().Name, "-after", "3s")
	p.await("msg=encoder name="+encoder.Default().Name+"\n", 1)
	p.awaitHeld(2500 * time.Millisecond)
	if got := p.files(); len(got) > 0 {
		t.Fatalf("without an event: %q", got)
	}

	if code, text := p.ask("POST", "/event"); code != http.StatusAccepted {
		t.Fatalf("POST /event: %d %s", code, text)
	}
	p.await("msg=saved", 1)
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	p.await("msg=saved", 2)
	put(t, value, "-7.5")
	p.await(`cause="accelerometer: 7.5 m/s²"`, 1)
	p.ask("POST", "/event")
	p.await("msg=saved", 3)
	got := p.files()
	if len(got) != 3 {
		t.Fatalf("after three events: %q", got)
	}
	for _, f := range got {
		// A second before, up to one more to a key frame, three seconds after; the last
		// event was made longer.
		checkVideo(t, f, 3.9, 8.1, original)
	}

	p.ask("POST", "/event")
	p.await("msg=event", 5)
	p.cancel()
	code := <-p.ended
	close(p.ended)
	if code != live.ExitDone || len(p.files()) != 4 {
		t.Fatalf("exit code %d, files %q:\n%s", code, p.files(), p.said())
	}
	checkVideo(t, p.files()[3], 1, 5.5, original)
	if entries, err := os.ReadDir(temporary); err != nil || len(entries) > 0 {
		t.Errorf("in the folder for temporary files: %v, %v", entries, err)
	}
}

// TestFaults: a policy that is wrong changes nothing; a folder that cannot be
// written is told of, and the event is written when it can be again.
func TestFaults(t *testing.T) {
	source, original := clip(t)
	p := startProgram(t, "file:"+source)
	p.awaitHeld(time.Second)
	put(t, p.policy, `{"version": 1, "property": []`)
	p.await("the old policy stays in force", 1)
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	p.await("zones confirmed", 1)

	if err := os.Remove(p.dir); err != nil { // that it is empty is part of the test
		t.Fatal(err)
	}
	if code, text := p.ask("POST", "/event"); code != http.StatusAccepted {
		t.Fatalf("POST /event: %d %s", code, text)
	}
	p.await("cannot be recorded", 1)
	if code, text := p.ask("GET", "/healthz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "recordings: ") {
		t.Errorf("health: %d %s", code, text)
	}
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p.await("msg=saved", 1)
	if got := p.files(); len(got) != 1 {
		t.Fatalf("files %q", got)
	}
	checkVideo(t, p.files()[0], 1.5, 4, original)
	if code, text := p.ask("GET", "/healthz"); code != http.StatusOK {
		t.Errorf("health: %d %s", code, text)
	}
}

// TestCameraTurnedWhileOff: after a restart with a camera that was mounted on its side, so that
// the picture has another aspect ratio, everything is hidden until the owner confirms the
// zones. Then the turned picture is shown.
func TestCameraTurnedWhileOff(t *testing.T) {
	source, original := clip(t)
	policy := put(t, filepath.Join(t.TempDir(), "policy.json"), testPolicy)
	p := startProgram(t, "file:"+source, "-policy", policy)
	p.awaitHeld(100 * time.Millisecond)
	p.cancel()
	if code := <-p.ended; code != live.ExitDone {
		t.Errorf("exit code %d:\n%s", code, p.said())
	}
	close(p.ended)

	// All that it has seen is written.
	p = startProgram(t, "file:"+source, "-policy", policy, "-rotate", "90", "-keep", "2m", "-before", "2m")
	p.awaitHeld(300 * time.Millisecond)
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	p.await("zones confirmed", 1)
	if code, text := p.ask("POST", "/event"); code != http.StatusAccepted {
		t.Fatalf("POST /event: %d %s", code, text)
	}
	p.await("msg=saved", 1)
	// By a quarter clockwise: the turned picture has as many columns as this one has rows.
	shown := func(luma []byte) (far int) {
		for y := height; y < width; y++ { // the property, without what is hidden at its edge
			for x := range height {
				if d := int(luma[y*height+x]) - int(original[(height-1-x)*width+y]); d > 40 || d < -40 {
					far++
				}
			}
		}
		return far
	}
	frames := decode(t, p.files()[0])
	confirmed := -1
	for n, luma := range frames {
		if slices.Max(luma)-slices.Min(luma) <= 4 {
			if confirmed >= 0 {
				t.Errorf("frame %d is hidden, and frame %d was not", n, confirmed)
			}
			continue
		}
		if confirmed < 0 {
			confirmed = n
		}
		if far := shown(luma); far > height*(width-height)/50 {
			t.Fatalf("frame %d: %d samples are not those of the turned picture", n, far)
		}
	}
	if confirmed < 5 {
		t.Errorf("of %d frames number %d is the first that is shown: the zones were confirmed later", len(frames), confirmed)
	}
}

// TestNoCamera: without a camera the program waits for it, says so, has nothing to
// write, and takes no confirmation of what nobody can see.
func TestNoCamera(t *testing.T) {
	needFFmpeg(t)
	p := startProgram(t, "rtsp://owner:secret@"+closedport.Hold(t)+"/")
	p.await("not found since", 1)
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	p.await("the zones are not confirmed", 1)
	if code, text := p.ask("GET", "/healthz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "camera: not found") {
		t.Errorf("health: %d %s", code, text)
	}
	if code, text := p.ask("POST", "/event"); code != http.StatusServiceUnavailable || !strings.Contains(text, "no video in memory") {
		t.Errorf("POST /event: %d %s", code, text)
	}
	if got := p.files(); len(got) > 0 {
		t.Errorf("files %q", got)
	}
	if strings.Contains(p.said(), "secret") {
		t.Errorf("the log has the password in it:\n%s", p.said())
	}
}

// TestNetworks: with networks, too, nothing is written anywhere: not by the
// program, nor by ONNX Runtime for its maker.
func TestNetworks(t *testing.T) {
	library, err := ort.Library()
	if err != nil {
		t.Skip(err)
	}
	// Where it is looked for otherwise is moved below.
	t.Setenv("HEDGE_ORT_LIB", library)
	source, _ := clip(t)
	home := t.TempDir()
	for _, name := range []string{"HOME", "TMPDIR", "XDG_CACHE_HOME"} {
		t.Setenv(name, home)
	}
	p := startProgram(t, "file:"+source, "-networks", "hedge-n")
	p.await("policy in force", 1) // else the first one that is read is the other
	put(t, p.policy, `{"version": 1, "outside": {"hide": "detected"}}`)
	p.await("policy in force", 2)
	p.await("msg=recovered", 1)
	if entries, err := os.ReadDir(home); err != nil || len(entries) > 0 {
		t.Errorf("at home: %v, %v", entries, err)
	}
	if got := p.files(); len(got) > 0 {
		t.Errorf("files %q", got)
	}
}

func TestSettings(t *testing.T) {
	dir := t.TempDir()
	policy := put(t, filepath.Join(dir, "policy.json"), testPolicy)
	source := "-source file:" + put(t, filepath.Join(dir, "source.mp4"), "no recording")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="camera"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer refuses.Close()
	for _, c := range []struct {
		args  string
		code  int
		parts []string
	}{
		{"-check -policy " + policy, 0, nil},
		{"-check -policy " + dir + "/none -source camera -before 61s -listen :80 -token short -max-bytes 1kB", 2,
			[]string{"none: no such file", "source: ", "before: 1m1s is more than the 1m0s", "listen: ", "token: has less", "max-bytes: "}},
		{"-check -memory 1MB -policy " + policy, 2, []string{"-memory: 1MB is out of range: at least 8MB"}},
		{source + " -policy " + policy + " -listen " + taken.Addr().String(), 1, []string{"in use", "-listen"}},
		{source + " -policy " + policy + " -accel " + dir + "/none", 1, []string{"no such file"}},
		{"-source http://user@" + strings.TrimPrefix(refuses.URL, "http://") + " -source-password word -networks none -listen 127.0.0.1:0 -policy " + policy + " -dir " + dir, 2,
			[]string{"camera " + refuses.URL}},
		{source + " -policy " + policy + " -accel " + dir, 2, []string{"not the folder of an IIO accelerometer"}},
		{source + " -policy " + policy + " -listen 127.0.0.1:0 -networks none -dir " + policy, 1, []string{"folder for recordings"}},
		{"-source file:/no/clip.mp4 -policy " + policy + " -listen 127.0.0.1:0 -networks none -dir " + dir, 2, []string{"/no/clip.mp4", "name a recording"}},
	} {
		var out, log bytes.Buffer
		code := run(t.Context(), settings.Options{LookupEnv: noEnv, Stdout: &out, Args: strings.Fields(c.args)}, &log)
		if code != c.code {
			t.Errorf("%q: exit code %d: %s", c.args, code, log.String())
		}
		for _, p := range c.parts {
			if !strings.Contains(log.String(), p) {
				t.Errorf("%q: %s\ndoes not say %q", c.args, log.String(), p)
			}
		}
	}
}

// TestSamples: the committed schema is that of this version, and the sample
// policy is one for a moving camera.
func TestSamples(t *testing.T) {
	got, err := os.ReadFile("schema.json")
	if err != nil || !bytes.Equal(got, settings.Schema(&config{}, "dashcam")) {
		t.Errorf("schema.json is not what `go run ./examples/dashcam -schema` prints: %v", err)
	}
	p, err := redact.LoadPolicy("policy.json")
	if err != nil || p.Outside.Hide != redact.HideDetected || len(p.Property) != 1 {
		t.Errorf("policy.json: %+v, %v", p, err)
	}
}
