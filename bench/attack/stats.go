package main

import "math"

// interval returns the Clopper-Pearson interval of 95 % for k successes in n
// independent trials (Clopper, Pearson, Biometrika 26, 1934). It is 0..1 if n
// is 0.
func interval(k, n int) (low, high float64) {
	const alpha = 0.05
	if n <= 0 {
		return 0, 1
	}
	low, high = 0, 1
	if k > 0 {
		// P(X >= k) rises with p.
		low = root(func(p float64) float64 { return 1 - binomialCDF(k-1, n, p) - alpha/2 })
	}
	if k < n {
		high = root(func(p float64) float64 { return alpha/2 - binomialCDF(k, n, p) })
	}
	return low, high
}

// root returns where the rising function f crosses 0 in 0..1.
func root(f func(float64) float64) float64 {
	a, b := 0.0, 1.0
	for range 60 {
		if m := (a + b) / 2; f(m) < 0 {
			a = m
		} else {
			b = m
		}
	}
	return (a + b) / 2
}

// binomialCDF returns P(X <= k) of n trials with probability p.
func binomialCDF(k, n int, p float64) float64 {
	if p <= 0 {
		return 1
	}
	if p >= 1 {
		if k >= n {
			return 1
		}
		return 0
	}
	all, _ := math.Lgamma(float64(n + 1))
	sum := 0.0
	for i := 0; i <= k; i++ {
		a, _ := math.Lgamma(float64(i + 1))
		b, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(all - a - b + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return min(sum, 1)
}

// correlation returns the normalised correlation of two pictures of one size,
// -1..1; it is 0 if one of them is flat.
func correlation(a, b []float64) float64 {
	ma, mb := mean(a), mean(b)
	var ab, aa, bb float64
	for i := range a {
		x, y := a[i]-ma, b[i]-mb
		ab += x * y
		aa += x * x
		bb += y * y
	}
	if aa < 1e-9 || bb < 1e-9 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// psnr returns the peak signal-to-noise ratio in dB for samples of 0..255,
// at most 99.
func psnr(a, b []float64) float64 {
	var s float64
	for i := range a {
		d := a[i] - b[i]
		s += d * d
	}
	if s == 0 {
		return 99
	}
	return min(10*math.Log10(255*255*float64(len(a))/s), 99)
}

func mean(a []float64) float64 {
	if len(a) == 0 {
		return 0
	}
	var s float64
	for _, v := range a {
		s += v
	}
	return s / float64(len(a))
}
