// Package examples_test builds the short examples and runs those that need no camera.
package examples_test

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if builtIn != "" {
			_ = os.RemoveAll(builtIn) // in the folder for temporary files
		}
		os.Exit(code)
	}))
}

// short are the examples that are to be read.
var short = []string{"webcam-to-file", "rtsp-to-rtsp", "webrtc-call", "still-pictures", "own-detector", "choose-fills", "policy-check", "mjpeg-over-http"}

// TestShort: each short example has at most 100 lines, says on top its use and its command,
// and stands in the table of README.md.
func TestShort(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range short {
		text, err := os.ReadFile(filepath.Join(name, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("\n")); n > 100 {
			t.Errorf("%s has %d lines", name, n)
		}
		if !bytes.HasPrefix(text, []byte("// Command "+name+" ")) || !bytes.Contains(text, []byte("\n//\tgo run ./examples/"+name)) {
			t.Errorf("%s does not say on top what it does and how it is called", name)
		}
		if !bytes.Contains(readme, []byte("["+name+"]("+name+"/main.go)")) {
			t.Errorf("README.md does not list %s", name)
		}
		if files, err := filepath.Glob(filepath.Join(name, "*.go")); err != nil || len(files) > 2 {
			t.Errorf("%s has files %q, %v", name, files, err)
		}
	}
}

const (
	width, height = 320, 192
	// half shows the lower half, and hides the upper one with one colour.
	half = `{"version": 1, "property": [[[0,0.5],[1,0.5],[1,1],[0,1]]], "outside": {"fill": "solid"}}`
)

// built returns the folder with the examples, which are built once, and one for the test.
func built(t *testing.T) (programs, dir string) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: run `make setup`")
	}
	build.Do(func() {
		programs, buildErr = os.MkdirTemp("", "hedge-examples-")
		args := []string{"build", "-o", programs + "/"}
		for _, name := range short {
			if name != "webrtc-call" { // which has a test of its own
				args = append(args, "./"+name)
			}
		}
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			buildErr = fmt.Errorf("%w: %s", err, out)
		}
		builtIn = programs
	})
	if buildErr != nil {
		t.Fatal(buildErr)
	}
	return builtIn, t.TempDir()
}

var (
	build    sync.Once
	builtIn  string
	buildErr error
)

// run runs a program to its end and returns what it said.
func run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	return string(out), err
}

