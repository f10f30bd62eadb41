//go:build unix

// Package closedport holds ports of this machine for tests: a server can come and go
// there, and no other program of the machine gets them meanwhile.
package closedport

import (
	"fmt"
	"syscall"
	"testing"
)

// Hold returns the address of a TCP port of 127.0.0.1 on which nobody listens. Until the
// test ends the kernel gives it to nobody who takes any port that is free; who names it can
// listen there.
func Hold(t testing.TB) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(fd)
	t.Cleanup(func() {
		if err := syscall.Close(fd); err != nil {
			t.Error(err)
		}
	})
	// Bound and not listening: connections are refused. Package net sets the option for
	// who listens, too, and with it both may have the port.
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	in, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		t.Fatalf("a socket of %T", name)
	}
	return fmt.Sprintf("127.0.0.1:%d", in.Port)
}
