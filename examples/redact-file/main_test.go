package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/pipeline/ffmpeg/ffmpegtest"

	"github.com/hedgecam/hedge/examples/internal/recording"
	"github.com/hedgecam/hedge/internal/ort"
	"github.com/hedgecam/hedge/models"
)

func TestMain(m *testing.M) {
	if os.Getenv(mainEnv) != "" || len(os.Args) > 1 && os.Args[1] == "hedge-room" {
		main()
		return
	}
	ffmpegtest.Main()
	goleak.VerifyTestMain(m)
}

const closedPolicy = `{"version": 1, "property": [[[0,0.5],[1,0.5],[1,1],[0,1]]]}`

// needFFmpeg skips where the program is not installed.
func needFFmpeg(t *testing.T) {
	t.Helper()
	for _, p := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed: run `make setup`", p)
		}
	}
}

// ff runs ffmpeg to make an input.
func ff(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffmpeg", append([]string{"-nostdin", "-v", "error", "-y"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg %v: %v\n%s", args, err, out)
	}
}

// probe returns what ffprobe says of the fields asked for.
func probe(t *testing.T, file, entries string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-show_entries", entries, "-of", "default=nw=1", file).CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe %s: %v\n%s", file, err, out)
	}
	return string(out)
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// clip makes a second of video with sound and a place in its metadata.
func clip(t *testing.T, path string, extra ...string) string {
	t.Helper()
	args := []string{"-f", "lavfi", "-i", "testsrc2=size=192x128:rate=10:duration=1", "-f", "lavfi", "-i", "sine=duration=1",
		"-metadata", "title=secret", "-metadata", "location=+48.1+011.5/", "-shortest"}
	ff(t, append(append(args, extra...), path)...)
	return path
}

// runProgram runs redact-file and returns exit code and what it said.
func runProgram(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	code := run(ctx, args, &out)
	return code, out.String()
}

