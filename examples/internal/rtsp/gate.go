package rtsp

import (
	"container/list"
	"errors"
	"net"
	"sync"
	"time"
)

// gate is a listener that keeps the number of connections bounded, and open to
// those who know the password however many others there are. It lets no HTTP in, and
// little from those who have not given the password.
type gate struct {
	net.Listener
	max    int
	closed chan struct{}
	once   sync.Once

	mu              sync.Mutex
	unauthenticated *list.List // of *connection, the oldest first: those without password
	connections     int        // all
}

// connection is one client's.
type connection struct {
	net.Conn
	gate *gate

	// Used by the goroutine that reads.

	head []byte // the first bytes, up to headSize
	read int    // bytes, until more than unauthenticatedBytes

	// Guarded by the gate's mutex.

	place *list.Element // in unauthenticated; nil for one who gave the password
	gone  bool
}

func newGate(l net.Listener, most int) *gate {
	return &gate{Listener: l, max: most, closed: make(chan struct{}), unauthenticated: list.New()}
}

// Accept waits for the next connection. It returns an error only when the
// listener was closed: the server would end on any.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err == nil {
			if n := g.admit(c); n != nil {
				return n, nil
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

// admit takes a connection in, in place of the oldest unauthenticated one if
// there are too many.
func (g *gate) admit(c net.Conn) *connection {
	g.mu.Lock()
	var oldest *connection
	if g.connections >= g.max {
		if e := g.unauthenticated.Front(); e != nil {
			oldest = e.Value.(*connection)
		}
	}
	full := g.connections >= g.max && oldest == nil
	n := &connection{Conn: c, gate: g}
	g.connections++
	n.place = g.unauthenticated.PushBack(n)
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

const (
	// headSize is how many bytes tell HTTP from RTSP.
	headSize = 4
	// unauthenticatedBytes is how much a client may send before it gives the password.
	unauthenticatedBytes = 64 << 10
)

var (
	errTunnel = errors.New("rtsp: tunnels over HTTP are not served")
	errMuch   = errors.New("rtsp: too much was sent without the password")
)

// Read reads what the client sends. The server would answer a tunnel over HTTP or
// WebSocket before it asks for a password, read headers without a limit for it, and panic
// at one with a byte too many: it gets to see none.
func (n *connection) Read(p []byte) (int, error) {
	k, err := n.Conn.Read(p)
	if missing := headSize - len(n.head); missing > 0 {
		n.head = append(n.head, p[:min(k, missing)]...)
		if h := string(n.head); h == "GET " || h == "POST" { // GET_PARAMETER is RTSP
			return 0, errTunnel
		}
	}
	if n.read <= unauthenticatedBytes {
		n.read += k
	}
	if n.read > unauthenticatedBytes && !n.known() {
		return 0, errMuch
	}
	return k, err
}

// known reports whether the client gave the password.
func (n *connection) known() bool {
	n.gate.mu.Lock()
	defer n.gate.mu.Unlock()
	return n.place == nil
}

// authenticated says that the client gave the password.
func (n *connection) authenticated() {
	n.gate.mu.Lock()
	defer n.gate.mu.Unlock()
	n.leaveUnauthenticated()
}

func (n *connection) leaveUnauthenticated() {
	if n.place != nil {
		n.gate.unauthenticated.Remove(n.place)
		n.place = nil
	}
}

// Close ends the connection.
func (n *connection) Close() error {
	n.gate.mu.Lock()
	if !n.gone {
		n.gone = true
		n.gate.connections--
		n.leaveUnauthenticated()
	}
	n.gate.mu.Unlock()
	return n.Conn.Close()
}

// Close ends an Accept under way.
func (g *gate) Close() error {
	g.once.Do(func() { close(g.closed) })
	return g.Listener.Close()
}
