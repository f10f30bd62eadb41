package stream

import (
	"context"
	"fmt"
	"image"
	"testing"
	"time"

	"github.com/hedgecam/hedge/redact"
)

// BenchmarkWrite times a frame of 1080p with and without subscribers.
func BenchmarkWrite(b *testing.B) {
	for _, subscribers := range []int{0, 1, 100} {
		b.Run(fmt.Sprintf("1080p/subscribers=%d", subscribers), func(b *testing.B) {
			h, frames := bench(b, subscribers)
			b.SetBytes(1920 * 1080 * 3 / 2)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := h.Write(context.Background(), frames[i%len(frames)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// bench returns a broadcaster with subscriptions that nobody reads, and frames that
// differ.
func bench(t testing.TB, subscribers int) (*Broadcaster, []redact.Frame) {
	h := newBroadcaster(t, Options{})
	for range subscribers {
		h.Subscribe(1)
	}
	s := newScene(t, 1920, 1080)
	var frames []redact.Frame
	for i := range 4 {
		f, _ := s.frame(i, time.Duration(i)*time.Millisecond)
		frames = append(frames, f)
	}
	return h, frames
}

// TestIdle: while nobody takes anything, a frame costs no copy and no memory.
func TestIdle(t *testing.T) {
	h := newBroadcaster(t, Options{})
	s := newScene(t, 320, 192)
	var frames []redact.Frame
	for i := range 4 {
		f, _ := s.frame(i, time.Duration(i)*time.Millisecond)
		frames = append(frames, f)
	}
	i := 0
	if n := testing.AllocsPerRun(100, func() {
		i++
		if err := h.Write(context.Background(), frames[i%len(frames)]); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if st := h.Stats(); st.Frames != 0 || st.Size != (image.Point{}) {
		t.Errorf("%+v", st)
	}
}
