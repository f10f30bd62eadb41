package onnx

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/internal/ort"
)

// TestMain fails the run if a goroutine or a native object outlives the tests.
func TestMain(m *testing.M) {
	flag.Parse()
	path, err := ort.Library()
	if err == nil {
		err = Load(path)
	} else {
		// An example cannot skip itself.
		err = flag.Set("test.skip", "^Example$")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if n := ort.Live.Load(); n != 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "%d native objects left\n", n)
		code = 1
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// open opens a session that is closed at the end of the test.
func open(t testing.TB, c Config) *Session {
	t.Helper()
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return s
}
