package stream

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/encoder"
	"github.com/hedgecam/hedge/pipeline/ffmpeg/ffmpegtest"
)

// told is what OnFallback was told.
type told struct {
	from, to string
	why      error
}

// fallbackOptions are those of a broadcaster with an encoder that is played by ffmpegtest.
func fallbackOptions(list *[]told, patience time.Duration) Options {
	return Options{Encoder: encoder.Process("board", "libopenh264", patience),
		OnFallback: func(from, to string, why error) { *list = append(*list, told{from, to, why}) }}
}

// TestFallback: whatever an encoder in a process of its own does, all that comes out is
// frames that were redacted, the first frame of x264 is a key unit, and it is told once.
func TestFallback(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: run `make setup`")
	}
	for fake, text := range map[ffmpegtest.Fake]string{
		ffmpegtest.Refuses: "valid device", ffmpegtest.DiesAtFirst: "first picture", ffmpegtest.Dies: "picture 101",
		ffmpegtest.Silent: "", ffmpegtest.Stalls: "", ffmpegtest.Freezes: "", ffmpegtest.Busy: "busy", ffmpegtest.Garbage: "no H.264", ffmpegtest.Resizes: "changed the format",
	} {
		t.Run(string(fake), func(t *testing.T) {
			ffmpegtest.Install(t, fake)
			var list []told
			patience := 30 * time.Second // this machine may be busy; most fail by themselves
			switch fake {
			case ffmpegtest.Silent, ffmpegtest.Stalls:
				patience = 100 * time.Millisecond
			case ffmpegtest.Freezes: // it works before
				patience = 20 * time.Second
			}
			h := newBroadcaster(t, fallbackOptions(&list, patience))
			s := newScene(t, 64, 48)
			sub := h.Subscribe(1000)
			for s.n < 20_000 && len(list) == 0 {
				s.write(h)
			}
			at := time.Duration(s.n-1) * 40 * time.Millisecond // of the frame at which it failed
			for range 5 {
				s.write(h)
			}
			if len(list) != 1 || list[0].from != "board" || list[0].to != encoder.Default().Name || !strings.Contains(list[0].why.Error(), text) {
				t.Fatalf("told %v", list)
			}
			if name := h.Stats().Encoder; name != encoder.Default().Name {
				t.Errorf("encoded with %q", name)
			}
			units := take(sub)
			i := len(units) - 6
			if i < 0 || !units[i].Key || units[i].Time != at || units[i+1].Key {
				t.Fatalf("%d units; the frame at which it failed is not the key unit at %v", len(units), at)
			}
			if (fake == ffmpegtest.Dies || fake == ffmpegtest.Freezes) && i < ffmpegtest.After-10 {
				t.Errorf("%d units of the encoder that failed after %d", i, ffmpegtest.After)
			}
			hiddenAbove(t, s, units[i:])
			if i > 0 {
				hiddenAbove(t, s, units[:i])
			}
		})
	}
}

// hiddenAbove decodes units, and fails if the upper half of a picture is not of one colour,
// as it was redacted, or the lower half is.
func hiddenAbove(t *testing.T, s *scene, units []*Unit) {
	t.Helper()
	var stream bytes.Buffer
	for _, u := range units {
		for _, nal := range u.Data {
			stream.Write([]byte{0, 0, 0, 1})
			stream.Write(nal)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-f", "h264", "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1")
	cmd.Stdin = &stream
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	w, h := s.size.X, s.size.Y
	if len(out) != len(units)*w*h*3/2 {
		t.Fatalf("%d units decode to %d bytes", len(units), len(out))
	}
	spread := func(p []byte) int {
		lo, hi := 255, 0
		for _, v := range p {
			lo, hi = min(lo, int(v)), max(hi, int(v))
		}
		return hi - lo
	}
	for n := range units {
		luma := out[n*w*h*3/2:][:w*h]
		// The last rows of the hidden half are left out: coding blurs across.
		if d := spread(luma[:w*(h/2-8)]); d > 12 {
			t.Fatalf("picture %d: the hidden half's luma spreads by %d", n, d)
		}
		if d := spread(luma[w*(h/2+8):]); d < 40 {
			t.Fatalf("picture %d: the shown half's luma spreads by %d", n, d)
		}
	}
}

// TestFallbackFails: a fallback's own error is told, and the next frame gets a new one.
func TestFallbackFails(t *testing.T) {
	var list []told
	first, second := newFake(1, 0, 2), newFake(2, 0, 2)
	h := newBroadcaster(t, Options{Encoder: first.factory("first"), Fallback: second.factory("second"),
		OnFallback: func(from, to string, why error) { list = append(list, told{from, to, why}) }})
	s := newScene(t, 64, 48)
	sub := h.Subscribe(100)
	s.write(h)
	s.write(h) // the first fails, the second takes over
	f, _ := s.frame(2, 80*time.Millisecond)
	defer f.Release()
	if err := h.Write(t.Context(), f); err == nil {
		t.Error("the fallback failed without a word")
	}
	s.n++
	s.write(h)
	units := take(sub)
	if len(list) != 1 || len(units) != 3 || !units[1].Key || !units[2].Key || *second.opened != 2 || *first.opened != 1 {
		t.Errorf("told %v, %d units, opened %d and %d times", list, len(units), *first.opened, *second.opened)
	}
}
