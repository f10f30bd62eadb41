package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// needFFmpeg skips where the programs are not installed.
func needFFmpeg(t *testing.T) {
	t.Helper()
	for _, p := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed: run `make setup`", p)
		}
	}
}

const width, height = 192, 128

// clip makes a recording of one picture that stands still, and returns it and
// the picture's luma.
func clip(t *testing.T) (path string, luma []byte) {
	t.Helper()
	needFFmpeg(t)
	path = filepath.Join(t.TempDir(), "clip.mp4")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi",
		"-i", fmt.Sprintf("testsrc2=size=%dx%d:rate=25:duration=0.04", width, height),
		"-vf", "loop=50:1:0", "-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv420p", path).CombinedOutput()
	if err != nil {
		t.Fatalf("make a clip: %v\n%s", err, out)
	}
	return path, decode(t, path)[0]
}

// decode returns the luma of each frame of a video.
func decode(t *testing.T, path string) (frames [][]byte) {
	t.Helper()
	raw, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", path, "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-").Output()
	const size = width * height * 3 / 2
	if err != nil || len(raw) == 0 || len(raw)%size != 0 {
		t.Fatalf("decode %s: %d bytes, %v", path, len(raw), err)
	}
	for ; len(raw) > 0; raw = raw[size:] {
		frames = append(frames, raw[:width*height])
	}
	return frames
}

// checkVideo checks that a file is video and nothing else, is so many seconds
// long, and shows the outside flat and the inside as it was.
func checkVideo(t *testing.T, path string, least, most float64, original []byte) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-show_entries", "stream=codec_name:format=duration:format_tags", "-of", "default=nw=1", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe %s: %v\n%s", path, err, out)
	}
	m := regexp.MustCompile(`duration=([0-9.]+)`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("no duration: %s", out)
	}
	if d, err := strconv.ParseFloat(string(m[1]), 64); err != nil || d < least || d > most {
		t.Errorf("%s is %.2f s long, want %.1f to %.1f", path, d, least, most)
	}
	for line := range strings.Lines(string(out)) {
		switch line = strings.TrimSpace(line); {
		case line == "codec_name=h264", strings.HasPrefix(line, "duration="), strings.Contains(line, "_brand"), strings.Contains(line, "minor_version"):
		default:
			t.Errorf("%s has %q in it", path, line)
		}
	}
	for n, luma := range decode(t, path) {
		// Row 64 to 79 is hidden as well: the input was compressed.
		outside, inside := luma[:64*width], luma[80*width:]
		least, most, far := outside[0], outside[0], 0
		for _, y := range outside {
			least, most = min(least, y), max(most, y)
		}
		for i, y := range inside {
			if d := int(y) - int(original[80*width+i]); d > 40 || d < -40 {
				far++
			}
		}
		if most-least > 4 || far > len(inside)/50 {
			t.Fatalf("%s, frame %d: outside from %d to %d; %d of %d samples inside are not what they were", path, n, least, most, far, len(inside))
		}
	}
}
