package main

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/pipeline/ffmpeg/ffmpegtest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(mainEnv); dir != "" || len(os.Args) > 1 && os.Args[1] == "hedge-room" {
		if dir != "" {
			go breakOut(dir)
		}
		main()
		return
	}
	ffmpegtest.Main()
	goleak.VerifyTestMain(m)
}

const closedPolicy = `{"version": 1, "property": [[[0,0.5],[1,0.5],[1,1],[0,1]]]}`

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// clip makes a recording of ten pictures.
func clip(t *testing.T, path string) string {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: run `make setup`")
	}
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=192x128:rate=10:duration=1", "-f", "mp4", "file:"+path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	return path
}

// lines is a writer that waits for what is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newLines() *lines { return &lines{more: make(chan struct{}, 1)} }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wait waits until so many matches of what were written.
func (l *lines) wait(t *testing.T, what string, n int) {
	t.Helper()
	for re := regexp.MustCompile(what); len(re.FindAllString(l.String(), -1)) < n; {
		select {
		case <-l.more:
		case <-time.After(time.Minute):
			t.Fatalf("waited in vain for %d times %q in\n%s", n, what, l)
		}
	}
}

// serving runs serve until the test ends. stop ends it before, and returns its exit code.
func serving(t *testing.T, dir string, args ...string) (said *lines, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	said = newLines()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append([]string{"serve", "-dir", dir, "-networks", "none", "-http", "none"}, args...), said, said)
	}()
	var once sync.Once
	got := -1
	stop = func() int {
		once.Do(func() { cancel(); got = <-code })
		return got
	}
	t.Cleanup(func() { stop() })
	said.wait(t, "the queue: ", 1)
	return said, stop
}

// call runs a command and returns its exit code and what it said.
func call(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out lines
	out.more = make(chan struct{}, 1)
	code := run(t.Context(), args, &out, &out)
	return code, out.String()
}

// TestArchive: recordings are added, redacted and handed over, and nothing raw lies in any
// file of the archive; what is no recording is refused and says why, and the same file is
// taken once.
func TestArchive(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	in := clip(t, at("in.mp4"))
	odd := clip(t, at(" -a;'\"\n%s$(x)\xff ü.mp4"))
	raw, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	policy := write(t, at("p.json"), closedPolicy)
	store := at("store")
	said, stop := serving(t, store)
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"not a recording": {[]string{"-policy", policy, write(t, at("text.mp4"), "no video")}, "not a readable video"},
		"0 bytes":         {[]string{"-policy", policy, write(t, at("empty.mp4"), "")}, "file is empty"},
		"truncated":       {[]string{"-policy", policy, write(t, at("cut.mp4"), string(raw[:300]))}, "cut off"},
		"not there":       {[]string{"-policy", policy, at("none.mp4")}, "none.mp4"},
		"bad policy":      {[]string{"-policy", write(t, at("bad.json"), `{"version": 1, "propert": []}`), in}, "propert"},
		"no policy":       {[]string{in}, "-policy is missing"},
		"bad priority":    {[]string{"-policy", policy, "-priority", "9", in}, "must be 0 to 3"},
		"bad networks":    {[]string{"-policy", policy, "-networks", "x", in}, "hedge-n"},
		"no address":      {[]string{"-policy", policy, "http://127.0.0.1:1/secret.mp4?token=word"}, "127.0.0.1:1"},
		"no web address":  {[]string{"-policy", policy, "rtsp://user:token=word@127.0.0.1:1/1"}, "rtsp://127.0.0.1:1/1: no such file"},
	} {
		code, says := call(t, append([]string{"add", "-dir", store}, c.args...)...)
		if code != exitUsage || !strings.Contains(says, c.says) || strings.Contains(says, "token=word") {
			t.Errorf("%s: exit code %d: %s", name, code, says)
		}
	}
	// One bad recording does not keep others out, and nor does the same one twice.
	code, says := call(t, "add", "-dir", store, "-policy", policy, "-networks", "none", in, at("text.mp4"), in)
	if code != exitUsage || !strings.Contains(says, "in the archive already") || !strings.Contains(says, "in.mp4\n") {
		t.Errorf("exit code %d: %s", code, says)
	}
	closed := write(t, at("q.json"), `{"version": 1}`)
	if code, says := call(t, "add", "-dir", store, "-policy", closed, "-networks", "none", odd); code != exitDone {
		t.Errorf("odd name: exit code %d: %s", code, says)
	}
	said.wait(t, "msg=done .*stage=render", 2)
	code, says = call(t, "ls", "-dir", store)
	if code != exitDone || strings.Count(says, "render  done") != 2 || !strings.Contains(says, ` -a;'"?%s$(x)`) {
		t.Errorf("ls: exit code %d: %s", code, says)
	}
	id := regexp.MustCompile(`(?m)^([0-9a-f]{32})  in\.mp4`).FindStringSubmatch(says)[1]
	handedOver(t, store, id[:9], at("out"))
	if code, says := call(t, "get", "-dir", store, "-out", at("out"), id); code != exitFailed || !strings.Contains(says, "name another folder") {
		t.Errorf("get again: exit code %d: %s", code, says)
	}
	for _, c := range [][]string{{"show", "zzz"}, {"cancel", "zzz"}} {
		if code, says := call(t, c[0], "-dir", store, c[1]); code != exitUsage || !strings.Contains(says, "archive ls") {
			t.Errorf("%q: exit code %d: %s", c, code, says)
		}
	}
	if code, says := call(t, "cancel", "-dir", store, id); code != exitFailed || !strings.Contains(says, "nothing to cancel") {
		t.Errorf("cancel: exit code %d: %s", code, says)
	}
	if code, says := call(t, "serve", "-dir", store); code != exitUsage || !strings.Contains(says, "another `archive serve`") {
		t.Errorf("served twice: exit code %d: %s", code, says)
	}
	if code := stop(); code != exitInterrupted && code != exitDone {
		t.Errorf("serve: exit code %d: %s", code, said)
	}
	if code, says := call(t, "ls", "-dir", store); code != exitFailed || !strings.Contains(says, "archive serve -dir") {
		t.Errorf("ls of an archive that is not served: exit code %d: %s", code, says)
	}
	nothingRaw(t, store, raw)
}

