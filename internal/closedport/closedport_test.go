//go:build unix

package closedport_test

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/hedgecam/hedge/internal/closedport"
)

// TestHold: connections are refused but for while somebody listens there, and nobody who takes
// any free port gets it, though it was in use.
func TestHold(t *testing.T) {
	addr := closedport.Hold(t)
	refused := func() {
		t.Helper()
		c, err := net.Dial("tcp", addr)
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a connection: %v, %v", c, err)
		}
	}
	refused()
	for range 2 {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.Close(), l.Close()); err != nil {
			t.Error(err)
		}
		refused()
	}
	for range 2000 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(l.Addr().String(), addr) {
			t.Error("another one got the port")
		}
		t.Cleanup(func() { _ = l.Close() })
	}
}
