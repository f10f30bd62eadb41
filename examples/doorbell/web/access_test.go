package web

import (
	"net/http/httptest"
	"testing"
)

// TestOnlyEditors: who may only watch sees and rings, and changes nothing.
func TestOnlyEditors(t *testing.T) {
	for _, c := range []struct {
		method, path string
		only         bool
	}{
		{"GET", "/", false}, {"GET", "/status", false}, {"GET", "/snapshot.jpg", false}, {"GET", "/metrics", false}, {"GET", "/zones", false},
		{"POST", "/ring", false}, {"POST", "/live", false}, {"DELETE", "/live/1", false},
		{"PUT", "/zones", true}, {"PUT", "/zones/preview", true}, {"DELETE", "/zones/preview", true}, {"GET", "/zones/preview.jpg", true},
		{"PUT", "/zones/drawing", true}, {"POST", "/confirm", true}, {"GET", "/still.jpg", true}, {"POST", "/anything-new", true},
	} {
		if got := OnlyEditors(httptest.NewRequest(c.method, c.path, nil)); got != c.only {
			t.Errorf("%s %s: only for editors: %t", c.method, c.path, got)
		}
	}
}
