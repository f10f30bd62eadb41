package camera

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/pion/mediadevices/pkg/io/video"

	"github.com/hedgecam/hedge/internal/nodump"
	"github.com/hedgecam/hedge/pipeline/mediadev"
)

// ErrNoRpicam says that the program for cameras of a Raspberry Pi is missing.
var ErrNoRpicam = errors.New("the program rpicam-vid is not installed; on Raspberry Pi OS: apt install rpicam-apps; a USB camera is camera:0")

// rpicam is the program that reads cameras which only libcamera knows.
const rpicam = "rpicam-vid"

// rowAlign is what rows of rpicam-vid's pictures are padded to, in samples. Widths are
// multiples of it, so that there is no padding.
const rowAlign = 128

// libcamera is a camera that rpicam-vid reads.
type libcamera struct {
	*mediadev.Source
	cmd  *exec.Cmd
	pipe *os.File
	said tail
	done chan struct{} // closed when the program has ended
	pic  *image.YCbCr
}

// rpicamArgs returns the arguments for raw pictures of 4:2:0 on the standard output.
func rpicamArgs(n int, size image.Point, rate float64) []string {
	return []string{"--camera", strconv.Itoa(n), "--codec", "yuv420", "--width", strconv.Itoa(size.X), "--height", strconv.Itoa(size.Y),
		"--framerate", strconv.FormatFloat(rate, 'f', -1, 64), "--timeout", "0", "--nopreview", "--verbose", "0", "--flush", "--output", "-"}
}

// openLibcamera starts rpicam-vid on the camera with the number given. The program has no
// environment, leaves no core dump, and ends with this one.
func openLibcamera(_ context.Context, n int, o Options) (connection, error) {
	path, err := exec.LookPath(rpicam)
	if err != nil {
		return nil, ErrNoRpicam
	}
	size := image.Pt(max(o.Size.X/rowAlign, 1)*rowAlign, o.Size.Y&^1)
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("pipe for pictures: %w", err)
	}
	c := &libcamera{pipe: r, done: make(chan struct{}), pic: nodump.Picture(size.X, size.Y)}
	c.cmd = exec.Command(path, rpicamArgs(n, size, o.Rate)...) //nolint:noctx // no shell; Close ends it, not a context
	c.cmd.Env = []string{}
	c.cmd.Stdout, c.cmd.Stderr = w, &c.said
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// The kernel ends the child when the thread that started it ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		if err == nil {
			_ = nodump.Child(c.cmd.Process.Pid) // refused only by a kernel without limits
		}
		started <- err
		if err == nil {
			_ = c.cmd.Wait() // what it said counts, not how it ended
			close(c.done)
		}
	}()
	err = <-started
	if werr := w.Close(); err == nil && werr != nil {
		c.stop()
		err = werr
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", rpicam, err), r.Close())
	}
	c.Source = mediadev.NewSource(video.ReaderFunc(c.read), mediadev.SourceOptions{Rotate: o.Rotate})
	return c, nil
}

// read returns the next picture, which is valid until the next call.
func (c *libcamera) read() (image.Image, func(), error) {
	for _, plane := range [...][]byte{c.pic.Y, c.pic.Cb, c.pic.Cr} {
		_, err := io.ReadFull(c.pipe, plane)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			<-c.done // its output has ended, and it does with it or is killed
			err = fmt.Errorf("%s has ended: %s", rpicam, c.said.last())
		}
		if err != nil {
			return nil, func() {}, err
		}
	}
	return c.pic, func() {}, nil
}

// stop ends the program, and waits for it.
func (c *libcamera) stop() {
	select {
	case <-c.done: // its number may be another program's by now
		return
	default:
	}
	// The only error is that it has just ended.
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	<-c.done
}

// Close ends a Read under way and the program.
func (c *libcamera) Close() error {
	c.stop() // the pipe's other end is gone, and so a read ends
	return errors.Join(c.Source.Close(), c.pipe.Close())
}

// tail keeps the end of what a program says.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	const most = 2 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if n := len(t.buf) - most; n > 0 {
		t.buf = append(t.buf[:0], t.buf[n:]...)
	}
	return len(p), nil
}

// last returns the last line that has something in it.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := bytes.Split(bytes.TrimSpace(t.buf), []byte("\n"))
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(lines[len(lines)-1]), "?"))
	if text == "" {
		return "it gave no reason"
	}
	return text
}
