// Package boards holds boards.py and predict.py, and runs their tests.
package boards

import (
	"testing"

	"github.com/hedgecam/hedge/bench/internal/python"
)

func TestBoards(t *testing.T) {
	python.Test(t, "bench/boards/test_boards.py", "boards.py", "test_boards.py", "instructions.json")
}

func TestPredict(t *testing.T) {
	python.Test(t, "bench/boards/test_predict.py", "predict.py", "test_predict.py", "counted.json", "instructions.json", "published.json", "here.txt", "README.md", "../../README.md")
}
