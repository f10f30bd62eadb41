// Package peers holds peers.py, and runs its tests.
package peers

import (
	"testing"

	"github.com/hedgecam/hedge/bench/internal/python"
)

func TestPeers(t *testing.T) {
	python.Test(t, "bench/peers/test_peers.py", "peers.py", "test_peers.py", "last.json", "last.md")
}
