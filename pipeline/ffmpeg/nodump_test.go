package ffmpeg

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestNoDump: neither decoder nor encoder can leave pictures in a core dump,
// whatever this process allows itself.
func TestNoDump(t *testing.T) {
	needFFmpeg(t)
	if runtime.GOOS != "linux" {
		t.Skip("looks into /proc")
	}
	dir := t.TempDir()
	run(t, "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=2", "-pix_fmt", "yuv420p", filepath.Join(dir, "in.mp4"))
	src := open(t, filepath.Join(dir, "in.mp4"), Options{Loop: true})
	dst, err := Create(testContext(t), filepath.Join(dir, "out.mp4"), OutOptions{Size: image.Pt(160, 120)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := dst.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, p := range []*process{src.proc, dst.proc} {
		proc := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
		if f := limit(t, proc+"limits", "Max core file size"); f[0] != "0" || f[1] != "0" {
			t.Errorf("limit of core dumps: %q", f)
		}
		if text := strings.TrimSpace(string(read(t, proc+"coredump_filter"))); text != "00000000" {
			t.Errorf("what a core dump holds: %s", text)
		}
	}
}

// limit returns the soft and the hard limit of that name.
func limit(t *testing.T, path, name string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.Fields(rest)
		}
	}
	t.Fatalf("no %s in %s", name, data)
	return nil
}
