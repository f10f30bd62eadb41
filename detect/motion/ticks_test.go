package motion

import (
	"image"
	"testing"

	"github.com/hedgecam/hedge/detect"
)

// clock burns the time into a picture, with strokes of 3 pixels and nothing behind
// them: hours, minutes and seconds at 30 pictures a second.
func (s *scene) clock(x, y, n int) {
	const w, h, stroke = 10, 18, 3
	// The segments of a digit: top, middle, bottom, then left and right, upper
	// and lower.
	lit := [10]string{"1011111", "0000011", "1110110", "1110011", "0101011", "1111001", "1111101", "1000011", "1111111", "1111011"}
	rects := [7]image.Rectangle{
		image.Rect(0, 0, w, stroke), image.Rect(0, h/2-1, w, h/2+2), image.Rect(0, h-stroke, w, h),
		image.Rect(0, 0, stroke, h/2), image.Rect(0, h/2, stroke, h),
		image.Rect(w-stroke, 0, w, h/2), image.Rect(w-stroke, h/2, w, h),
	}
	sec := 12*3600 + 34*60 + 20 + n/30
	for i, d := range [6]int{sec / 36000, sec / 3600 % 10, sec / 600 % 6, sec / 60 % 10, sec / 10 % 6, sec % 10} {
		at := image.Pt(x+i*(w+4)+i/2*8, y)
		for k, r := range rects {
			if lit[d][k] == '1' {
				s.rect(at.X+r.Min.X, at.Y+r.Min.Y, r.Dx(), r.Dy(), 215)
			}
		}
	}
}

// learnt returns a model that has seen a clock in n pictures, one in each step of 1/30 s,
// and inferences that found nothing; unexplained is how many pictures of the last had
// something to hide.
func learnt(s *scene, n, last, step int) (m *Model, unexplained int) {
	m = New(DefaultConfig())
	for i := 0; i < n; i += step {
		run(m, s, i, i+1, func(n int) { s.clock(60, 232, n) })
		if i >= n-last && len(m.Unexplained(nil, nil)) > 0 {
			unexplained++
		}
		if late := i - max(6/step, 1)*step; i/step*step%9 < step && late > 0 {
			m.Observe(at(late), sceneBox, nil)
		}
	}
	return m, unexplained
}

// TestClock: a burned-in clock is no motion once it is known, at the change of its
// seconds, of tens of seconds and of minutes, at 30, 15, 10 and 5 pictures a second.
func TestClock(t *testing.T) {
	long(t)
	const n, last = 75 * 30, 45 * 30
	for _, step := range []int{1, 2, 3, 6} {
		if _, bad := learnt(newScene(1), n, last, step); bad > 0 {
			t.Errorf("%d pictures a second: %d of %d have unexplained motion", 30/step, bad, last/step)
		}
	}
}

// far draws a person of 7x15 pixels and returns the box.
func (s *scene) far(x, y int) detect.Box {
	s.rect(x+2, y, 3, 3, 130)
	s.rect(x, y+3, 7, 6, 190)
	s.rect(x+1, y+9, 5, 6, 30)
	return detect.Box{X0: float32(x), Y0: float32(y), X1: float32(x + 7), Y1: float32(y + 15)}
}

// TestPersonAtClock: somebody whom no detector finds is hidden before a clock as
// elsewhere, walking through it and standing in it, also if all of him is in its rows.
func TestPersonAtClock(t *testing.T) {
	long(t)
	const n = 75 * 30
	for name, c := range map[string]struct {
		place func(k int) int
		far   bool
	}{
		"walks":           {func(k int) int { return 10 + k*2 }, false},
		"stands":          {func(k int) int { return min(10+k*2, 120) }, false},
		"walks far away":  {func(k int) int { return 20 + k*3/2 }, true},
		"stands far away": {func(k int) int { return min(50+k*3/2, 134) }, true},
		"stands between":  {func(k int) int { return min(60+k*3/2, 123) }, true},
	} {
		for _, step := range []int{1, 6} {
			s := newScene(1)
			m, _ := learnt(s, n, 1, step)
			for k := 0; k < 100; k += step {
				var b detect.Box
				run(m, s, n+k, n+k+1, func(n int) {
					if c.far {
						b = s.far(c.place(k), 234)
					} else {
						b = s.walker(c.place(k), 214)
					}
					s.clock(60, 232, n)
				})
				if c := hiddenShare(m, b, nil); k > 2*step && c < 0.8 {
					t.Errorf("%s, %d pictures a second: picture %d: %.2f of him are hidden at %v", name, 30/step, k, c, b)
				}
				if k/step*step%9 >= 9-step {
					m.Observe(at(n+k-6), sceneBox, nil)
				}
			}
		}
	}
}

// TestNoClock: what changes at any time, or where somebody was found, is no clock.
func TestNoClock(t *testing.T) {
	long(t)
	s := newScene(1)
	m := New(DefaultConfig())
	for i := range 60 * 30 {
		run(m, s, i, i+1, func(n int) {
			if (n/17+n/29)%2 == 0 {
				s.rect(300, 232, 30, 18, 215)
			}
			s.clock(60, 232, n)
		})
		if i%9 == 8 {
			him := detect.Box{X0: 60, Y0: 225, X1: 170, Y1: 256}
			m.Observe(at(i-6), sceneBox, []detect.Object{{Class: detect.Person, Box: him, Padded: him}})
		}
	}
	for i, beats := range m.grid.ticks.counts {
		if beats >= tickCount {
			t.Fatalf("cell %d counts as a clock's", i)
		}
	}
}
