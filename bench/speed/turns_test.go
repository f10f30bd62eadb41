package speed

import (
	"math"
	"runtime"
	"slices"
	"testing"
	"time"
)

// inTurn runs functions in turn for as long as the benchmark goes on, and at least
// three times, and returns the core times of each in milliseconds. A first turn
// only warms up. The garbage (B/op) and allocations are those of the last one.
func inTurn(b *testing.B, fns ...func() error) [][]float64 {
	b.Helper()
	took := make([][]float64, len(fns))
	turn := func(keep bool) {
		for i, f := range fns {
			start := processTime()
			if err := f(); err != nil {
				b.Fatal(err)
			}
			if spent := processTime() - start; keep {
				took[i] = append(took[i], ms(spent))
			}
		}
	}
	turn(false)
	for b.Loop() {
		turn(true)
	}
	for len(took[0]) < 3 {
		turn(true)
	}
	last := fns[len(fns)-1]
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		if err := last(); err != nil {
			b.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	b.ReportAllocs()
	b.ReportMetric(0, "ns/op") // leaves the unit out
	tell(b, float64(after.Mallocs-before.Mallocs)/10, "allocs/op")
	tell(b, float64(after.TotalAlloc-before.TotalAlloc)/10, "B/op")
	return took
}

// against measures run in turn with base.
func against(b *testing.B, base, run func() error) {
	b.Helper()
	took := inTurn(b, base, run)
	tell(b, median(took[1]), coreMS)
	tell(b, ratio(took[1], took[0]), times)
}

// does makes a function of one that cannot fail.
func does(f func()) func() error { return func() error { f(); return nil } }

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

// ratio returns the median of a[i]/b[i]: a load that comes and goes cancels out.
func ratio(a, b []float64) float64 {
	var rs []float64
	for i := range min(len(a), len(b)) {
		rs = append(rs, a[i]/b[i])
	}
	return median(rs)
}

// bySize runs a benchmark for each size; a short run leaves out the large ones.
func bySize(b *testing.B, run func(b *testing.B, size string)) {
	names := sizeNames
	if testing.Short() {
		names = names[:3]
	}
	for _, name := range names {
		b.Run("size="+name, func(b *testing.B) { run(b, name) })
	}
}