// put writes a file and returns its name.
func put(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// media makes a recording or a picture with ffmpeg's filters.
func media(t *testing.T, name, filters string) string {
	t.Helper()
	args := []string{"-nostdin", "-v", "error", "-f", "lavfi", "-i", filters}
	if filepath.Ext(name) == ".mp4" {
		args = append(args, "-c:v", "libx264", "-qp", "10", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
	} else {
		args = append(args, "-frames:v", "1", "-update", "1")
	}
	if out, err := run(t, "ffmpeg", append(args, name)...); err != nil {
		t.Fatalf("make %s: %v: %s", name, err, out)
	}
	return name
}

var testPicture = fmt.Sprintf("testsrc2=size=%dx%d:rate=25", width, height)

// decode returns the 4:2:0 frames of what ffmpeg reads.
func decode(t *testing.T, args ...string) [][]byte {
	t.Helper()
	all := append(append([]string{"-nostdin", "-v", "error"}, args...), "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
	data, err := exec.CommandContext(t.Context(), "ffmpeg", all...).Output()
	const size = width * height * 3 / 2
	if err != nil || len(data) == 0 || len(data)%size != 0 {
		t.Fatalf("decode %q: %d bytes, %v", args, len(data), err)
	}
	var frames [][]byte
	for ; len(data) > 0; data = data[size:] {
		frames = append(frames, data[:size])
	}
	return frames
}

// span returns by how much samples differ.
func span(samples []byte) int {
	least, most := samples[0], samples[0]
	for _, v := range samples {
		least, most = min(least, v), max(most, v)
	}
	return int(most) - int(least)
}

// checkHalf checks that the upper half of frames is of one colour, and the lower is not.
func checkHalf(t *testing.T, frames [][]byte) {
	t.Helper()
	for n, f := range frames {
		if up, low := span(f[:width*height/2]), span(f[width*height*3/4:width*height]); up > 6 || low < 60 {
			t.Fatalf("frame %d: samples of the hidden half differ by %d, of the shown one by %d", n, up, low)
		}
	}
}

// TestMissing: a short example that lacks something says what, and names no flag that it
// does not have.
func TestMissing(t *testing.T) {
	bin, dir := built(t)
	policy := put(t, filepath.Join(dir, "policy.json"), half)
	clip := media(t, filepath.Join(dir, "clip.mp4"), testPicture+":duration=0.1")
	flags := regexp.MustCompile(`(?:^|[ (])-([a-z]+)`)
	for _, c := range []struct {
		name string
		args []string
		says string
	}{
		{"webcam-to-file", []string{"-camera", clip, "-policy", policy, "-networks", "none", "-out", clip}, "output is the input"},
		{"webcam-to-file", []string{"-camera", clip, "-policy", policy, "-networks", "none", "-out", put(t, filepath.Join(dir, "there.mp4"), "x")}, "name another file"},
		{"webcam-to-file", []string{"-camera", clip, "-policy", dir + "/none.json"}, "none.json"},
		{"webcam-to-file", []string{"-networks", "nosuch", "-policy", policy}, "hedge-n"},
		{"rtsp-to-rtsp", []string{"-policy", policy}, "-camera and -password are needed"},
		{"rtsp-to-rtsp", []string{"-camera", clip, "-policy", policy}, "-password"},
		{"own-detector", nil, "-in is missing"},
		{"choose-fills", nil, "-in is missing"},
		{"still-pictures", nil, "name the pictures"},
		{"policy-check", nil, "name the policy files"},
		{"mjpeg-over-http", []string{"-camera", dir + "/none.mp4", "-policy", policy, "-networks", "none"}, "none.mp4"},
	} {
		said, err := run(t, filepath.Join(bin, c.name), c.args...)
		if err == nil || !strings.Contains(said, c.says) {
			t.Errorf("%s %q: %v: %s", c.name, c.args, err, said)
		}
		help, _ := run(t, filepath.Join(bin, c.name), "-h")
		for _, f := range flags.FindAllStringSubmatch(said, -1) {
			if !strings.Contains(help, "-"+f[1]) {
				t.Errorf("%s names -%s, which it does not have: %s", c.name, f[1], said)
			}
		}
	}
}

func TestWebcamToFile(t *testing.T) {
	bin, dir := built(t)
	policy := put(t, filepath.Join(dir, "policy.json"), half)
	clip := media(t, filepath.Join(dir, "clip.mp4"), testPicture+":duration=1")
	out := filepath.Join(dir, "out.mp4")
	if said, err := run(t, bin+"/webcam-to-file", "-camera", clip, "-policy", policy, "-networks", "none", "-out", out); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	frames := decode(t, "-i", out)
	if len(frames) != 25 {
		t.Errorf("%d frames", len(frames))
	}
	checkHalf(t, frames)

	// Ctrl-C completes the file, whenever it comes.
	clip = media(t, filepath.Join(dir, "long.mp4"), testPicture+":duration=40")
	out = filepath.Join(dir, "ended.mp4")
	c := exec.CommandContext(t.Context(), bin+"/webcam-to-file", "-camera", clip, "-policy", policy, "-networks", "none", "-out", out)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var said bytes.Buffer
	c.Stderr = &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !hasFrames(t, dir, out) {
		<-tick.C
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Fatalf("after Ctrl-C: %v: %s", err, said.String())
	}
	checkHalf(t, decode(t, "-i", out))
}

// hasFrames reports whether frames have been written to the file, which grows under another
// name.
func hasFrames(t *testing.T, dir, out string) bool {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "."+filepath.Base(out)+".*.part"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, out) {
		if st, err := os.Stat(name); err == nil && st.Size() > 1000 {
			return true
		}
	}
	return false
}

func TestStillPictures(t *testing.T) {
	bin, dir := built(t)
	policy := put(t, filepath.Join(dir, "policy.json"), half)
	a, b := media(t, filepath.Join(dir, "a.jpg"), testPicture), media(t, filepath.Join(dir, "b.png"), testPicture)
	out := filepath.Join(dir, "out")
	if said, err := run(t, bin+"/still-pictures", "-policy", policy, "-networks", "none", "-out", out, a, b); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	for _, name := range []string{"a.jpg", "b.png"} {
		frames := decode(t, "-i", filepath.Join(out, name))
		if len(frames) != 1 {
			t.Errorf("%s: %d pictures", name, len(frames))
		}
		checkHalf(t, frames)
	}
	if said, err := run(t, bin+"/still-pictures", "-policy", policy, "-networks", "none", "-out", out, a); err == nil || !strings.Contains(said, "exists") {
		t.Errorf("what is there is replaced: %v: %s", err, said)
	}
}

// TestOwnDetector: the red square is hidden in every frame, and nothing else.
func TestOwnDetector(t *testing.T) {
	bin, dir := built(t)
	clip := media(t, filepath.Join(dir, "clip.mp4"),
		fmt.Sprintf("gradients=s=%dx%d:c0=gray:c1=white:r=25:d=1:speed=0.00001,drawbox=x=60:y=60:w=48:h=32:color=red:t=fill", width, height))
	out := filepath.Join(dir, "out.mp4")
	if said, err := run(t, bin+"/own-detector", "-in", clip, "-out", out); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	before, frames := decode(t, "-i", clip), decode(t, "-i", out)
	if len(frames) != 25 {
		t.Errorf("%d frames", len(frames))
	}
	const plane, chroma = width * height, width * height / 4
	for n, f := range frames {
		red := func(f []byte) (n int) {
			for _, v := range f[plane+chroma:] {
				if v > 170 {
					n++
				}
			}
			return n
		}
		if red(before[n]) == 0 || red(f) > 0 {
			t.Fatalf("frame %d: %d red samples of %d are left", n, red(f), red(before[n]))
		}
		far := 0
		for i := range plane / 4 {
			i += plane * 3 / 4
			if d := int(f[i]) - int(before[n][i]); d > 12 || d < -12 {
				far++
			}
		}
		if far > plane/400 {
			t.Fatalf("frame %d: %d samples elsewhere are not what they were", n, far)
		}
	}
}

func TestChooseFills(t *testing.T) {
	bin, dir := built(t)
	clip := media(t, filepath.Join(dir, "clip.mp4"), testPicture+":duration=0.4")
	out := filepath.Join(dir, "fills")
	if said, err := run(t, bin+"/choose-fills", "-in", clip, "-networks", "none", "-out", out); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	for fill, flat := range map[string]bool{"frost": false, "background": false, "solid": true} {
		frames := decode(t, "-i", filepath.Join(out, fill+".mp4"))
		if len(frames) != 10 {
			t.Errorf("%s: %d frames", fill, len(frames))
		}
		if d := span(frames[9][:width*height]); flat && d > 6 {
			t.Errorf("%s: samples differ by %d", fill, d)
		}
		if bytes.Equal(frames[9], decode(t, "-i", clip)[9]) {
			t.Errorf("%s: nothing is hidden", fill)
		}
	}
}

func TestPolicyCheck(t *testing.T) {
	bin, dir := built(t)
	good := put(t, filepath.Join(dir, "good.json"), `{"version": 1, "property": [[[0,0.5],[1,0.5],[1,1],[0,1]]], "outside": {"hide": "detected"}, "inside": {"hide": ["plate"]}}`)
	if said, err := run(t, bin+"/policy-check", good); err != nil || !strings.Contains(said, "is valid") || !strings.Contains(said, "must look for face, person, plate") {
		t.Errorf("%v: %s", err, said)
	}
	for text, part := range map[string]string{
		`{"version": 1, "property": [[[0,0],[2,0],[1,1]]]}`: "property[0][1]",
		`{"version": 1, "zones": []}`:                       "zones",
		``:                                                  "bad.json",
	} {
		said, err := run(t, bin+"/policy-check", put(t, filepath.Join(dir, "bad.json"), text), good)
		if err == nil || !strings.Contains(said, part) || !strings.Contains(said, "good.json is valid") {
			t.Errorf("%s: %v: %s", text, err, said)
		}
	}
}

// TestNothingNamed: an example that is given nothing to work on says so, and what it wants.
func TestNothingNamed(t *testing.T) {
	bin, dir := built(t)
	policy := put(t, filepath.Join(dir, "policy.json"), half)
	for name, tt := range map[string]struct {
		args []string
		says string
	}{
		"policy-check":   {nil, "policy.json"},
		"still-pictures": {[]string{"-policy", policy, "-networks", "none"}, "photo.jpg"},
		"choose-fills":   {[]string{"-networks", "none", "-out", filepath.Join(dir, "fills")}, "-in is missing"},
	} {
		if said, err := run(t, filepath.Join(bin, name), tt.args...); err == nil || !strings.Contains(said, tt.says) {
			t.Errorf("%s: %v: %s", name, err, said)
		}
	}
}

// serving starts a program that serves, and returns the address that it tells.
func serving(t *testing.T, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt) // it has ended, or ends now
		<-done
		_ = c.Wait() // by a signal
	})
	address := make(chan string, 1)
	go func() {
		defer close(done)
		said, told := "", false
		for s := bufio.NewScanner(stderr); s.Scan(); said += s.Text() + "\n" {
			if m := regexp.MustCompile(`serving (\S+)`).FindStringSubmatch(s.Text()); m != nil && !told {
				told = true
				address <- m[1]
			}
		}
		if !told {
			t.Errorf("%s ended: %s", name, said)
			address <- ""
		}
	}()
	a := <-address
	if a == "" {
		t.FailNow()
	}
	return a
}

