//go:build !linux

package speed

import "time"

var started = time.Now()

// processTime stands in for core time with wall time.
func processTime() time.Duration { return time.Since(started) }

// threadTime stands in for core time with wall time.
func threadTime(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// childrenTime is not known here.
func childrenTime() time.Duration { return 0 }
