package detect

import (
	"math/rand/v2"
	"testing"
	"testing/quick"
)

func TestBoxTable(t *testing.T) {
	a := Box{0, 0, 10, 20}
	if a.W() != 10 || a.H() != 20 || a.Short() != 10 || a.Area() != 200 {
		t.Errorf("%v: %v x %v, short %v, area %v", a, a.W(), a.H(), a.Short(), a.Area())
	}
	if x, y := a.Center(); x != 5 || y != 10 {
		t.Errorf("centre %v,%v", x, y)
	}
	if got := a.Grow(0.1, 0.5); got != (Box{-1, -10, 11, 30}) {
		t.Errorf("grown %v", got)
	}
	if got := a.Shift(1, -2).Scale(2, 3); got != (Box{2, -6, 22, 54}) {
		t.Errorf("shifted and scaled %v", got)
	}
	for _, c := range []struct {
		a, b Box
		iou  float32
	}{
		{a, a, 1}, {a, Box{5, 0, 15, 20}, 1.0 / 3}, {a, Box{10, 0, 20, 20}, 0},
		{a, Box{}, 0}, {a, Box{nan, 0, 10, 20}, 0}, {a, Box{2, 2, 4, 4}, 0.02},
	} {
		if got := c.a.IoU(c.b); got != c.iou {
			t.Errorf("IoU of %v and %v: %v, want %v", c.a, c.b, got, c.iou)
		}
	}
	for _, b := range []Box{{}, {5, 5, 5, 9}, {5, 5, 4, 9}, {nan, 0, 1, 1}, {0, 0, nan, 1}, {0, nan, 1, 1}, {0, 0, 1, nan}} {
		if !b.Empty() || b.Area() != 0 {
			t.Errorf("%v is not empty", b)
		}
	}
	for _, b := range []Box{{nan, 0, 0, 0}, {0, inf, 0, 0}, {0, 0, -inf, 0}, {inf, 0, -inf, 0}} {
		if b.Finite() {
			t.Errorf("%v is finite", b)
		}
	}
}

func TestBoxProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	random := func() Box {
		x, y := rng.Float32()*100, rng.Float32()*100
		return Box{x, y, x + rng.Float32()*100, y + rng.Float32()*100}
	}
	if err := quick.Check(func() bool {
		a, b := random(), random()
		i, u := a.Intersect(b), a.Union(b)
		iou := a.IoU(b)
		return iou == b.IoU(a) && iou >= 0 && iou <= 1.000001 &&
			u.Contains(a) && u.Contains(b) &&
			(i.Empty() || a.Contains(i) && b.Contains(i)) &&
			a.Union(Box{}) == a && (Box{}).Union(a) == a &&
			a.Finite() && !a.Empty()
	}, &quick.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
}
