package main

import (
	"math"
	"slices"
	"time"
)

// sides runs the functions in turn until the budget is used, at least a few
// times each, and returns the core time of each run in milliseconds, by
// function. The first turn only warms up.
func sides(budget time.Duration, fns ...func() error) ([][]float64, error) {
	const least = 3
	took := make([][]float64, len(fns))
	var used time.Duration
	for turn := 0; turn <= least || used < budget; turn++ {
		for i, f := range fns {
			start := processTime()
			if err := f(); err != nil {
				return nil, err
			}
			spent := processTime() - start
			used += spent
			if turn > 0 {
				took[i] = append(took[i], ms(spent))
			}
		}
	}
	return took, nil
}

// does makes a function that cannot fail into one for sides.
func does(f func()) func() error {
	return func() error { f(); return nil }
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// quantile returns the value below which the share q (0..1) of the values lies,
// interpolated between the nearest two. It is NaN for no values. The values are
// not changed.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// ratio returns the median of a[i]/b[i].
func ratio(a, b []float64) float64 {
	var rs []float64
	for i := range min(len(a), len(b)) {
		rs = append(rs, a[i]/b[i])
	}
	return median(rs)
}

// growth returns the exponent k of the power law y = c*x^k that fits the points
// best (least squares of the logarithms): 1 is linear, 0 constant. It is NaN for
// fewer than two different x.
func growth(x, y []float64) float64 {
	var n, sx, sy, sxx, sxy float64
	for i := range min(len(x), len(y)) {
		lx, ly := math.Log(x[i]), math.Log(y[i])
		n++
		sx += lx
		sy += ly
		sxx += lx * lx
		sxy += lx * ly
	}
	d := n*sxx - sx*sx
	if d == 0 {
		return math.NaN()
	}
	return (n*sxy - sx*sy) / d
}
