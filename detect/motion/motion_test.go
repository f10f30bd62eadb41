package motion

import (
	"fmt"
	"image"
	"testing"

	"github.com/hedgecam/hedge/detect"
)

// outcome is what a scene of 12 s gave, its first 5 s (in which looks judge) not
// counted but for the walker, who comes after 6 s.
type outcome struct {
	hidden float64 // share of the picture unexplained that is not the walker
	still  float64 // share of pictures still, without a walker
	seen   float64 // share of pictures of the walker with 80 % of him hidden
	first  int     // pictures until he was first seen by half
	moved  bool
}

// play shows a scene to a model whose looks (one in five pictures, 200 ms late)
// find nothing, ever.
func play(t *testing.T, e effect, walker bool) (o outcome) {
	s, m := newScene(3), New(Config{})
	w, h := sceneW, sceneH
	mask := make([]uint8, w*h)
	count, people := 0, 0
	for n := range 360 {
		s.start()
		if e.draw != nil {
			e.draw(s, n)
		}
		var b detect.Box
		if walker && n >= 180 {
			b = s.walker(60+(n-180)*3, 230)
		}
		if e.after != nil {
			e.after(s, n)
		}
		m.Update(at(n), s.finish(e.sigma), image.Point{})
		if n%5 == 0 {
			m.Judge(at(max(n-6, 0)), sceneBox, nil)
		}
		if n == 150 || n == 270 {
			picture(t, fmt.Sprintf("scene-%s-%v-%d", e.name, walker, n), m, s.pic, nil)
		}
		if n < 150 {
			continue
		}
		clear(mask)
		paint(mask, w, h, m.Unexplained(nil, nil), 1)
		if !b.Empty() {
			people++
			c := covered(mask, w, h, b)
			if c >= 0.8 {
				o.seen++
			}
			if c >= 0.5 && o.first == 0 {
				o.first = people
			}
			// Two cells round him are his.
			paint(mask, w, h, []detect.Box{{X0: b.X0 - 15, Y0: b.Y0 - 15, X1: b.X1 + 15, Y1: b.Y1 + 15}}, 0)
		}
		count++
		for _, v := range mask {
			o.hidden += float64(v)
		}
		if m.Still() {
			o.still++
		}
	}
	o.hidden /= float64(count * w * h)
	o.still /= float64(count)
	o.seen /= float64(max(people, 1))
	o.moved = m.Moved()
	return o
}

func TestScenes(t *testing.T) {
	for _, e := range effects() {
		t.Run(e.name, func(t *testing.T) {
			bare, with := play(t, e, false), play(t, e, true)
			t.Logf("%-20s hidden %.3f %% still %.1f %% | walker: seen %.1f %% first %d hidden %.3f %% moved %v %v", e.name, 100*bare.hidden, 100*bare.still, 100*with.seen, with.first, 100*with.hidden, bare.moved, with.moved)
		})
	}
}
