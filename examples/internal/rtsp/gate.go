package rtsp

import (
	"container/list"
	"errors"
	"net"
	"sync"
	"time"
)

// gate is a listener that keeps the number of connections bounded, and open to
// those who know the password however many others there are.
type gate struct {
	net.Listener
	max    int
	closed chan struct{}
	once   sync.Once

	mu        sync.Mutex
	strangers *list.List // of *guest, the oldest first: those without password
	guests    int        // all
}

// guest is one connection.
type guest struct {
	net.Conn
	gate *gate

	// Guarded by the gate's mutex.

	stranger *list.Element // nil for one who gave the password
	gone     bool
}

func newGate(l net.Listener, most int) *gate {
	return &gate{Listener: l, max: most, closed: make(chan struct{}), strangers: list.New()}
}

// Accept waits for the next connection. It returns an error only when the
// listener was closed: the server would end on any.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err == nil {
			if guest := g.admit(c); guest != nil {
				return guest, nil
			}
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		// Such as too many open files.
		t := time.NewTimer(100 * time.Millisecond)
		select {
		case <-t.C:
		case <-g.closed:
			t.Stop()
			return nil, net.ErrClosed
		}
	}
}

// admit takes a connection in, in place of the oldest stranger if there are too
// many.
func (g *gate) admit(c net.Conn) *guest {
	g.mu.Lock()
	var oldest *guest
	if g.guests >= g.max {
		if e := g.strangers.Front(); e != nil {
			oldest = e.Value.(*guest)
		}
	}
	full := g.guests >= g.max && oldest == nil
	n := &guest{Conn: c, gate: g}
	g.guests++
	n.stranger = g.strangers.PushBack(n)
	g.mu.Unlock()
	if oldest != nil {
		// Its owner finds out when it reads.
		_ = oldest.Close()
	}
	if full || prepare(c) != nil {
		_ = n.Close()
		return nil
	}
	return n
}

// kernelBuffer is how many bytes the operating system holds back for a viewer.
// It would take megabytes by itself, all of which a slow viewer sees late.
const kernelBuffer = 256 << 10

func prepare(c net.Conn) error {
	if t, ok := c.(*net.TCPConn); ok {
		if err := t.SetWriteBuffer(kernelBuffer); err != nil {
			return err
		}
	}
	// The server sets a deadline only once the first bytes came.
	return c.SetReadDeadline(time.Now().Add(loginTime))
}

// known says that the guest gave the password.
func (n *guest) known() {
	n.gate.mu.Lock()
	defer n.gate.mu.Unlock()
	n.leaveStrangers()
}

func (n *guest) leaveStrangers() {
	if n.stranger != nil {
		n.gate.strangers.Remove(n.stranger)
		n.stranger = nil
	}
}

// Close ends the connection.
func (n *guest) Close() error {
	n.gate.mu.Lock()
	if !n.gone {
		n.gone = true
		n.gate.guests--
		n.leaveStrangers()
	}
	n.gate.mu.Unlock()
	return n.Conn.Close()
}

// Close ends an Accept under way.
func (g *gate) Close() error {
	g.once.Do(func() { close(g.closed) })
	return g.Listener.Close()
}
