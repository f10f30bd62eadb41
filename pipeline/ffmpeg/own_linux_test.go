package ffmpeg

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/hedgecam/hedge/pipeline"
)

// TestOwnFile: a file that is open in this process, and that programs do not inherit, can be
// an input under its name in /proc.
func TestOwnFile(t *testing.T) {
	clip := makeVideo(t, "clip.mp4", "testsrc2=size=64x48:rate=10:duration=1", "-pix_fmt", "yuv420p")
	f, err := os.Open(clip)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const number = 100
	if err := syscall.Dup3(int(f.Fd()), number, syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(number) }()
	src, err := Open(t.Context(), fmt.Sprintf("/proc/self/fd/%d", number), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	n := 0
	for b := new(pipeline.Buffer); src.Read(t.Context(), b) == nil; {
		n++
	}
	if n != 10 {
		t.Errorf("%d pictures of 10", n)
	}
	if f, _ := ownFile([]string{"-i", "/proc/self/fd/3"}); f != nil {
		t.Error("the number of one of the program's own files is taken")
	}
}