func TestMJPEGOverHTTP(t *testing.T) {
	bin, dir := built(t)
	policy := put(t, filepath.Join(dir, "policy.json"), half)
	clip := media(t, filepath.Join(dir, "clip.mp4"), testPicture+":duration=2")
	address := serving(t, bin+"/mjpeg-over-http", "-camera", clip, "-policy", policy, "-networks", "none", "-port", "0")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	parts := multipart.NewReader(resp.Body, "frame")
	for n := range 3 {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		pic, kind, err := image.Decode(bytes.NewReader(data))
		if err != nil || kind != "jpeg" || pic.Bounds().Size() != image.Pt(width, height) {
			t.Fatalf("picture %d: %s, %v", n, kind, err)
		}
		y := pic.(*image.YCbCr)
		if up, low := span(y.Y[:y.YStride*height/2-8*y.YStride]), span(y.Y[y.YStride*height*3/4:y.YStride*height]); up > 12 || low < 60 {
			t.Fatalf("picture %d: samples of the hidden half differ by %d, of the shown one by %d", n, up, low)
		}
	}
	r.Host = "elsewhere.example"
	other, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Body.Close()
	if other.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("another site's name is answered with %s", other.Status)
	}
}

func TestRTSPToRTSP(t *testing.T) {
	bin, dir := built(t)
	policy := put(t, filepath.Join(dir, "policy.json"), half)
	clip := media(t, filepath.Join(dir, "clip.mp4"), testPicture+":duration=2")
	address := serving(t, bin+"/rtsp-to-rtsp", "-camera", clip, "-policy", policy, "-networks", "none", "-password", "test-only", "-listen", "127.0.0.1:0")
	address = strings.Replace(address, "hedge@", "hedge:test-only@", 1)
	frames := decode(t, "-rtsp_transport", "tcp", "-i", address, "-frames:v", "5")
	if len(frames) != 5 {
		t.Errorf("%d frames", len(frames))
	}
	checkHalf(t, frames)
}
