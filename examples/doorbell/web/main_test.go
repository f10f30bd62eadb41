package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/examples/internal/streamtest"
	"github.com/hedgecam/hedge/examples/internal/webaccess"
	"github.com/hedgecam/hedge/examples/internal/whep"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newLive(t testing.TB, broadcaster *stream.Broadcaster, viewers int) *whep.Server {
	t.Helper()
	l, err := whep.New(whep.Options{Broadcaster: broadcaster, Preview: broadcaster, Addr: netip.MustParseAddrPort("127.0.0.1:0"), Viewers: viewers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close the live picture: %v", err)
		}
	})
	return l
}

const testToken = "correct-horse-battery"

func newAccess(t testing.TB) *webaccess.Access {
	t.Helper()
	a, err := webaccess.New(webaccess.Options{Token: testToken, OnlyEditors: OnlyEditors})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// site is a server under test, over real connections.
type site struct {
	zones       *zonesScene
	broadcaster *stream.Broadcaster
	rings       int
	addr        string
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{zones: newZones(t, time.Hour), broadcaster: streamtest.Broadcaster(t)}
	server := NewServer(Options{
		Access: newAccess(t), Zones: s.zones.Zones, Live: newLive(t, s.broadcaster, 2),
		Still:          func(context.Context) ([]byte, error) { return []byte("still"), nil },
		Snapshot:       s.broadcaster.Snapshot,
		PreviewPicture: func(context.Context) ([]byte, time.Time, error) { return []byte("preview"), time.Time{}, nil },
		Status:         func() any { return map[string]int{"rings": s.rings} },
		Confirm:        func() error { s.zones.confirmed.Add(1); return nil },
		Ring:           func() { s.rings++ },
		Healthy:        func() error { return nil },
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close the server: %v", err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return s
}
