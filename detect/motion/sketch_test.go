package motion

import (
	"image"
	"testing"
)

// TestSketch: what is kept of a view tells the same place by day, at night and in
// infrared from another one, a turned and a shifted one, from the first picture on.
func TestSketch(t *testing.T) {
	long(t)
	for _, c := range viewClips {
		pics := reel(t, c.path, c.w, c.h, c.n)
		v := NewView()
		for i, p := range pics[:len(pics)/2] {
			v.Update(tenth(i), p, image.Point{}, nil)
		}
		kept := v.Sketch()
		if n := len(kept); n == 0 || n > 4096 {
			t.Fatalf("%s: the sketch has %d bytes", c.name, n)
		}
		if v.Learnt() {
			t.Error("learnt since the sketch, without a picture")
		}
		out := image.NewYCbCr(pics[0].Rect, pics[0].SubsampleRatio)
		again := func(k change) (shown, moved int) {
			w := NewView()
			if err := w.Expect(kept); err != nil {
				t.Fatal(err)
			}
			for i, p := range pics[len(pics)/2:] {
				k.draw(out, p, i)
				switch w.Update(tenth(i), out, image.Point{}, nil) {
				case ViewUnknown, ViewFits:
					shown++
				case ViewMoved:
					moved++
				}
			}
			return shown, moved
		}
		rest := len(pics) - len(pics)/2
		for _, k := range ordinary(c.w, c.h) {
			switch shown, _ := again(k); {
			case k.name == "lights off and on":
				if shown == 0 { // begins in the dark
					t.Errorf("%s, %s: never shown", c.name, k.name)
				}
			case shown < rest:
				t.Errorf("%s, %s: %d of %d pictures shown", c.name, k.name, shown, rest)
			}
		}
		for _, k := range moves(c.w, c.h) {
			if shown, moved := again(k); shown > 0 || moved == 0 && rest > 40 {
				t.Errorf("%s, %s: %d of %d pictures shown, %d as moved", c.name, k.name, shown, rest, moved)
			}
		}
	}
}

// TestSketchKeepsOrigin: views seen again and again do not creep.
func TestSketchKeepsOrigin(t *testing.T) {
	long(t)
	c := viewClips[0]
	pics := reel(t, c.path, c.w, c.h, 30)
	out := image.NewYCbCr(pics[0].Rect, pics[0].SubsampleRatio)
	var kept []byte
	hidden := false
	for run := range 8 {
		v := NewView()
		if run > 0 {
			if err := v.Expect(kept); err != nil {
				t.Fatal(err)
			}
		}
		for i, p := range pics {
			warp(out, p, 1, 0, float64(run)*0.005*float64(c.w), 0, false, false)
			v.Update(tenth(i), out, image.Point{}, nil)
		}
		hidden = hidden || v.State() >= ViewDiffers
		if s := v.Sketch(); s != nil {
			kept = s
		}
	}
	if !hidden {
		t.Error("a camera that turned by 4 % in 8 runs was never noticed")
	}
}

// TestExpectRefuses what is no sketch; everything differs then until Reset.
func TestExpectRefuses(t *testing.T) {
	s := newScene(5)
	s.start()
	pic := s.finish(2)
	for _, data := range [][]byte{nil, {1}, {2, 0, 128, 0, 72, 1}, {1, 0, 128, 0, 72, 1, 2, 3}, {1, 0, 0, 0, 0}} {
		v := NewView()
		if err := v.Expect(data); err == nil {
			t.Errorf("%v accepted", data)
		}
		for n := range 5 {
			if got := v.Update(at(n), pic, image.Point{}, nil); got < ViewDiffers {
				t.Errorf("%v: %v", data, got)
			}
		}
		v.Reset()
		if got := v.Update(at(9), pic, image.Point{}, nil); got >= ViewDiffers {
			t.Errorf("%v: %v after Reset", data, got)
		}
	}
}