// handedOver checks what get writes.
func handedOver(t *testing.T, store, id, out string) {
	t.Helper()
	proof := write(t, filepath.Join(filepath.Dir(out), "proof.html"), "a proof sheet")
	if code, says := call(t, "get", "-dir", store, "-out", out, "-with", write(t, filepath.Join(filepath.Dir(out), "Video.mp4"), "x"), id); code != exitFailed || !strings.Contains(says, "another name") {
		t.Errorf("get with a name that is taken: exit code %d: %s", code, says)
	}
	code, says := call(t, "get", "-dir", store, "-out", out, "-with", proof, id)
	if code != exitDone {
		t.Fatalf("get: exit code %d: %s", code, says)
	}
	folder := strings.Fields(says)[0]
	cmd := exec.CommandContext(t.Context(), "sha256sum", "--strict", "-c", "SHA256SUMS")
	cmd.Dir = folder
	if sums, err := cmd.CombinedOutput(); err != nil || strings.Count(string(sums), ": OK") != 7 {
		t.Errorf("sums: %v: %s", err, sums)
	}
	z, err := zip.OpenReader(folder + ".zip")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if len(z.File) != 8 || z.File[0].Name != filepath.Base(folder)+"/video.mp4" {
		t.Errorf("zip of %d files, the first %s", len(z.File), z.File[0].Name)
	}
	text, err := os.ReadFile(filepath.Join(folder, "what-was-hidden.txt"))
	if err != nil || !strings.Contains(string(text), "10 pictures") || !strings.Contains(string(text), "nothing") {
		t.Errorf("%v: %s", err, text)
	}
}

// nothingRaw looks through all files of an archive for pieces of a recording.
func nothingRaw(t *testing.T, dir string, raw []byte) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 && filepath.Base(filepath.Dir(path)) == filepath.Base(dir) {
			t.Errorf("%s has the rights %v", path, info.Mode())
		}
		data, err := os.ReadFile(path)
		for i := 0; i+64 <= len(raw) && err == nil; i += 997 {
			if bytes.Contains(data, raw[i:i+64]) {
				t.Errorf("%s has bytes %d to %d of the recording", path, i, i+64)
			}
		}
		return err
	})
	if err != nil || files < 5 {
		t.Errorf("%d files, %v", files, err)
	}
}

// TestFlags: wrong flags say what would be right.
func TestFlags(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-version"}, exitDone, "archive "},
		{nil, exitUsage, "archive add -dir"},
		{[]string{"-h"}, exitDone, "archive serve -dir"},
		{[]string{"serve", "-h"}, exitDone, "-workers"},
		{[]string{"serve"}, exitUsage, "-dir is missing"},
		{[]string{"serve", "-dir", dir, "x"}, exitUsage, "unexpected"},
		{[]string{"serve", "-dir", dir, "https://u:word@nas/x"}, exitUsage, `unexpected "https://nas/x"`},
		{[]string{"serve", "-dir", dir, "-listen", "here"}, exitUsage, "127.0.0.1:4222"},
		{[]string{"worker", "-dir", dir, "-workers", "0"}, exitUsage, "1 or more"},
		{[]string{"worker", "-dir", filepath.Join(dir, "none")}, exitUsage, "name the archive's folder"},
		{[]string{"worker", "-dir", t.TempDir(), "-nats", "nats://127.0.0.1:1"}, exitFailed, "archive.key"},
		{[]string{"get", "-dir", dir}, exitUsage, "name ID"},
		{[]string{"ls", "-dir", dir, "-store", "tape"}, exitUsage, "nats, dir or s3"},
		{[]string{"ls", "-dir", dir, "-store", "s3"}, exitUsage, "-s3 https://HOST/BUCKET"},
		{[]string{"serve", "-dir", dir, "-store", "s3", "-s3", "films", "-http", "none", "-networks", "none"}, exitFailed, "https://HOST/BUCKET"},
		{[]string{"ls", "-dir", dir, "-files", "x"}, exitUsage, "-store dir"},
	} {
		if code, says := call(t, c.args...); code != c.code || !strings.Contains(says, c.says) {
			t.Errorf("%q: exit code %d: %s", c.args, code, says)
		}
	}
}
