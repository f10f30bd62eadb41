package stream

import "time"

// ClockRate is the clock of H.264 over RTP (RFC 6184) and in the recordings, in ticks per
// second.
const ClockRate = 90_000

// Ticks returns a time in ticks of that clock, rounded down. It is exact for times of
// many years: the product is never larger than the result.
func Ticks(t time.Duration) int64 {
	return int64(t/time.Second)*ClockRate + int64(t%time.Second)*ClockRate/int64(time.Second)
}
