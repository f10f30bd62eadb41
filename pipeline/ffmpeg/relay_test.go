package ffmpeg

import (
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// trusting are options for a camera whose certificate nobody has signed.
var trusting = Options{Timeout: 5 * time.Second, Trust: func(string, *x509.Certificate) error { return nil }}

// TestRelayLeavesNothing: of a camera that could not be opened no connection stays.
func TestRelayLeavesNothing(t *testing.T) {
	needFFmpeg(t)
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	changed := make(chan struct{}, 1)
	camera := httptest.NewUnstartedServer(http.NotFoundHandler())
	camera.Config.ConnState = func(c net.Conn, s http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		if open[c] = true; s == http.StateClosed {
			delete(open, c)
		}
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	camera.StartTLS()
	t.Cleanup(camera.Close)
	for range 5 {
		if s, err := Open(testContext(t), camera.URL+"/video", trusting); err == nil {
			_ = s.Close()
			t.Error("opened")
		}
	}
	late := time.NewTimer(10 * time.Second)
	defer late.Stop()
	for {
		mu.Lock()
		n := len(open)
		mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-changed:
		case <-late.C:
			t.Fatalf("%d connections are open", n)
		}
	}
}
