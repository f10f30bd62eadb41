package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSensorGone: while the accelerometer cannot be read the dashcam does not say that all is
// well.
func TestSensorGone(t *testing.T) {
	source, _ := clip(t)
	value := put(t, filepath.Join(t.TempDir(), "accel"), "0.3")
	p := startProgram(t, "file:"+source, "-accel", value)
	p.awaitHeld(time.Second)
	if err := os.Remove(value); err != nil {
		t.Fatal(err)
	}
	p.await(`msg="no blow is noticed"`, 1)
	if code, text := p.ask("GET", "/healthz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "no blow is noticed: accelerometer: ") {
		t.Errorf("health: %d %s", code, text)
	}
	put(t, value, "0.3")
	p.await(`msg="blows are noticed again"`, 1)
	if code, text := p.ask("GET", "/healthz"); code != http.StatusOK {
		t.Errorf("health: %d %s", code, text)
	}
}
