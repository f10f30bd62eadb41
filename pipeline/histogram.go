package pipeline

import (
	"math/bits"
	"time"
)

const (
	// octave is the number of buckets for each doubling of a duration: a percentile
	// is right to a hundredth.
	octave = 128
	// longest is the longest duration that is told apart.
	longest = time.Minute
)

// histogram counts durations in buckets whose width grows with the duration (Gil
// Tene's HdrHistogram has the idea). It does not allocate.
type histogram struct {
	buckets [30 * octave]uint64
	n       uint64
	total   time.Duration
	max     time.Duration
}

// add counts a duration. One of more than longest counts as that.
func (h *histogram) add(d time.Duration) {
	h.n++
	h.total += d
	d = min(max(d, 0), longest)
	h.max = max(h.max, d)
	h.buckets[bucket(d)]++
}

// bucket returns the bucket of a duration of 0..longest.
func bucket(d time.Duration) int {
	shift := max(bits.Len64(uint64(d))-bits.Len(octave), 0)
	return shift*octave + int(d>>shift)
}

// end returns the longest duration in a bucket.
func end(i int) time.Duration {
	shift := max(i/octave-1, 0)
	return time.Duration(i-shift*octave+1)<<shift - 1
}

// quantile returns the duration that the share q of all, 0..1, does not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	seen, want := uint64(0), max(uint64(q*float64(h.n)+0.5), 1)
	for i, n := range h.buckets {
		if seen += n; n > 0 && seen >= want {
			return min(end(i), h.max)
		}
	}
	return 0
}
