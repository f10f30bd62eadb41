package main

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	values := []float64{4, 1, 3, 2, 5}
	for _, c := range []struct{ q, want float64 }{{0, 1}, {0.5, 3}, {1, 5}, {0.25, 2}, {0.9, 4.6}} {
		if got := quantile(values, c.q); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("quantile %v = %v, want %v", c.q, got, c.want)
		}
	}
	if !slices.Equal(values, []float64{4, 1, 3, 2, 5}) {
		t.Error("the values were changed")
	}
	if got := median([]float64{1, 2}); got != 1.5 {
		t.Errorf("median of two = %v", got)
	}
	if !math.IsNaN(median(nil)) {
		t.Error("median of nothing is a number")
	}
}

// The ratio is that of each turn: a load that comes and goes cancels out.
func TestRatio(t *testing.T) {
	if got := ratio([]float64{2, 200, 6}, []float64{1, 100, 3}); got != 2 {
		t.Errorf("ratio = %v, want 2", got)
	}
}

func TestGrowth(t *testing.T) {
	x := []float64{1, 2, 5, 10, 100}
	for _, k := range []float64{0, 0.5, 1, 2} {
		var y []float64
		for _, v := range x {
			y = append(y, 3*math.Pow(v, k))
		}
		if got := growth(x, y); math.Abs(got-k) > 1e-9 {
			t.Errorf("growth = %v, want %v", got, k)
		}
	}
	if !math.IsNaN(growth([]float64{2, 2}, []float64{1, 3})) {
		t.Error("growth over a single input is a number")
	}
}

func TestSides(t *testing.T) {
	var order []int
	took, err := sides(0,
		func() error { order = append(order, 0); spin(2 * time.Millisecond); return nil },
		func() error { order = append(order, 1); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{0, 1, 0, 1, 0, 1, 0, 1}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	for i := range took {
		if len(took[i]) != 3 {
			t.Errorf("function %d: %d times, want 3, without the first turn", i, len(took[i]))
		}
	}
	if a, b := median(took[0]), median(took[1]); a <= 0 || b > a {
		t.Errorf("took %v and %v ms, want some and next to nothing", a, b)
	}
	wrong := errors.New("wrong")
	if _, err := sides(0, func() error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("error %v, want that of the function", err)
	}
}

// spun keeps the compiler from leaving spin's loop out.
var spun int

// spin uses core time.
func spin(d time.Duration) {
	sum := 0
	for start := processTime(); processTime()-start < d; {
		sum++
	}
	spun = sum
}

func TestThreadTime(t *testing.T) {
	// Other threads of the process may do a part of what spin waits for.
	before := processTime()
	got := threadTime(func() { spin(2 * time.Millisecond) })
	if all := processTime() - before; got <= 0 || got > all || all < 2*time.Millisecond {
		t.Errorf("the thread took %v of %v", got, all)
	}
}
