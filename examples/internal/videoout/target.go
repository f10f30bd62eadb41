// Package videoout hands redacted frames to another program as a camera: through a
// v4l2loopback device, or a named pipe that carries YUV4MPEG2.
package videoout

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Target is where the pictures go.
type Target struct {
	// pipe and device are paths; one of them is empty.
	pipe, device string
	// made says that the pipe was made by this program, and is to be removed.
	made bool
}

// ErrKind says that something else is where the pictures are to go.
var ErrKind = errors.New("is there already and is something else")

// Parse reads a target: a path that begins with /dev/video, or pipe:PATH.
func Parse(text string) (Target, error) {
	if path, ok := strings.CutPrefix(text, "pipe:"); ok && path != "" {
		return Target{pipe: path}, nil
	}
	if strings.HasPrefix(text, "/dev/video") {
		return Target{device: text}, nil
	}
	return Target{}, fmt.Errorf("out: %q: must be a v4l2loopback device such as /dev/video9, or pipe:/path", text)
}

// prepare makes the pipe, or looks for what the device needs, and returns how
// to open an output. remove is to be called at the end.
func (t *Target) prepare() (open func() (*output, error), err error) {
	if t.device != "" {
		return t.prepareDevice()
	}
	err = syscall.Mkfifo(t.pipe, 0o600)
	t.made = err == nil
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make the pipe %s: %w", t.pipe, err)
	}
	st, err := os.Stat(t.pipe)
	if err != nil {
		return nil, fmt.Errorf("out: %w", err)
	}
	if st.Mode()&fs.ModeNamedPipe == 0 {
		return nil, fmt.Errorf("out: %s %w: no named pipe: name another path", t.pipe, ErrKind)
	}
	return t.openPipe, nil
}

// remove takes away a pipe that prepare made.
func (t *Target) remove() error {
	if !t.made {
		return nil
	}
	return os.Remove(t.pipe)
}

func (t *Target) openPipe() (*output, error) {
	// Without O_NONBLOCK this would wait for a reader.
	f, err := os.OpenFile(t.pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ENXIO) {
		return nil, errNobody
	}
	if err != nil {
		return nil, err
	}
	return &output{pipe: f, end: func() error { return nil }, leaves: true}, nil
}

func (t *Target) prepareDevice() (func() (*output, error), error) {
	st, err := os.Stat(t.device)
	switch {
	case err != nil:
		return nil, fmt.Errorf("out: %w (make it with: modprobe v4l2loopback video_nr=9 exclusive_caps=1 card_label=Hedge)", err)
	case st.Mode()&fs.ModeCharDevice == 0:
		return nil, fmt.Errorf("out: %s %w: no device", t.device, ErrKind)
	}
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		return nil, fmt.Errorf("out: a device is written through ffmpeg (on Debian: apt install ffmpeg): %w", err)
	}
	return func() (*output, error) { return startFFmpeg(program, "v4l2", t.device) }, nil
}

// squarePixels makes a picture wider or narrower whose pixels are not square: a
// device cannot say so.
const squarePixels = "scale=w='if(eq(sar,1),iw,2*round(iw*sar/2))':h=ih,setsar=1"

// startFFmpeg starts ffmpeg with a YUV4MPEG2 stream as its input and raw 4:2:0
// pictures as its output, in the given format (ffmpeg's word) to path. Both have
// the same rate, so that every picture is passed on, and none is repeated.
func startFFmpeg(program, format, path string) (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	//nolint:noctx // ends when its input does
	cmd := exec.Command(program, "-nostdin", "-hide_banner", "-loglevel", "error", "-y",
		"-f", "yuv4mpegpipe", "-i", "pipe:0", "-an", "-sn", "-dn", "-map_metadata", "-1",
		"-vf", squarePixels, "-c:v", "rawvideo", "-pix_fmt", "yuv420p", "-f", format, path)
	// Nothing of this process's environment, in which there may be secrets.
	cmd.Env = []string{}
	// A Ctrl-C at the terminal is for this program alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var said tail
	cmd.Stdin, cmd.Stderr = r, &said
	err = cmd.Start()
	err = errors.Join(err, r.Close())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start ffmpeg: %w", err), w.Close())
	}
	return &output{pipe: w, end: func() error {
		kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() }) // it has ended, or is ended now
		defer kill.Stop()
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("ffmpeg: %w: %s", err, said.text())
		}
		return nil
	}}, nil
}

// patience is how long ffmpeg may take to end when its input has.
const patience = 2 * time.Second

// tail keeps the last of what was written to it.
type tail []byte

const maxTail = 512

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	*t = (*t)[max(len(*t)-maxTail, 0):]
	return len(p), nil
}

// address is what ffmpeg adds to the name of a part of it. It differs from run to run.
var address = regexp.MustCompile(` @ 0x[0-9a-f]+`)

// text returns the whole lines of it, without addresses: two runs that fail in the same
// way say the same.
func (t tail) text() []byte {
	if _, rest, ok := bytes.Cut(t, []byte("\n")); ok && len(t) == maxTail {
		t = rest
	}
	return address.ReplaceAll(bytes.TrimSpace(t), nil)
}
