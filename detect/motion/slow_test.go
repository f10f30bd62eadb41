package motion

import (
	"fmt"
	"image"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// small draws a person of 12x26 pixels, of about 8 cells, and returns the box.
func (s *scene) small(x, y int) detect.Box {
	s.rect(x+3, y, 6, 6, 130)
	s.rect(x+1, y+6, 10, 10, 190)
	s.rect(x+2, y+16, 8, 10, 30)
	return detect.Box{X0: float32(x), Y0: float32(y), X1: float32(x + 12), Y1: float32(y + 26)}
}

// TestSlowPictures: where pictures come seldom, who passes is hidden in each, though
// nothing of him is where it was in the one before, and however many have passed before.
func TestSlowPictures(t *testing.T) {
	long(t)
	people := map[string]func(s *scene, x, y int) detect.Box{"walker": (*scene).walker, "small": (*scene).small}
	for _, step := range []time.Duration{2 * time.Second, time.Second, 500 * time.Millisecond, 200 * time.Millisecond} {
		for name, person := range people {
			for _, wind := range []float64{0, 1} {
				t.Run(fmt.Sprintf("%s, %v, wind %v", name, step, wind), func(t *testing.T) {
					// As many as would make a clock of where they walk.
					const many = 12
					if seen, all := passers(step, many, wind, person); seen*100 < all*97 {
						t.Errorf("hidden in %d of %d pictures", seen, all)
					}
				})
			}
		}
	}
}

// passers shows a street with so many passers, one after another, whom no detector finds,
// in pictures a step apart. It returns in how many pictures there is one, and in how
// many of these he is hidden.
func passers(step time.Duration, many int, wind float64, person func(s *scene, x, y int) detect.Box) (seen, all int) {
	const begin, gap = -16, 500
	s, m := newScene(3), New(DefaultConfig())
	x, pace := float64(begin), 120*step.Seconds()
	for n := 0; many > 0; n++ {
		now := time.Duration(n) * step
		s.start()
		s.leaves(int(now.Seconds()*30), wind)
		var b detect.Box
		if n >= 100 {
			if x += pace; x > sceneW+gap {
				x = begin
				many--
			}
			b = person(s, int(x), 230).Intersect(sceneBox)
		}
		m.Update(now, s.finish(2), image.Point{})
		m.Observe(now, sceneBox, nil)
		if b.W() < 8 {
			continue
		}
		all++
		if hiddenShare(m, b, nil) >= 0.8 {
			seen++
		}
	}
	return seen, all
}
