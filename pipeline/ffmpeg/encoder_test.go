package ffmpeg

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"runtime"
	"slices"
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
			o := EncoderOptions{Size: size, Patience: time.Minute} // this machine may be busy; most fail by themselves
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

// TestEncoderPauses: what an encoder holds back while it gets no frames is no fault of it,
// and one that gives nothing for its patience is found out however seldom frames come.
func TestEncoderPauses(t *testing.T) {
	const patience = time.Minute
	size := image.Pt(320, 192)
	after10 := func(i int) time.Duration {
		if i == 10 {
			return 10 * patience
		}
		return 40 * time.Millisecond
	}
	always := func(int) time.Duration { return 2 * patience }
	for _, tt := range []struct {
		name  string
		fake  ffmpegtest.Fake
		pause func(i int) time.Duration // before frame i
		fails bool
	}{
		{"a pause", ffmpegtest.Delays, after10, false},
		{"frames come seldom", ffmpegtest.Delays, always, false},
		{"frames come seldom and no picture", ffmpegtest.Silent, always, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ffmpegtest.Install(t, tt.fake)
			e := newEncoder(t, EncoderOptions{Size: size, Patience: patience})
			var now time.Time
			e.now = func() time.Time { return now }
			f := hiddenFrame(t, size)
			var all []Packet
			var err error
			for i := 0; i < 15 && err == nil; i++ {
				now = now.Add(tt.pause(i))
				var p []Packet
				p, err = collectPackets(e, f, i, 1, func(int) bool { return false })
				all = append(all, p...)
				// A busy machine takes longer than Encode waits.
				for tt.fake == ffmpegtest.Delays && err == nil && len(e.inside) > ffmpegtest.Held {
					var p Packet
					p, err = e.take(recv(t, e))
					all = append(all, p)
				}
			}
			if tt.fails {
				if !errors.Is(err, ErrStalled) {
					t.Error(err)
				}
			} else if err != nil || len(all) != 15-ffmpegtest.Held {
				t.Errorf("%d pictures, %v", len(all), err)
			}
		})
	}
}

// TestEncoderFreezes: an encoder that stands still after it has worked is found out when
// its patience is over, and not before.
func TestEncoderFreezes(t *testing.T) {
	const patience = time.Minute
	size := image.Pt(320, 192)
	still := ffmpegtest.Install(t, ffmpegtest.Freezes)
	e := newEncoder(t, EncoderOptions{Size: size, Patience: patience})
	var now time.Time
	e.now = func() time.Time { return now }
	f := hiddenFrame(t, size)
	pictures, frames := 0, 0
	encode := func() error {
		p, err := collectPackets(e, f, frames, 1, func(int) bool { return false })
		pictures, frames = pictures+len(p), frames+1
		return err
	}
	for frames < ffmpegtest.After {
		if err := encode(); err != nil {
			t.Fatalf("frame %d: %v", frames, err)
		}
		for len(e.inside) > 0 { // a busy machine takes longer than Encode waits
			if _, err := e.take(recv(t, e)); err != nil {
				t.Fatalf("frame %d: %v", frames, err)
			}
			pictures++
		}
	}
	if err := encode(); err != nil {
		t.Fatal(err)
	}
	if err := still(); err != nil {
		t.Fatal(err)
	}
	// A quarter of the patience counts of each pause.
	for i := range 5 {
		now = now.Add(patience)
		if err := encode(); errors.Is(err, ErrStalled) != (i == 4) {
			t.Errorf("after %d pauses: %v", i+1, err)
		}
	}
	if pictures != ffmpegtest.After {
		t.Errorf("%d pictures", pictures)
	}
}

// TestEncoderLongGap: pictures keep their times over a gap that ffmpeg's time stamps do
// not.
func TestEncoderLongGap(t *testing.T) {
	needFFmpeg(t)
	size := image.Pt(64, 64)
	e := newEncoder(t, EncoderOptions{Size: size, Patience: time.Minute})
	f := hiddenFrame(t, size)
	const step, gap = 40 * time.Millisecond, 31 * time.Hour
	want := []time.Duration{0, step, gap, gap + step}
	var got []time.Duration
	var ticks []int64
	for _, at := range want {
		packets, err := e.Encode(f, at, false)
		if err != nil {
			t.Fatalf("at %v: %v", at, err)
		}
		for len(e.inside) > 0 {
			p, err := e.take(recv(t, e))
			if err != nil {
				t.Fatalf("at %v: %v", at, err)
			}
			packets = append(packets, p)
		}
		for _, p := range packets {
			got = append(got, p.Time)
		}
		ticks = append(ticks, e.tick)
		if _, err := e.Encode(f, at, false); !errors.Is(err, ErrFrame) {
			t.Errorf("%v again: %v", at, err)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("times %v, want %v", got, want)
	}
	// The step behind the gap is as long as the one before.
	if want := []int64{0, 40_000, 10_040_000, 10_080_000}; !slices.Equal(ticks, want) {
		t.Errorf("the encoder was told %v, want %v", ticks, want)
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
	if _, err := e.Encode(hiddenFrame(t, image.Pt(64, 64)), 0, false); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed encoder: %v", err)
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
