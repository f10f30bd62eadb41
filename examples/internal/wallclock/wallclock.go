// Package wallclock tells a clock that may be right from one that was never set: a board
// without a battery for its clock starts in 1970, until the network tells it the time.
package wallclock

import "time"

// firstDay is before the first day on which any of these programs can have run.
var firstDay = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// Plausible reports whether a clock that shows t may be right. One that does not has not
// been set.
func Plausible(t time.Time) bool { return !t.Before(firstDay) }
