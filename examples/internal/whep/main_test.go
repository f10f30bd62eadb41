package whep

import (
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/examples/internal/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newServer(t testing.TB, broadcaster *stream.Broadcaster, viewers int) *Server {
	t.Helper()
	s, err := New(Options{Broadcaster: broadcaster, Preview: broadcaster, Addr: netip.MustParseAddrPort("127.0.0.1:0"), Viewers: viewers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the server: %v", err)
		}
	})
	return s
}

func wait(t *testing.T, is func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatal("never")
		}
	}
}
