package stream

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"testing"
	"time"
)

// TestSnapshot: it is the newest picture, in full range and of the frame's size;
// asked for again it is not encoded again.
func TestSnapshot(t *testing.T) {
	now := time.Unix(1000, 0)
	h := newHub(t, Options{Clock: func() time.Time { return now }})
	s := newScene(t, 161, 97)
	s.write(h)
	s.write(h)
	want := s.write(h)
	data, at, err := h.Snapshot()
	if err != nil || !at.Equal(now) {
		t.Fatal(at, err)
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
	again, _, err := h.Snapshot()
	if err != nil || &again[0] != &data[0] {
		t.Error("encoded again", err)
	}
	s.write(h)
	next, _, err := h.Snapshot()
	if err != nil || bytes.Equal(next, data) {
		t.Error("an old picture", err)
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
