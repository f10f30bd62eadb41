package ratelimit

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// Idle bounds the connections of a server on which nothing happens: beyond Max,
// the one that has idled longest is closed, so that a newcomer is always
// served. Its ConnState is that of an http.Server.
type Idle struct {
	// Max is the most connections that may idle.
	Max int

	mu     sync.Mutex
	order  list.List // of net.Conn, the longest idle first
	places map[net.Conn]*list.Element
}

// ConnState follows a connection from state to state.
func (i *Idle) ConnState(c net.Conn, s http.ConnState) {
	if oldest := i.follow(c, s); oldest != nil {
		_ = oldest.Close() // what it was waiting for never came
	}
}

// follow notes the state and returns the connection to close, if any.
func (i *Idle) follow(c net.Conn, s http.ConnState) net.Conn {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.places == nil {
		i.places = map[net.Conn]*list.Element{}
	}
	if e := i.places[c]; e != nil {
		i.order.Remove(e)
		delete(i.places, c)
	}
	if s != http.StateNew && s != http.StateIdle {
		return nil
	}
	i.places[c] = i.order.PushBack(c)
	if i.order.Len() <= i.Max {
		return nil
	}
	e := i.order.Front()
	oldest, _ := i.order.Remove(e).(net.Conn)
	delete(i.places, oldest)
	return oldest
}
