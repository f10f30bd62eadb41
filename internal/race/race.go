// Package race tells tests whether the race detector watches them.
package race

import "testing"

// SkipPixels skips a test that works through so many pixels that the race detector makes
// minutes of its seconds. `make test` runs it without.
func SkipPixels(t *testing.T) {
	t.Helper()
	if enabled {
		t.Skip("works through many pixels: runs without the race detector")
	}
}
