// Package boards holds boards.py, and runs its tests.
package boards

import (
	"testing"

	"github.com/hedgecam/hedge/bench/internal/python"
)

func TestBoards(t *testing.T) {
	python.Test(t, "bench/boards/test_boards.py", "boards.py", "test_boards.py", "instructions.json")
}
