package main

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// interval returns the Clopper-Pearson interval of 95 % for k successes in n
// independent trials (Clopper, Pearson, Biometrika 26, 1934). It is 0..1 if n
// is 0.
func interval(k, n int) (low, high float64) {
	const alpha = 0.05
	high = 1
	if k > 0 {
		low = distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(alpha / 2)
	}
	if k < n {
		high = distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(1 - alpha/2)
	}
	return low, high
}

// correlation returns the normalised correlation of two pictures of one size,
// -1..1; it is 0 if one of them is flat.
func correlation(a, b []float64) float64 {
	const flat = 1e-9 // what rounding leaves of a variance
	if stat.Variance(a, nil) < flat || stat.Variance(b, nil) < flat {
		return 0
	}
	return stat.Correlation(a, b, nil)
}

// psnr returns the peak signal-to-noise ratio in dB for samples of 0..255,
// at most 99.
func psnr(a, b []float64) float64 {
	d := floats.Distance(a, b, 2)
	return min(20*math.Log10(255*math.Sqrt(float64(len(a)))/d), 99)
}
