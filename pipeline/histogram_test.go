package pipeline

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestHistogram: percentiles are those of the sorted durations, to a hundredth.
func TestHistogram(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 10, 1000} {
		var h histogram
		var all []time.Duration
		for range n {
			d := time.Duration(rng.ExpFloat64() * float64(3*time.Millisecond))
			h.add(d)
			all = append(all, d)
		}
		slices.Sort(all)
		for _, q := range []float64{0.5, 0.95, 0.99, 1} {
			want := all[max(int(q*float64(n)+0.5), 1)-1]
			if got := h.quantile(q); got < want || got > want+want/100+1 {
				t.Errorf("%d durations: %v of them within %v, want %v", n, q, got, want)
			}
		}
		if h.n != uint64(n) || h.max != all[n-1] {
			t.Errorf("%d durations, the longest %v; want %d, %v", h.n, h.max, n, all[n-1])
		}
	}
}

func TestHistogramEnds(t *testing.T) {
	var h histogram
	if h.quantile(0.5) != 0 {
		t.Error("of nothing a percentile")
	}
	for _, d := range []time.Duration{-time.Second, 0, longest, 100 * longest} {
		h.add(d)
	}
	if h.max != longest || h.quantile(1) != longest || h.quantile(0.25) != 0 {
		t.Errorf("max %v, quantiles %v and %v", h.max, h.quantile(1), h.quantile(0.25))
	}
	for _, d := range []time.Duration{0, 1, octave - 1, octave, octave + 1, 2*octave - 1, 2 * octave, time.Microsecond, time.Second, longest} {
		if i := bucket(d); end(i) < d || i > 0 && end(i-1) >= d {
			t.Errorf("%v is in bucket %d, which ends at %v", d, i, end(i))
		}
	}
}
