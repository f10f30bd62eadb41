package encoder

import (
	"context"
	"errors"
	"image"
	"io/fs"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/pipeline/ffmpeg/ffmpegtest"
)

// fakes are the ways in which an encoder fails, and how it is told of them. Dies is not
// among them: it fails after the trial.
var fakes = map[ffmpegtest.Fake]struct {
	err  error
	text string
}{
	ffmpegtest.Refuses:     {nil, "Could not find a valid device"},
	ffmpegtest.Busy:        {syscall.EBUSY, "another program uses it"},
	ffmpegtest.DiesAtFirst: {nil, "Failed to encode the first picture"},
	ffmpegtest.Stalls:      {ffmpeg.ErrStalled, ""},
	ffmpegtest.Silent:      {ffmpeg.ErrStalled, ""},
	ffmpegtest.Garbage:     {ffmpeg.ErrUnit, "no H.264"},
	ffmpegtest.Resizes:     {ErrFormat, "1280x728"},
}

// impatient are kinds like those of a board, whose only way needs no device. Their
// patience is short where a test waits for its end.
func impatient(patience time.Duration) []kind {
	return []kind{
		{name: "absent", hardware: true, ways: []childOf{{codec: "h264_rkmpp"}}},
		{name: "board", hardware: true, ways: []childOf{{codec: "libopenh264", patience: patience}}},
		{name: "later", ways: []childOf{{codec: "libopenh264"}}},
	}
}

func chooseBoard(t *testing.T, name string, patience time.Duration) (Choice, error) {
	t.Helper()
	if ffmpeg.HasDevice("h264_rkmpp") {
		t.Skip("this machine has a Rockchip encoder")
	}
	return choose(t.Context(), name, impatient(patience), Default(), try)
}

// TestChooseFails: an encoder that fails in its trial is not taken, whatever it does. Auto
// takes the program's own and says why; who asked for that one is told, with the way out.
func TestChooseFails(t *testing.T) {
	for fake, want := range fakes {
		t.Run(string(fake), func(t *testing.T) {
			ffmpegtest.Install(t, fake)
			patience := 30 * time.Second
			if errors.Is(want.err, ffmpeg.ErrStalled) {
				patience = 100 * time.Millisecond
			}
			c, err := chooseBoard(t, Auto, patience)
			if err != nil || c.Name != Default().Name || c.Hardware || len(c.Tried) != 1 || c.Tried[0].Name != "board" {
				t.Fatalf("auto: %v, %v", c, err)
			}
			if why := c.Tried[0].Err; want.err != nil && !errors.Is(why, want.err) || !strings.Contains(why.Error(), want.text) {
				t.Errorf("auto: %v", why)
			}
			_, err = chooseBoard(t, "board", patience)
			if !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "it needs an ffmpeg that has libopenh264") || !strings.Contains(err.Error(), "-encoder auto") {
				t.Errorf("by name: %v", err)
			}
		})
	}
}

// TestChooseWorks: one in hardware that works is taken, and encodes; who hears no wish for
// key pictures makes one each second.
func TestChooseWorks(t *testing.T) {
	for fake, keys := range map[ffmpegtest.Fake]string{
		ffmpegtest.Works:   "*..............*..............", // as asked
		ffmpegtest.KeyDeaf: "*.........*.........*.........", // each second
	} {
		t.Run(string(fake), func(t *testing.T) {
			ffmpegtest.Install(t, fake)
			c, err := chooseBoard(t, Auto, 30*time.Second)
			if err != nil || c.Name != "board" || !c.Hardware || len(c.Tried) != 0 || c.String() != "board (hardware)" {
				t.Fatalf("%v, %v", c, err)
			}
			size := image.Pt(322, 181)
			e, err := c.Open(Options{Size: size, BitRate: 500_000, Rate: 10})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			}()
			f := frame(t, size, true)
			var got strings.Builder
			for n := 0; got.Len() < len(keys); n++ {
				at := time.Duration(n) * 100 * time.Millisecond
				units, err := e.Encode(f, at, n == 15)
				if err != nil {
					t.Fatal(err)
				}
				for _, u := range units {
					if want := time.Duration(got.Len()) * 100 * time.Millisecond; u.Time != want {
						t.Errorf("picture %d has the time %v", got.Len(), u.Time)
					}
					got.WriteString(map[bool]string{true: "*", false: "."}[h264.IsRandomAccess(u.NALUs)])
				}
			}
			if s := got.String()[:len(keys)]; s != keys {
				t.Errorf("key pictures %s, want %s", s, keys)
			}
			if _, err := e.Encode(frame(t, image.Pt(64, 48), true), time.Hour, false); !errors.Is(err, ErrFrame) {
				t.Errorf("a frame of another size: %v", err)
			}
		})
	}
}

// TestChooseNames: the program's own encoder is not tried, what is not known is refused, and
// a device that is not there is said so, with what to install.
func TestChooseNames(t *testing.T) {
	if c, err := Choose(t.Context(), Default().Name, nil); err != nil || c.Name != Default().Name || len(c.Tried) != 0 {
		t.Errorf("its own: %v, %v", c, err)
	}
	if _, err := Choose(t.Context(), "nvenc", nil); !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "auto, rkmpp, v4l2m2m") {
		t.Errorf("not known: %v", err)
	}
	for _, name := range []string{"rkmpp", "v4l2m2m", "vaapi", "qsv"} {
		if ffmpeg.HasDevice("h264_" + name) {
			t.Logf("%s: this machine has such a device; left out", name)
			continue
		}
		if _, err := Choose(t.Context(), name, nil); !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "this machine has no such device; it needs") {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := choose(ctx, Auto, impatient(0), Default(), func(ctx context.Context, _ childOf) (Factory, error) { return Factory{}, ctx.Err() }); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// TestChooseWays: the ways to a kind are tried in order, and the last one's reason is told.
func TestChooseWays(t *testing.T) {
	two := []kind{{name: "two", hardware: true, ways: []childOf{{codec: "a"}, {codec: "b", lowPower: true}}}}
	var asked []string
	c, err := choose(t.Context(), Auto, two, Default(), func(_ context.Context, w childOf) (Factory, error) {
		asked = append(asked, w.codec)
		if !w.lowPower {
			return Factory{}, errors.New("no usable encoding entry point")
		}
		return Factory{Name: w.name}, nil
	})
	if err != nil || c.Name != "two" || strings.Join(asked, "") != "ab" {
		t.Errorf("%v, %v, asked %q", c, err, asked)
	}
	if got := explain(fs.ErrPermission).Error(); !strings.Contains(got, "this user may not use it") {
		t.Error(got)
	}
}

// TestRealProcess: libx264 and, where ffmpeg has it, libopenh264 in a process of their own
// pass the trial, and make key pictures when they are asked.
func TestRealProcess(t *testing.T) {
	known, err := exec.Command("ffmpeg", "-hide_banner", "-encoders").Output()
	if err != nil {
		t.Skip("ffmpeg is not installed: run `make setup`")
	}
	for _, codec := range []string{"libx264", "libopenh264"} {
		t.Run(codec, func(t *testing.T) {
			if !strings.Contains(string(known), " "+codec+" ") {
				t.Skipf("the ffmpeg that is installed has no %s", codec)
			}
			deaf, err := probe(t.Context(), childOf{name: codec, codec: codec}.open)
			if err != nil || deaf {
				t.Errorf("deaf %t, %v", deaf, err)
			}
		})
	}
}
