package ffmpeg

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hedgecam/hedge/pipeline/ffmpeg/ffmpegtest"
	"github.com/hedgecam/hedge/redact"
)

// hiddenFrame returns a frame of which everything is hidden.
func hiddenFrame(t *testing.T, size image.Point) redact.Frame {
	t.Helper()
	r, err := redact.New(nil, size, redact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.Redact(image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420), redact.Scene{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Release)
	return f
}

func newEncoder(t *testing.T, o EncoderOptions) *Encoder {
	t.Helper()
	o.BitRate, o.Rate, o.Group = 500_000, 25, 600
	if o.Codec == "" {
		o.Codec = "libx264"
	}
	e, err := NewEncoder(testContext(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(e.Close(), e.Close()); err != nil {
			t.Error(err)
		}
	})
	return e
}

// isKey reports whether a packet has an IDR picture.
func isKey(p Packet) bool {
	return bytes.Contains(p.Data, []byte{0, 0, 1, 0x65}) || bytes.Contains(p.Data, []byte{0, 0, 1, 0x25})
}

// collectPackets encodes n frames, 40 ms apart, from frame first on.
func collectPackets(e *Encoder, f redact.Frame, first, n int, key func(int) bool) (all []Packet, err error) {
	for i := first; i < first+n; i++ {
		p, err := e.Encode(f, time.Second+time.Duration(i)*40*time.Millisecond, key(i))
		all = append(all, p...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// TestEncoder: every frame becomes a picture with its time, in order and without the
// next frame; key pictures are the first and those that are asked for.
func TestEncoder(t *testing.T) {
	needFFmpeg(t)
	for _, size := range []image.Point{{320, 192}, {161, 97}} {
		e := newEncoder(t, EncoderOptions{Size: size})
		f := hiddenFrame(t, size)
		asked := func(i int) bool { return i == 7 || i == 8 || i == 20 }
		var all []Packet
		for i := range 30 {
			p, err := collectPackets(e, f, i, 1, asked)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, p...)
			// A busy machine takes longer than Encode waits; nothing more goes in
			// until the picture has come out by itself.
			for len(e.inside) > 0 {
				p, err := e.take(recv(t, e))
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, p)
			}
		}
		if len(all) != 30 {
			t.Fatalf("%v: %d pictures", size, len(all))
		}
		for i, p := range all {
			if want := time.Second + time.Duration(i)*40*time.Millisecond; p.Time != want || isKey(p) != (i == 0 || asked(i)) {
				t.Errorf("%v: picture %d at %v, key %t", size, i, p.Time, isKey(p))
			}
		}
		if _, err := e.Encode(hiddenFrame(t, image.Pt(64, 64)), time.Hour, false); !errors.Is(err, ErrFrame) {
			t.Errorf("%v: another size: %v", size, err)
		}
		if _, err := e.Encode(f, 0, false); !errors.Is(err, ErrFrame) {
			t.Errorf("%v: an earlier time: %v", size, err)
		}
		if _, err := e.Encode(redact.Frame{}, time.Hour, false); !errors.Is(err, ErrFrame) {
			t.Errorf("%v: no frame: %v", size, err)
		}
	}
}

// recv returns what comes out next.
func recv(t *testing.T, e *Encoder) (unit, bool) {
	t.Helper()
	select {
	case u, ok := <-e.out:
		return u, ok
	case <-time.After(30 * time.Second):
		t.Fatal("no picture comes out")
		return unit{}, false
	}
}

// TestEncoderFails: whatever an encoder does that it should not, Encode says so within
// its patience, and again.
func TestEncoderFails(t *testing.T) {
	size := image.Pt(320, 192)
	for fake, want := range map[ffmpegtest.Fake]struct {
		err  error
		text string
		most int // pictures
	}{
		ffmpegtest.Refuses:     {nil, "Could not find a valid device", 0},
		ffmpegtest.Busy:        {syscall.EBUSY, "Device or resource busy", 0},
		ffmpegtest.DiesAtFirst: {syscall.EIO, "the first picture", 0},
		ffmpegtest.Dies:        {syscall.EIO, "picture 101", ffmpegtest.After},
		ffmpegtest.Stalls:      {ErrStalled, "", 0},
		ffmpegtest.Silent:      {ErrStalled, "", 0},
		ffmpegtest.Garbage:     {ErrUnit, "no H.264", 0},
	} {
		t.Run(string(fake), func(t *testing.T) {
			ffmpegtest.Install(t, fake)
			o := EncoderOptions{Size: size}
			if errors.Is(want.err, ErrStalled) {
				o.Patience = 100 * time.Millisecond
			}
			e := newEncoder(t, o)
			f := hiddenFrame(t, size)
			all, err := collectPackets(e, f, 0, 100_000, func(int) bool { return false })
			if err == nil || want.err != nil && !errors.Is(err, want.err) || !strings.Contains(err.Error(), want.text) || len(all) > want.most {
				t.Fatalf("%d pictures, %v", len(all), err)
			}
			if _, again := e.Encode(f, time.Hour*24, false); !errors.Is(again, err) {
				t.Errorf("afterwards: %v", again)
			}
		})
	}
}

// TestEncoderChild: the process has no environment and cannot dump its memory, and it
// ends with Close.
func TestEncoderChild(t *testing.T) {
	needFFmpeg(t)
	if runtime.GOOS != "linux" {
		t.Skip("looks into /proc")
	}
	t.Setenv("HEDGE_TEST_SECRET", "hunter2")
	e := newEncoder(t, EncoderOptions{Size: image.Pt(64, 64)})
	proc := fmt.Sprintf("/proc/%d/", e.proc.cmd.Process.Pid)
	if env := string(read(t, proc+"environ")); strings.Contains(env, "hunter2") || env != "AV_LOG_FORCE_NOCOLOR=1\x00" {
		t.Errorf("its environment: %q", env)
	}
	if l := limit(t, proc+"limits", "Max core file size"); l[0] != "0" || l[1] != "0" {
		t.Errorf("limit of core dumps: %q", l)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(proc); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the process is still there: %v", err)
	}
	if _, err := e.Encode(hiddenFrame(t, image.Pt(64, 64)), 0, false); err == nil {
		t.Error("a closed encoder encodes")
	}
}

// TestEncoderOptions: what makes no sense is refused, and a device that is not there is
// named.
func TestEncoderOptions(t *testing.T) {
	needFFmpeg(t)
	good := EncoderOptions{Codec: "libx264", Size: image.Pt(64, 64), BitRate: 1, Rate: 1, Group: 1}
	for name, change := range map[string]func(*EncoderOptions){
		"codec":  func(o *EncoderOptions) { o.Codec = "" },
		"option": func(o *EncoderOptions) { o.Codec = "-y" },
		"size":   func(o *EncoderOptions) { o.Size.X = 0 },
		"rate":   func(o *EncoderOptions) { o.Rate = -1 },
		"bits":   func(o *EncoderOptions) { o.BitRate = 0 },
		"group":  func(o *EncoderOptions) { o.Group = 0 },
	} {
		o := good
		change(&o)
		if _, err := NewEncoder(t.Context(), o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good.Codec = "h264_rkmpp"
	if HasDevice(good.Codec) {
		t.Skip("this machine has a Rockchip encoder")
	}
	if _, err := NewEncoder(t.Context(), good); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "/dev/mpp_service") {
		t.Errorf("no device: %v", err)
	}
}

// TestHasPicture: parameter sets alone are no picture, and neither is noise.
func TestHasPicture(t *testing.T) {
	for _, tt := range []struct {
		name string
		data []byte
		want bool
		bad  bool
	}{
		{"a slice", []byte{0, 0, 1, 0x41, 9}, true, false},
		{"a key picture behind sets", []byte{0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x65, 3}, true, false},
		{"sets", []byte{0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2}, false, false},
		{"a start code at the end", []byte{0, 0, 1, 0x67, 0, 0, 1}, false, false},
		{"empty", nil, false, true},
		{"noise", []byte{3, 10, 17, 0, 0, 1, 0x65}, false, true},
	} {
		got, err := hasPicture(tt.data)
		if got != tt.want || errors.Is(err, ErrUnit) != tt.bad {
			t.Errorf("%s: %t, %v", tt.name, got, err)
		}
	}
}
