package redact

import (
	"image"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// noise returns a 4:2:0 picture of random samples.
func noise(w, h int, seed uint64) *image.YCbCr {
	rng := rand.New(rand.NewPCG(seed, 1))
	pic := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for _, p := range [][]byte{pic.Y, pic.Cb, pic.Cr} {
		for i := range p {
			p[i] = byte(rng.Uint32())
		}
	}
	return pic
}

func clone(p *image.YCbCr) *image.YCbCr {
	q := *p
	q.Y, q.Cb, q.Cr = append([]byte(nil), p.Y...), append([]byte(nil), p.Cb...), append([]byte(nil), p.Cr...)
	return &q
}

func TestNilPolicyHidesEverything(t *testing.T) {
	r, err := New(nil, image.Pt(200, 120), Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.Redact(noise(200, 120, 1), Scene{Time: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if !f.Hidden() || f.Cover().Hidden() != 1 || f.Cover().At(3, 3) != Frost || f.Time() != time.Second {
		t.Fatalf("hidden %v share %v", f.Hidden(), f.Cover().Hidden())
	}
	other, err := r.Redact(noise(200, 120, 2), Scene{Time: time.Second + time.Millisecond, Objects: []detect.Object{}})
	if err != nil {
		t.Fatal(err)
	}
	if string(other.Picture().Y) != string(f.Picture().Y) {
		t.Fatal("held frost values differ")
	}
}
