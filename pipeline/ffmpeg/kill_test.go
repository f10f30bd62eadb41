package ffmpeg

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hedgecam/hedge/pipeline"
)

// helperEnv names the folder in which TestHelperProcess works; unset, the test
// does nothing.
const helperEnv = "HEDGE_TEST_HELPER"

// TestHelperProcess is not a test: TestKilled starts it as a process of its
// own and kills it. It copies a recording that never ends, and prints the ids
// of its ffmpeg processes once frames flow.
func TestHelperProcess(t *testing.T) {
	dir := os.Getenv(helperEnv)
	if dir == "" {
		t.Skip("only for TestKilled")
	}
	ctx := context.Background()
	src, err := Open(ctx, filepath.Join(dir, "in.mp4"), Options{Loop: true})
	if err != nil {
		t.Fatal(err)
	}
	dst, err := Create(ctx, filepath.Join(dir, "out", "out.mp4"), src.Info().OutOptions())
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, s: src, ctx: ctx}
	frame := newFramer(t, src.Info().Size)
	for i := 0; ; i++ {
		at := r.next()
		f := frame(r.buf.Resize(src.Info().Size.X, src.Info().Size.Y), at)
		if err := dst.Write(ctx, f); err != nil {
			t.Fatal(err)
		}
		f.Release()
		if i == 100 {
			_, err = fmt.Fprintln(os.Stdout, "running", src.proc.cmd.Process.Pid, dst.proc.cmd.Process.Pid)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestKilled kills a process that has a Source and a Sink, and looks at what
// stays behind.
func TestKilled(t *testing.T) {
	needFFmpeg(t)
	if runtime.GOOS != "linux" {
		t.Skip("looks for processes in /proc")
	}
	dir := t.TempDir()
	run(t, "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=2", "-pix_fmt", "yuv420p", filepath.Join(dir, "in.mp4"))
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	before := read(t, filepath.Join(dir, "in.mp4"))
	cmd := exec.Command(os.Args[0], "-test.run=^TestHelperProcess$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), helperEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var ids []int
	lines := bufio.NewScanner(out)
	for len(ids) == 0 && lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "running "); ok {
			for _, f := range strings.Fields(rest) {
				id, err := strconv.Atoi(f)
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, id)
			}
		} else {
			t.Log(lines.Text())
		}
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, out); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("helper ended with %v", err)
	}
	if len(ids) != 2 {
		t.Fatal("the helper did not start")
	}
	for _, id := range ids {
		waitGone(t, id)
	}
	names := folder(t, filepath.Join(dir, "out"))
	if len(names) != 1 || !strings.HasSuffix(names[0], ".part") {
		t.Errorf("in the output folder: %q", names)
	}
	if !bytes.Equal(read(t, filepath.Join(dir, "in.mp4")), before) || len(folder(t, dir)) != 2 {
		t.Errorf("input changed, or files beside it: %q", folder(t, dir))
	}
}

// waitGone fails if the process still runs after a while.
func waitGone(t *testing.T, id int) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
		// A zombie has ended; whoever adopted it has not asked yet.
		if err != nil || strings.Contains(string(data), ") Z ") {
			return
		}
		<-tick.C
	}
	t.Errorf("ffmpeg process %d is still there", id)
}

func TestSourceObeysContext(t *testing.T) {
	path := makeVideo(t, "a.mp4", "testsrc2=s=64x48:r=2:d=20", "-pix_fmt", "yuv420p")
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Open(done, path, Options{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("open: %v", err)
	}
	s := open(t, path, Options{RealTime: true})
	r := &reader{t: t, s: s, ctx: context.Background()}
	r.next()
	if err := s.Read(done, &r.buf); !errors.Is(err, context.Canceled) {
		t.Fatalf("read: %v", err)
	}
	// Cancelled before it waited: no harm done.
	r.next()
	// What was there already is still read.
	var err error
	for err == nil {
		ctx, cancel := context.WithCancel(context.Background())
		err = s.Read(watched{ctx, cancel}, &r.buf)
	}
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("read: %v", err)
	}
	if err := s.Read(context.Background(), &r.buf); !errors.Is(err, context.Canceled) {
		t.Errorf("next read: %v", err)
	}
}

// watched is a context that is cancelled when somebody begins to watch it.
type watched struct {
	context.Context
	cancel func()
}

func (w watched) Done() <-chan struct{} {
	w.cancel()
	return w.Context.Done()
}

func TestSourceCloseEndsRead(t *testing.T) {
	path := makeVideo(t, "a.mp4", "testsrc2=s=64x48:r=1:d=30", "-pix_fmt", "yuv420p")
	s := open(t, path, Options{RealTime: true})
	got := make(chan error)
	go func() {
		var b pipeline.Buffer
		var err error
		for err == nil {
			err = s.Read(context.Background(), &b)
		}
		got <- err
	}()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := <-got; !errors.Is(err, ErrClosed) {
		t.Errorf("read: %v", err)
	}
	waitGone(t, s.proc.cmd.Process.Pid)
}

func TestSourceUnreadIsClosed(t *testing.T) {
	// Far more pictures and messages than fit the pipes.
	path := makeVideo(t, "a.mp4", "testsrc2=s=16x16:r=1000:d=10", "-pix_fmt", "yuv420p")
	s := open(t, path, Options{})
	if s.Info().Size != image.Pt(16, 16) {
		t.Errorf("size %v", s.Info().Size)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s = open(t, path, Options{})
	if n := len(readAll(t, s)); n != 10000 {
		t.Errorf("%d pictures", n)
	}
}

func TestDecoderDies(t *testing.T) {
	path := makeVideo(t, "a.mp4", "color=s=640x360:r=25:d=20", "-pix_fmt", "yuv420p", "-preset", "ultrafast")
	s := open(t, path, Options{})
	r := &reader{t: t, s: s, ctx: testContext(t)}
	r.next()
	s.proc.kill()
	var err error
	for i := 0; err == nil && i < 500; i++ {
		err = s.Read(r.ctx, &r.buf)
	}
	if err == nil || errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "killed") {
		t.Errorf("read: %v", err)
	}
}