// remains lists what is in a folder.
func remains(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestRedacts(t *testing.T) {
	needFFmpeg(t)
	dir, out := t.TempDir(), t.TempDir()
	in := clip(t, filepath.Join(dir, "in.mp4"))
	p := write(t, filepath.Join(dir, "p.json"), closedPolicy)
	code, said := runProgram(t, "-in", in, "-out", filepath.Join(out, "o.mp4"), "-policy", p,
		"-report", filepath.Join(out, "r.json"), "-sheet", filepath.Join(out, "s.png"))
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, said)
	}
	if got := remains(t, out); len(got) != 3 {
		t.Errorf("left behind: %v", got)
	}
	video := probe(t, filepath.Join(out, "o.mp4"), "stream=codec_type,codec_name,pix_fmt,nb_frames:format_tags:stream_tags")
	for _, want := range []string{"codec_name=h264", "pix_fmt=yuv420p", "nb_frames=10"} {
		if !strings.Contains(video, want) {
			t.Errorf("output lacks %q:\n%s", want, video)
		}
	}
	for _, never := range []string{"audio", "secret", "location", "+48", "creation_time"} {
		if strings.Contains(video, never) {
			t.Errorf("output has %q:\n%s", never, video)
		}
	}
	var r report
	data, err := os.ReadFile(filepath.Join(out, "r.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if r.Frames.In != 10 || r.Frames.Out != 10 || r.HiddenShare < 0.4 || r.HiddenShare > 0.8 || len(r.PolicySHA256) != 64 || r.PeakMemory == 0 || r.FPS <= 0 {
		t.Errorf("report: %+v", r)
	}
	f, err := os.Open(filepath.Join(out, "s.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if img, err := png.Decode(f); err != nil || img.Bounds().Dx() < 4*recording.ThumbWidth {
		t.Errorf("contact sheet: %v", err)
	}
}

// TestUnusualPictures come out, at their own size made even.
func TestUnusualPictures(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	p := write(t, filepath.Join(dir, "p.json"), closedPolicy)
	for name, tt := range map[string]struct {
		source string
		args   []string
		want   string
	}{
		"1x1":       {"testsrc=size=64x64:rate=5:duration=1", []string{"-vf", "format=rgb24,crop=1:1", "-c:v", "ffv1"}, "width=2"},
		"4096x2304": {"testsrc2=size=4096x2304:rate=2:duration=1", []string{"-c:v", "mpeg4"}, "width=4096"},
		"odd width": {"testsrc=size=333x211:rate=5:duration=1", []string{"-c:v", "ffv1"}, "width=334"},
		"10 bit":    {"testsrc2=size=192x128:rate=5:duration=1", []string{"-c:v", "ffv1", "-pix_fmt", "yuv420p10le"}, "width=192"},
		"4:4:4":     {"testsrc2=size=192x128:rate=5:duration=1", []string{"-c:v", "ffv1", "-pix_fmt", "yuv444p"}, "width=192"},
	} {
		t.Run(name, func(t *testing.T) {
			in, out := filepath.Join(t.TempDir(), "in.mkv"), filepath.Join(t.TempDir(), "out.mp4")
			ff(t, append(append([]string{"-f", "lavfi", "-i", tt.source}, tt.args...), in)...)
			if code, said := runProgram(t, "-in", in, "-out", out, "-policy", p); code != exitDone {
				t.Fatalf("exit code %d: %s", code, said)
			}
			if got := probe(t, out, "stream=width,height,pix_fmt"); !strings.Contains(got, tt.want) || !strings.Contains(got, "yuv420p\n") {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestBadInput: one line that names the thing, an exit code, the input as it
// was, and nothing left in the output's folder.
func TestBadInput(t *testing.T) {
	needFFmpeg(t)
	src := t.TempDir()
	good := clip(t, filepath.Join(src, "good.mp4"))
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	open := write(t, filepath.Join(src, "policy.json"), closedPolicy)
	finds := write(t, filepath.Join(src, "finds.json"), strings.Replace(closedPolicy, "}", `, "outside": {"hide": "detected"}}`, 1))
	policyOf := func(polygon string) string {
		f, err := os.CreateTemp(src, "policy*.json")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(`{"version": 1, "property": [` + polygon + `]}`); err != nil {
			t.Fatal(err)
		}
		return f.Name()
	}
	sound := filepath.Join(src, "sound.mp4")
	ff(t, "-f", "lavfi", "-i", "sine=duration=1", sound)
	tail := filepath.Join(src, "tail.mp4") // the index is at the end, and cut off
	ff(t, "-i", good, "-c", "copy", tail)
	write(t, tail, string(data[:len(data)/2]))
	readOnly := filepath.Join(src, "read-only")
	if err := os.Mkdir(readOnly, 0o555); err != nil {
		t.Fatal(err)
	}

	for _, tt := range []struct {
		name string
		args []string // "OUT" stands for a file in an empty folder
		env  [2]string
		code int
		says []string
	}{
		{"no such file", []string{"-in", filepath.Join(src, "none.mp4"), "-out", "OUT", "-policy", open}, [2]string{}, exitFailed, []string{"none.mp4"}},
		{"empty folder", []string{"-in", t.TempDir(), "-out", "OUT", "-policy", open}, [2]string{}, exitFailed, []string{"no recording"}},
		{"empty file", []string{"-in", write(t, filepath.Join(src, "empty.mp4"), ""), "-out", "OUT", "-policy", open}, [2]string{}, exitFailed, []string{"empty.mp4", "empty"}},
		{"truncated", []string{"-in", tail, "-out", "OUT", "-policy", open}, [2]string{}, exitFailed, []string{"tail.mp4"}},
		{"text", []string{"-in", write(t, filepath.Join(src, "text.mp4"), "no video\n"), "-out", "OUT", "-policy", open}, [2]string{}, exitFailed, []string{"text.mp4"}},
		{"sound only", []string{"-in", sound, "-out", "OUT", "-policy", open}, [2]string{}, exitFailed, []string{"sound.mp4", "video"}},
		{"output folder missing", []string{"-in", good, "-out", filepath.Join(src, "no", "o.mp4"), "-policy", open}, [2]string{}, exitUsage, []string{"o.mp4"}},
		{"output is input", []string{"-in", good, "-out", good, "-policy", open}, [2]string{}, exitUsage, []string{"good.mp4"}},
		{"policy missing", []string{"-in", good, "-out", "OUT", "-policy", filepath.Join(src, "none.json")}, [2]string{}, exitUsage, []string{"none.json"}},
		{"policy empty", []string{"-in", good, "-out", "OUT", "-policy", write(t, filepath.Join(src, "empty.json"), "")}, [2]string{}, exitUsage, []string{"empty.json"}},
		{"policy: unknown field", []string{"-in", good, "-out", "OUT", "-policy", write(t, filepath.Join(src, "x.json"), `{"version": 1, "colour": []}`)}, [2]string{}, exitUsage, []string{"colour"}},
		{"policy: crossing", []string{"-in", good, "-out", "OUT", "-policy", policyOf("[[0,0],[1,1],[1,0],[0,1]]")}, [2]string{}, exitUsage, []string{"property[0]"}},
		{"policy: two points", []string{"-in", good, "-out", "OUT", "-policy", policyOf("[[0,0],[1,1]]")}, [2]string{}, exitUsage, []string{"property[0]"}},
		{"policy: not a number", []string{"-in", good, "-out", "OUT", "-policy", policyOf("[[0,0],[1,NaN],[1,1]]")}, [2]string{}, exitUsage, []string{"policy"}},
		{"policy: beyond 1", []string{"-in", good, "-out", "OUT", "-policy", policyOf("[[0,0],[1.5,0],[1,1]]")}, [2]string{}, exitUsage, []string{"property[0][1][0]"}},
		{"no such network set", []string{"-in", good, "-out", "OUT", "-policy", finds, "-networks", "nine"}, [2]string{}, exitUsage, []string{"nine", "trio"}},
		{"model missing", []string{"-in", good, "-out", "OUT", "-policy", finds, "-networks", "trio"}, [2]string{"HEDGE_MODELS", t.TempDir()}, exitUsage, []string{"-networks none"}},
		{"runtime missing", []string{"-in", good, "-out", "OUT", "-policy", finds}, [2]string{"HEDGE_ORT_LIB", filepath.Join(src, "none.so")}, exitUsage, []string{"none.so"}},
		{"runtime is none", []string{"-in", good, "-out", "OUT", "-policy", finds}, [2]string{"HEDGE_ORT_LIB", open}, exitUsage, []string{"policy.json"}},
		{"ffmpeg missing", []string{"-in", good, "-out", "OUT", "-policy", open}, [2]string{"PATH", ""}, exitFailed, []string{"ffmpeg", "install"}},
		{"no flags", nil, [2]string{}, exitUsage, []string{"-in"}},
		{"argument without flag", []string{good}, [2]string{}, exitUsage, []string{"good.mp4"}},
		{"look-ahead", []string{"-in", good, "-out", "OUT", "-policy", open, "-lookahead", "5s"}, [2]string{}, exitUsage, []string{"-lookahead"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.env[0] != "" {
				t.Setenv(tt.env[0], tt.env[1])
				if tt.env[0] == "HEDGE_MODELS" {
					t.Setenv("XDG_CACHE_HOME", t.TempDir())
				}
			}
			out := t.TempDir()
			for i, a := range tt.args {
				if a == "OUT" {
					tt.args[i] = filepath.Join(out, "o.mp4")
				}
			}
			code, said := runProgram(t, tt.args...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, want := range tt.says {
				if !strings.Contains(said, want) {
					t.Errorf("does not say %q:\n%s", want, said)
				}
			}
			for _, name := range remains(t, out) {
				// A folder asked for as output is made before it is filled.
				if entries, err := os.ReadDir(filepath.Join(out, name)); err != nil || len(entries) > 0 {
					t.Errorf("left behind: %s", name)
				}
			}
			if now, err := os.ReadFile(good); err != nil || sha256.Sum256(now) != sha256.Sum256(data) {
				t.Errorf("the input was changed: %v", err)
			}
		})
	}

	t.Run("models", func(t *testing.T) {
		library, err := ort.Library()
		if err != nil {
			t.Skipf("ONNX Runtime is missing: %v", err)
		}
		t.Setenv("HEDGE_ORT_LIB", library)
		t.Setenv("XDG_CACHE_HOME", t.TempDir())
		m, err := models.Find("yunet_s")
		if err != nil {
			t.Fatal(err)
		}
		for what, content := range map[string]string{"truncated": "ONNX", "of another checksum": strings.Repeat("x", int(m.Bytes))} {
			dir, out := t.TempDir(), t.TempDir()
			t.Setenv("HEDGE_MODELS", dir)
			write(t, filepath.Join(dir, m.File), content)
			code, said := runProgram(t, "-in", good, "-out", filepath.Join(out, "o.mp4"), "-policy", finds, "-networks", "trio")
			if code != exitUsage || !strings.Contains(said, m.File) || !strings.Contains(said, m.SHA256) {
				t.Errorf("model %s: exit code %d: %s", what, code, said)
			}
			if got := remains(t, out); len(got) != 0 {
				t.Errorf("left behind: %v", got)
			}
		}
	})

	t.Run("read-only folder", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("the superuser may write anywhere")
		}
		if code, said := runProgram(t, "-in", good, "-out", filepath.Join(readOnly, "o.mp4"), "-policy", open); code != exitUsage || !strings.Contains(said, "read-only") {
			t.Errorf("exit code %d: %s", code, said)
		}
	})
}

// TestResolutionChange: the output keeps the first size, and is complete.
func TestResolutionChange(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	var parts []byte
	for i, size := range []string{"192x128", "128x192"} {
		part := filepath.Join(dir, size+".ts")
		ff(t, "-f", "lavfi", "-i", "testsrc2=size="+size+":rate=10:duration=1", "-output_ts_offset", string(rune('0'+i)), "-c:v", "mpeg2video", part)
		data, err := os.ReadFile(part)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, data...)
	}
	in := filepath.Join(dir, "in.ts")
	write(t, in, string(parts))
	rep := filepath.Join(dir, "r.json")
	code, said := runProgram(t, "-in", in, "-out", filepath.Join(dir, "o.mp4"), "-policy", write(t, filepath.Join(dir, "p.json"), closedPolicy), "-report", rep)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, said)
	}
	var r report
	data, err := os.ReadFile(rep)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if r.Frames.Out < 18 || r.Frames.HiddenWhole < 8 || r.Frames.HiddenWhole > 11 {
		t.Errorf("%d frames out, %d hidden as a whole; want about 20 and 10", r.Frames.Out, r.Frames.HiddenWhole)
	}
}

// TestFullDisk needs the right to mount a small file system.
func TestFullDisk(t *testing.T) {
	needFFmpeg(t)
	dir, small := t.TempDir(), t.TempDir()
	if err := syscall.Mount("none", small, "tmpfs", 0, "size=16k"); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(small, 0); err != nil {
			t.Error(err)
		}
	}()
	in := filepath.Join(dir, "in.mkv")
	ff(t, "-f", "lavfi", "-i", "mandelbrot=size=640x360:rate=10", "-t", "3", "-c:v", "mpeg4", "-q:v", "2", in)
	p := write(t, filepath.Join(dir, "p.json"), `{"version": 1, "property": [[[0,0],[1,0],[1,1],[0,1]]]}`)
	code, said := runProgram(t, "-in", in, "-out", filepath.Join(small, "o.mp4"), "-policy", p)
	if code != exitFailed || !strings.Contains(said, "space") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if got := remains(t, small); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

// TestFolder redacts every recording of a folder, and reports each.
func TestFolder(t *testing.T) {
	needFFmpeg(t)
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "new")
	clip(t, filepath.Join(in, "a.mp4"))
	clip(t, filepath.Join(in, "b.MKV"))
	write(t, filepath.Join(in, "broken.mp4"), "no video")
	write(t, filepath.Join(in, "notes.txt"), "not a recording")
	write(t, filepath.Join(in, "._a.mp4"), "of another system")
	clip(t, filepath.Join(in, ".hidden.mp4"))
	if err := os.Mkdir(filepath.Join(in, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	clip(t, filepath.Join(in, "sub", "c.mp4"))
	rep := filepath.Join(t.TempDir(), "r.json")
	code, said := runProgram(t, "-in", in, "-out", out, "-policy", write(t, filepath.Join(t.TempDir(), "p.json"), closedPolicy), "-report", rep)
	if code != exitFailed || !strings.Contains(said, "broken.mp4") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if got := strings.Join(remains(t, out), " "); got != "a.mp4 b.mp4" {
		t.Errorf("wrote %s", got)
	}
	for _, name := range []string{"notes.txt", "._a.mp4", ".hidden.mp4", "sub"} {
		if !strings.Contains(said, "left out: "+filepath.Join(in, name)+" (") {
			t.Errorf("does not name %s as left out:\n%s", name, said)
		}
	}
	data, err := os.ReadFile(rep)
	if err != nil {
		t.Fatal(err)
	}
	var rs []report
	if err := json.Unmarshal(data, &rs); err != nil || len(rs) != 3 || rs[2].Error == "" || rs[0].Error != "" {
		t.Errorf("reports: %v, %+v", err, rs)
	}
}

// TestInterrupted: an interrupt stops cleanly, and leaves no half file.
func TestInterrupted(t *testing.T) {
	needFFmpeg(t)
	dir, out := t.TempDir(), t.TempDir()
	in := filepath.Join(dir, "in.mkv")
	ff(t, "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30:duration=20", "-c:v", "mpeg4", in)
	p := write(t, filepath.Join(dir, "p.json"), closedPolicy)
	ctx, cancel := context.WithCancel(t.Context())
	var said bytes.Buffer
	go func() {
		defer cancel()
		poll := time.NewTicker(5 * time.Millisecond)
		defer poll.Stop()
		for len(remainsQuietly(out)) == 0 { // until the encoder's file appears
			<-poll.C
		}
	}()
	if code := run(ctx, []string{"-in", in, "-out", filepath.Join(out, "o.mp4"), "-policy", p,
		"-report", filepath.Join(out, "r.json")}, &said); code != exitInterrupted {
		t.Errorf("exit code %d: %s", code, said.String())
	}
	if got := remains(t, out); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

func remainsQuietly(dir string) []os.DirEntry {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	return entries
}
