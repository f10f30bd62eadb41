package network

import (
	"image"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect"
)

// customary is the input of most networks here.
var customary = Input{Layout: "NCHW", Channels: "BGR", High: 255, Pad: 114, Multiple: 32}

// inputTensor is an input tensor of that size and form.
func inputTensor(size image.Point, c Input) Tensor {
	w, h := int64(size.X), int64(size.Y)
	t := Tensor{Name: "images", Shape: []int64{1, 3, h, w}, Data: make([]float32, 3*w*h)}
	if c.Layout == "NHWC" {
		t.Shape = []int64{1, h, w, 3}
	}
	return t
}

func inputOf(t *testing.T, size image.Point, c Input, full bool) *input {
	t.Helper()
	in, err := newInput(inputTensor(size, c), c, full)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// A box of the input goes to the picture and back to within a pixel, whatever
// the picture's size and origin.
func TestLetterboxRoundTrip(t *testing.T) {
	in := inputOf(t, image.Pt(640, 384), customary, false)
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		full := image.Pt(16+rng.IntN(2500), 16+rng.IntN(1500))
		org := image.Pt(rng.IntN(50), rng.IntN(50))
		size := fit(in.size, full)
		if size.X > 640 || size.Y > 384 || size.X%2 != 0 || size.Y%2 != 0 {
			t.Fatalf("%v fits as %v", full, size)
		}
		if size.X != 640 && size.Y != 384 {
			t.Fatalf("%v fits as %v, which fills neither side", full, size)
		}
		m := in.mapping(full, size, org)
		whole := m.box(detect.Box{X1: float32(size.X), Y1: float32(size.Y)})
		want := detect.Box{X0: float32(org.X), Y0: float32(org.Y), X1: float32(org.X + full.X), Y1: float32(org.Y + full.Y)}
		if m.bounds != want || abs(whole.X1-want.X1) > 0.001 || abs(whole.Y1-want.Y1) > 0.001 || whole.X0 != want.X0 || whole.Y0 != want.Y0 {
			t.Fatalf("%v: the whole input is %v of the picture, want %v", full, whole, want)
		}
		// A point of the picture, to the input by its scale (the aspect that is
		// kept) and back.
		s := min(640/float64(full.X), 384/float64(full.Y))
		x, y := rng.Float64()*float64(full.X), rng.Float64()*float64(full.Y)
		b := m.box(detect.Box{X0: float32(x * s), Y0: float32(y * s)})
		px := float32(max(1, 1/s)) // one pixel of the picture or of the input
		if abs(b.X0-float32(org.X)-float32(x)) > px || abs(b.Y0-float32(org.Y)-float32(y)) > px {
			t.Fatalf("%v: (%.1f,%.1f) came back as (%.1f,%.1f)", full, x, y, b.X0-float32(org.X), b.Y0-float32(org.Y))
		}
	}
}

func TestBars(t *testing.T) {
	in := inputOf(t, image.Pt(64, 64), customary, true)
	// Each picture must not leave pixels of the one before in its bars.
	for _, size := range []image.Point{{64, 64}, {64, 32}, {20, 64}, {64, 32}} {
		pic := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		for i := range pic.Y {
			pic.Y[i] = 200
		}
		for i := range pic.Cb {
			pic.Cb[i], pic.Cr[i] = 128, 128
		}
		if _, err := in.prepare(pic); err != nil {
			t.Fatal(err)
		}
		for i, v := range in.data {
			want := customary.Pad
			if x, y := i%64, i/64%64; x < size.X && y < size.Y {
				want = 200
			}
			if v != want {
				t.Fatalf("%v: value %d is %v, want %v", size, i, v, want)
			}
		}
	}
}

// TestForms: every layout, order of colours and range says the same of a picture,
// worked out from the customary one.
func TestForms(t *testing.T) {
	size := image.Pt(64, 32)
	pic := image.NewYCbCr(image.Rect(0, 0, 64, 20), image.YCbCrSubsampleRatio420)
	rng := rand.New(rand.NewPCG(3, 3))
	for _, plane := range [][]byte{pic.Y, pic.Cb, pic.Cr} {
		for i := range plane {
			plane[i] = byte(rng.Uint32())
		}
	}
	plain := inputOf(t, size, customary, true)
	if _, err := plain.prepare(pic); err != nil {
		t.Fatal(err)
	}
	n := size.X * size.Y
	for _, layout := range []string{"NCHW", "NHWC"} {
		for _, channels := range []string{"BGR", "RGB"} {
			for _, r := range [][3]float32{{0, 255, 114}, {0, 1, 0.5}, {-1, 1, 0}, {-127, 128, -127}} {
				c := Input{Layout: layout, Channels: channels, Low: r[0], High: r[1], Pad: r[2], Multiple: 32}
				in := inputOf(t, size, c, true)
				for range 2 { // the second picture goes the way of all others
					if _, err := in.prepare(pic); err != nil {
						t.Fatal(err)
					}
				}
				for i := range n {
					for colour := range 3 {
						at := colour
						if channels == "RGB" {
							at = 2 - colour
						}
						got := in.data[at*n+i]
						if layout == "NHWC" {
							got = in.data[3*i+at]
						}
						want := r[0] + plain.data[colour*n+i]*(r[1]-r[0])/255
						if i/size.X >= 20 {
							want = r[2]
						}
						if abs(got-want) > 1e-4*(r[1]-r[0]) {
							t.Fatalf("%+v: colour %d of pixel %d is %v, want %v", c, colour, i, got, want)
						}
					}
				}
			}
		}
	}
}

func TestInputRefuses(t *testing.T) {
	for says, change := range map[string]func(*Tensor, *Input){
		"layout":            func(_ *Tensor, c *Input) { c.Layout = "CHW" },
		"channels":          func(_ *Tensor, c *Input) { c.Channels = "YUV" },
		"goes from":         func(_ *Tensor, c *Input) { c.High = c.Low },
		"multiple of 64":    func(_ *Tensor, c *Input) { c.Multiple = 64 },
		"multiple of 0":     func(_ *Tensor, c *Input) { c.Multiple = 0 },
		"of one picture":    func(x *Tensor, _ *Input) { x.Shape[0] = 2 },
		"three colours":     func(x *Tensor, _ *Input) { x.Shape[1] = 1 },
		"and 3 values":      func(x *Tensor, _ *Input) { x.Data = x.Data[:3] },
		"that of one pictu": func(x *Tensor, _ *Input) { x.Shape = x.Shape[1:] },
	} {
		x, c := inputTensor(image.Pt(96, 32), customary), customary
		change(&x, &c)
		if _, err := newInput(x, c, false); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
}
