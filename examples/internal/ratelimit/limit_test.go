package ratelimit

import (
	"fmt"
	"net"
	"net/http"
	"testing"
)

func TestKeyed(t *testing.T) {
	k := New(0.001, 3)
	for i := range 5 {
		if got, want := k.Allow("a"), i < 3; got != want {
			t.Errorf("event %d of a: %v", i, got)
		}
	}
	if !k.Allow("b") {
		t.Error("b pays for a")
	}
}

// TestKeyedIsBounded: no number of keys makes it grow, or lets a key that has
// used up its share begin anew.
func TestKeyedIsBounded(t *testing.T) {
	k := New(0.001, 2)
	for i := range 10 * maxKeys {
		k.Allow(fmt.Sprint(i))
	}
	if n := len(k.keys); n > maxKeys {
		t.Errorf("%d keys", n)
	}
	k.Allow("0")
	if k.Allow("0") {
		t.Error("the first key began anew")
	}
}

// TestKeyedMakesRoom: keys that have rested make room for others.
func TestKeyedMakesRoom(t *testing.T) {
	k := New(1e9, 1)
	for i := range maxKeys {
		k.Allow(fmt.Sprint(i))
	}
	k.Allow("one more")
	if n := len(k.keys); n != 1 {
		t.Errorf("%d keys after all the others have rested", n)
	}
}

func TestIdle(t *testing.T) {
	i := &Idle{Max: 2}
	conns := make([]net.Conn, 4)
	others := make([]net.Conn, 4)
	for n := range conns {
		conns[n], others[n] = net.Pipe()
	}
	defer func() {
		for n := range conns {
			conns[n].Close()
			others[n].Close()
		}
	}()
	i.ConnState(conns[0], http.StateNew)
	i.ConnState(conns[1], http.StateNew)
	i.ConnState(conns[0], http.StateActive)
	i.ConnState(conns[2], http.StateNew)
	if i.order.Len() != 2 {
		t.Fatalf("%d idle", i.order.Len())
	}
	// One too many: the longest idle is closed, not the active one.
	i.ConnState(conns[3], http.StateNew)
	if i.order.Len() != 2 {
		t.Errorf("%d idle", i.order.Len())
	}
	if _, err := others[1].Read(make([]byte, 1)); err == nil {
		t.Error("the longest idle connection is open")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = others[0].Read(make([]byte, 1)) // so that the write goes through
	}()
	if _, err := conns[0].Write([]byte("x")); err != nil {
		t.Errorf("the active connection: %v", err)
	}
	<-done
	for _, c := range conns {
		i.ConnState(c, http.StateClosed)
	}
	if i.order.Len() != 0 || len(i.places) != 0 {
		t.Errorf("%d idle after all closed", i.order.Len())
	}
}
