package motion

import (
	"image"
	"testing"
)

// shifted shows frames of the scene displaced by (dx, dy) pixels.
func shifted(m *Model, s *scene, from, to, dx, dy int, light float32) {
	for n := from; n < to; n++ {
		s.start()
		for y := range sceneH {
			for x := range sceneW {
				sx, sy := min(max(x+dx, 0), sceneW-1), min(max(y+dy, 0), sceneH-1)
				s.light[y*sceneW+x] = s.base[sy*sceneW+sx] * light
			}
		}
		m.Update(at(n), s.finish(2), image.Point{})
	}
}

func TestCameraMoved(t *testing.T) {
	if testing.Short() {
		t.Skip("long: runs without -short, and so without the race detector")
	}
	for _, c := range []struct {
		name   string
		dx, dy int
		light  float32
		want   bool
	}{
		{"stays", 0, 0, 1, false},
		{"lights down", 0, 0, 0.4, false},
		{"lights up", 0, 0, 1.25, false},
		{"dark", 0, 0, 0.0, false},
		{"knocked by 8", 8, 0, 1, true},
		{"knocked by 12 and darker", -9, 8, 0.6, true},
		{"turned away", 150, 40, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, m := newScene(1), New(Config{})
			shifted(m, s, 0, 90, 0, 0, 1)
			if m.Moved() {
				t.Fatal("moved from the start")
			}
			shifted(m, s, 90, 110, c.dx, c.dy, c.light)
			if m.Moved() {
				t.Error("moved before it could be sure")
			}
			shifted(m, s, 110, 90+8*30, c.dx, c.dy, c.light)
			if m.Moved() != c.want {
				t.Errorf("after 8 s moved is %v, want %v", m.Moved(), c.want)
			}
			if c.want {
				m.Reset()
				if shifted(m, s, 400, 520, c.dx, c.dy, c.light); m.Moved() {
					t.Error("moved after a reset")
				}
			}
		})
	}
}

// TestCameraCrowd: much that moves, or a bus for a second, is no moved camera.
func TestCameraCrowd(t *testing.T) {
	if testing.Short() {
		t.Skip("long: runs without -short, and so without the race detector")
	}
	s, m := newScene(1), New(Config{})
	run(m, s, 0, 300, func(n int) {
		for j := range 40 {
			s.walker((j*53+n*3)%sceneW, 150+j*37%150)
		}
		if n > 100 && n < 160 {
			s.rect((n-100)*20-500, 60, 500, 260, 150)
		}
	})
	if m.Moved() {
		t.Error("a crowd and a bus moved the camera")
	}
}
