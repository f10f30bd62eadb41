package stream

import (
	"testing"
	"time"
)

// TestTicks: the ticks of a long time are exact, and those of differences add up.
func TestTicks(t *testing.T) {
	for at, want := range map[time.Duration]int64{
		0: 0, time.Second: 90000, 40 * time.Millisecond: 3600, time.Second / 30: 2999, 11111: 0, 11112: 1,
		100 * 365 * 24 * time.Hour: 100 * 365 * 24 * 3600 * 90000, 27*time.Hour + 10*time.Millisecond: 27*3600*90000 + 900,
	} {
		if got := Ticks(at); got != want {
			t.Errorf("%v: %d ticks, want %d", at, got, want)
		}
	}
}
