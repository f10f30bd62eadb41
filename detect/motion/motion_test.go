package motion

import (
	"fmt"
	"image"
	"math"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// outcome is what a scene of 11 s gave: 5 s in which inferences are taken, 3 s without
// and 3 s with a walker.
type outcome struct {
	hidden float64 // share of the picture unexplained that is not the walker
	static float64 // share of static pictures, without a walker
	seen   float64 // share of pictures of the walker with 80 % of him hidden
	first  int     // picture in which he was first hidden by half, from 1
	moved  bool    // a picture counted as another view
}

// play shows a scene to a model whose looks (one in five pictures, 200 ms late)
// find nothing, ever.
func play(t *testing.T, e effect) (o outcome) {
	s, m, v := newScene(3), New(DefaultConfig()), NewView()
	w, h := sceneW, sceneH
	mask := make([]uint8, w*h)
	for n := range 330 {
		s.start()
		if e.draw != nil {
			e.draw(s, n)
		}
		var b detect.Box
		if n >= 240 {
			b = s.walker(60+(n-240)*4, 230)
		}
		if e.after != nil {
			e.after(s, n)
		}
		pic := s.finish(e.sigma)
		m.Update(at(n), pic, image.Point{})
		o.moved = o.moved || v.Update(at(n), pic, image.Point{}, nil) >= ViewDiffers
		if n%5 == 0 {
			m.Observe(at(max(n-6, 0)), sceneBox, nil)
		}
		if n == 200 || n == 290 {
			picture(t, fmt.Sprintf("scene-%s-%d", e.name, n), m, s.pic, nil)
		}
		if n < 150 {
			continue
		}
		clear(mask)
		paint(mask, w, h, m.Unexplained(nil, nil), 1)
		if !b.Empty() {
			c := covered(mask, w, h, b)
			if c >= 0.8 {
				o.seen += 1. / 90
			}
			if c >= 0.5 && o.first == 0 {
				o.first = n - 239
			}
			// Two cells round him are his.
			paint(mask, w, h, []detect.Box{{X0: b.X0 - 15, Y0: b.Y0 - 15, X1: b.X1 + 15, Y1: b.Y1 + 15}}, 0)
		} else if m.Static() {
			o.static += 1. / 90
		}
		for _, v := range mask {
			o.hidden += float64(v) / float64(180*w*h)
		}
	}
	return o
}

// TestScenes holds what each kind of weather and light may cost: over-hiding,
// inferences and the walker.
func TestScenes(t *testing.T) {
	long(t)
	for _, e := range effects() {
		t.Run(e.name, func(t *testing.T) {
			o := play(t, e)
			t.Logf("hidden %.3f %%, static %.1f %%, walker hidden in %.1f %% of pictures, first in picture %d", 100*o.hidden, 100*o.static, 100*o.seen, o.first)
			limit := e.limit
			if limit == (outcome{}) {
				limit = outcome{hidden: 0.003, static: 0.95, seen: 0.97, first: 2}
			}
			if o.hidden > limit.hidden {
				t.Errorf("%.3f %% of the picture hidden for nothing, want at most %.3f %%", 100*o.hidden, 100*limit.hidden)
			}
			if o.static < limit.static {
				t.Errorf("static in %.1f %% of the pictures, want at least %.1f %%", 100*o.static, 100*limit.static)
			}
			if o.seen < limit.seen || o.first == 0 || o.first > limit.first {
				t.Errorf("walker hidden in %.1f %% of the pictures from picture %d on, want %.1f %% from %d", 100*o.seen, o.first, 100*limit.seen, limit.first)
			}
			if o.moved {
				t.Error("a picture counts as another view")
			}
		})
	}
}

// boxesOf paints boxes and returns the mask.
func boxesOf(boxes []detect.Box) []uint8 {
	mask := make([]uint8, sceneW*sceneH)
	paint(mask, sceneW, sceneH, boxes, 1)
	return mask
}

// run shows frames from..to of a scene that draw makes.
func run(m *Model, s *scene, from, to int, draw func(n int)) {
	for n := from; n < to; n++ {
		s.start()
		if draw != nil {
			draw(n)
		}
		m.Update(at(n), s.finish(2), image.Point{})
	}
}

// whole reports whether boxes cover the frame of the scene.
func whole(boxes []detect.Box) bool { return covered(boxesOf(boxes), sceneW, sceneH, sceneBox) == 1 }

func TestUnknownIsHidden(t *testing.T) {
	s, m := newScene(1), New(DefaultConfig())
	if !whole(m.Unexplained(nil, nil)) || m.Static() {
		t.Fatal("a model that has seen nothing shows something")
	}
	run(m, s, 0, 60, nil)
	if !whole(m.Unexplained(nil, nil)) || m.Static() {
		t.Fatal("a scene that no inference has covered is shown")
	}
	m.Observe(at(60), sceneBox, nil)
	if !whole(m.Unexplained(nil, nil)) {
		t.Fatal("an inference on a picture not yet seen was believed")
	}
	m.Observe(at(59)-2*historyFrames*at(1), sceneBox, nil)
	if !whole(m.Unexplained(nil, nil)) {
		t.Fatal("an inference on a picture forgotten was believed")
	}
	m.Observe(at(55), detect.Box{X1: sceneW / 2, Y1: sceneH}, nil)
	mask := boxesOf(m.Unexplained(nil, nil))
	left, right := covered(mask, sceneW, sceneH, detect.Box{X1: sceneW/2 - 8, Y1: sceneH}), covered(mask, sceneW, sceneH, detect.Box{X0: sceneW / 2, X1: sceneW, Y1: sceneH})
	if left != 0 || right != 1 {
		t.Fatalf("after an inference on the left half %.2f of it and %.2f of the right are hidden, want 0 and 1", left, right)
	}
	m.Observe(at(58), sceneBox, nil)
	if got := m.Unexplained(nil, nil); len(got) != 0 {
		t.Fatal("after an inference on everything there is still hidden: ", got)
	}
	run(m, s, 60, 75, nil)
	if !m.Static() {
		t.Fatal("a scene observed and without motion is not static")
	}
	for name, disturb := range map[string]func(){
		"size": func() {
			m.Update(at(80), image.NewYCbCr(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420), image.Pt(sceneW, sceneH))
		},
		"time":  func() { m.Update(at(3), s.pic, image.Point{}) },
		"empty": func() { m.Update(at(90), &image.YCbCr{}, image.Point{}) },
		"reset": func() { m.Reset() },
	} {
		run(m, s, 100, 103, nil)
		m.Observe(at(102), sceneBox, nil)
		if len(m.Unexplained(nil, nil)) != 0 {
			t.Fatal("the model does not recover")
		}
		if disturb(); !whole(m.Unexplained(nil, nil)) || m.Static() {
			t.Errorf("%s: something is shown after the model was disturbed", name)
		}
		m.Reset()
	}
}

// TestNoAllocations also has the camera search run, with a crowd in the picture.
func TestNoAllocations(t *testing.T) {
	pics, m := street(640, 360, 60), New(DefaultConfig())
	dst := make([]detect.Box, 0, 8192)
	objects := []detect.Object{{Box: detect.Box{X0: 5, Y0: 5, X1: 60, Y1: 90}, Padded: detect.Box{X1: 70, Y1: 100}}}
	n := 0
	step := func() {
		m.Update(at(n), pics[n%len(pics)], image.Pt(1920, 1080))
		m.Observe(at(n-5), detect.Box{X1: 1920, Y1: 1080}, objects)
		dst = m.Unexplained(dst[:0], objects)
		dst = m.Patches(dst[:0])
		n++
	}
	for range 100 {
		step()
	}
	if got := testing.AllocsPerRun(200, step); got != 0 {
		t.Errorf("%v allocations a picture, want 0", got)
	}
}

// FuzzModel feeds pictures of any size, at any times, and inferences on any region,
// and checks that boxes stay within the frame, apart, and not empty.
func FuzzModel(f *testing.F) {
	f.Add([]byte{1, 1, 0, 0, 9, 9, 9, 30, 200, 1, 40, 7, 3})
	f.Add([]byte{255, 3, 10, 33, 2, 255, 3, 10, 33, 90, 255, 3, 0, 33, 90})
	f.Add([]byte{60, 40, 33, 1, 1, 60, 40, 33, 2, 1, 60, 40, 33, 3, 77, 60, 40, 33, 4, 5})
	f.Fuzz(func(t *testing.T, data []byte) {
		m := New(DefaultConfig())
		now := time.Duration(0)
		for range 40 {
			if len(data) < 5 {
				return
			}
			w, h := int(data[0])*int(1+data[4]%4), int(data[1])
			now += time.Duration(int8(data[2])) * time.Millisecond
			pic := image.NewYCbCr(image.Rect(3, 1, 3+w, 1+h), image.YCbCrSubsampleRatio420)
			for i := range pic.Y {
				pic.Y[i] = uint8(i*int(data[3])) ^ data[4]
			}
			full := image.Pt(w*int(data[4]%3), h*2)
			m.Update(now, pic, full)
			b := detect.Box{X0: float32(data[3]) - 9, Y0: float32(data[4]) - 9, X1: float32(data[3]) * 4, Y1: float32(data[4]) * 3}
			if data[3] == 7 {
				b.X1 = float32(math.NaN())
			}
			m.Observe(now-time.Duration(data[4])*time.Millisecond, b, []detect.Object{{Box: b.Shift(5, 5), Padded: b}})
			if w*h > 0 {
				if full.X <= 0 {
					full = image.Pt(w, h)
				}
				frame := detect.Box{X1: float32(full.X), Y1: float32(full.Y)}
				for _, boxes := range [][]detect.Box{m.Patches(nil), m.Unexplained(nil, nil)} {
					for i, b := range boxes {
						if b.Empty() || !frame.Contains(b) {
							t.Fatalf("box %v in a frame of %v", b, full)
						}
						for _, o := range boxes[:i] {
							if b.Intersect(o).Area() > 0.01 {
								t.Fatalf("boxes %v and %v overlap", b, o)
							}
						}
					}
				}
			}
			data = data[5:]
		}
	})
}
