// Package peers runs the tests of peers.py together with those in Go.
package peers

import (
	"os"
	"os/exec"
	"testing"
)

func TestPeers(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3: apt-get install python3")
	}
	// The test's result is kept until one of what it has read changes.
	for _, name := range []string{"peers.py", "test_peers.py", "last.json", "last.md"} {
		if _, err := os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), python, "bench/peers/test_peers.py")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
