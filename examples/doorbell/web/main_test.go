package web

import (
	"context"
	"errors"
	"image"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/redact"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newHub returns a hub into which hidden frames of 64x48 go, one every 10 ms,
// until the test ends.
func newHub(t testing.TB) *stream.Hub {
	t.Helper()
	hub, err := stream.New(stream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	size := image.Pt(64, 48)
	red, err := redact.New(nil, size, redact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for at := time.Duration(0); ; at += 10 * time.Millisecond {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			f, err := red.Redact(image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420), redact.Scene{Time: at})
			if err != nil {
				t.Errorf("redact: %v", err)
				return
			}
			if err := hub.Write(ctx, f); err != nil && ctx.Err() == nil {
				t.Errorf("hub: %v", err)
			}
			f.Release()
		}
	})
	t.Cleanup(func() {
		cancel()
		group.Wait()
		if err := hub.Close(); err != nil {
			t.Errorf("close the hub: %v", err)
		}
	})
	return hub
}

func newLive(t testing.TB, hub *stream.Hub, viewers int) *Live {
	t.Helper()
	l, err := NewLive(LiveOptions{Hub: hub, Trial: hub, Addr: netip.MustParseAddrPort("127.0.0.1:0"), Viewers: viewers})
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

// site is a server under test, over real connections.
type site struct {
	zones *zonesScene
	hub   *stream.Hub
	rings int
	addr  string
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{zones: newZones(t, time.Hour), hub: newHub(t)}
	server := NewServer(Options{
		Access: newAccess(t, AccessOptions{}), Zones: s.zones.Zones, Live: newLive(t, s.hub, 2),
		Still:    func(context.Context) ([]byte, error) { return []byte("still"), nil },
		Snapshot: s.hub.Snapshot,
		Trial:    func() ([]byte, time.Time, error) { return []byte("trial"), time.Time{}, nil },
		Status:   func() any { return map[string]int{"rings": s.rings} },
		Confirm:  func() error { s.zones.confirmed.Add(1); return nil },
		Ring:     func() { s.rings++ },
		Healthy:  func() error { return nil },
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
