package stream

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"math"
	"testing"
	"time"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// TestSnapshot: it is the next picture, in full range and of the frame's size; all who ask
// before it get the same bytes, and nothing is copied while nobody asks.
func TestSnapshot(t *testing.T) {
	now := time.Unix(1000, 0)
	h := newBroadcaster(t, Options{Clock: func() time.Time { return now }})
	s := newScene(t, 161, 97)
	s.write(h)
	s.write(h)
	first, err := h.ask()
	if err != nil {
		t.Fatal(err)
	}
	want := s.write(h)
	<-first.done
	s.write(h) // another one, for which nobody asked
	data, err := first.jpeg()
	if err != nil || !first.at.Equal(now) {
		t.Fatal(first.at, err)
	}
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	got := img.(*image.YCbCr)
	if got.Rect != image.Rect(0, 0, 161, 97) || got.SubsampleRatio != image.YCbCrSubsampleRatio420 {
		t.Fatalf("%v %v", got.Rect, got.SubsampleRatio)
	}
	var sum float64
	for y := range 97 {
		for x := range 161 {
			full := min(max((float64(want.Y[want.YOffset(x, y)])-16)*255/219, 0), 255)
			d := float64(got.Y[got.YOffset(x, y)]) - full
			sum += d * d
		}
	}
	if rms := math.Sqrt(sum / (97 * 161)); rms > 4 {
		t.Errorf("luma differs by %.1f", rms)
	}
	again, err := first.jpeg()
	if err != nil || &again[0] != &data[0] {
		t.Error("encoded again", err)
	}
	if h.wanted != nil {
		t.Error("a picture is copied that nobody asks for")
	}
	for range 5 { // until it is too old
		s.write(h)
	}
	next, _, _ := s.snapshot(h)
	if bytes.Equal(next, data) {
		t.Error("an old picture")
	}
	f, _ := s.frame(2, 0)
	defer f.Release()
	if direct, err := JPEG(f, ffmpeg.Rational{}); err != nil || !bytes.Equal(direct, data) {
		t.Errorf("a JPEG of the same frame is another one: %v", err)
	}
	if _, err := JPEG(redact.Frame{}, ffmpeg.Rational{}); !errors.Is(err, ErrFrame) {
		t.Errorf("a JPEG of no frame: %v", err)
	}
}

// TestSnapshotShared: many who ask within the time that a snapshot is new get one JPEG,
// and nothing is copied for them. No later one gets it: not when frames have gone on, not
// when the clock has and none came, not after a flush or a pause.
func TestSnapshotShared(t *testing.T) {
	now := time.Unix(1000, 0)
	h := newBroadcaster(t, Options{Clock: func() time.Time { return now }})
	s := newScene(t, 64, 48)
	take := func() *byte {
		t.Helper()
		want, err := h.ask()
		if err != nil {
			t.Fatal(err)
		}
		s.write(h)
		<-want.done
		data, at, err := h.Snapshot(t.Context())
		if err != nil || !at.Equal(now) {
			t.Fatal(at, err)
		}
		return &data[0]
	}
	first := take()
	for range 4 {
		for range 8 {
			data, _, err := h.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if &data[0] != first || h.wanted != nil {
				t.Fatal("encoded again")
			}
		}
		s.write(h)
	}
	for name, end := range map[string]func(){
		"frames": func() { s.write(h); s.write(h); s.write(h); s.write(h); s.write(h) },
		"clock":  func() { now = now.Add(200 * time.Millisecond) },
		"back":   func() { now = now.Add(-time.Millisecond) },
		"flush":  h.Flush,
		"forget": h.Forget,
		"pause":  func() { h.Pause(true); h.Pause(false) },
	} {
		h.Flush()
		old := take()
		end()
		if want, err := h.ask(); err != nil || want != h.wanted {
			t.Errorf("%s: an old picture, or %v", name, err)
		}
		if take() == old {
			t.Errorf("%s: the old JPEG", name)
		}
	}
}

// TestSnapshotFlushed: a picture from before a flush is not shown to who asked before it.
func TestSnapshotFlushed(t *testing.T) {
	h := newBroadcaster(t, Options{})
	s := newScene(t, 64, 48)
	want, err := h.ask()
	if err != nil {
		t.Fatal(err)
	}
	s.write(h)
	<-want.done
	h.Flush()
	if h.current(want) {
		t.Error("a picture from before the flush may be shown")
	}
	// A pause, and the end, are told to who waits.
	for _, c := range []struct {
		end  func()
		want error
	}{{func() { h.Pause(true) }, ErrPaused}, {func() { h.Pause(false); want, err = h.ask(); _ = h.Close() }, ErrClosed}} {
		if want, err = h.ask(); err != nil && !errors.Is(err, ErrPaused) {
			t.Fatal(err)
		}
		c.end()
		if <-want.done; !errors.Is(want.err, c.want) {
			t.Errorf("told %v, want %v", want.err, c.want)
		}
	}
}

func TestFullRange(t *testing.T) {
	for v, want := range map[int]byte{0: 0, 16: 0, 126: 128, 235: 255, 255: 255} {
		if fullLuma[v] != want {
			t.Errorf("luma %d: %d, want %d", v, fullLuma[v], want)
		}
	}
	for v, want := range map[int]byte{0: 0, 16: 1, 128: 128, 240: 255, 255: 255} {
		if fullChroma[v] != want {
			t.Errorf("chroma %d: %d, want %d", v, fullChroma[v], want)
		}
	}
}
