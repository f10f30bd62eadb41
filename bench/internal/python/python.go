// Package python runs tests that are written in Python together with those in Go.
package python

import (
	"os"
	"os/exec"
	"testing"
)

// Test runs a file of tests, named below the project's folder, from the folder of a
// package two levels below it. It is skipped without Python. reads are files beside
// the test that it depends on.
func Test(t *testing.T, file string, reads ...string) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3: apt-get install python3")
	}
	// The result of a test is kept until one of the files that it has read changes.
	for _, name := range reads {
		if _, err := os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), python, file)
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
