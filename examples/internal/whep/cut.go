package whep

import (
	"sync"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
)

// cut is one viewer's last interceptor before the network. It lets no packet from before
// the newest call of now go out again: who answers NACKs keeps 1,024 packets, whatever the
// broadcaster throws away.
type cut struct {
	interceptor.NoOp

	mu sync.Mutex
	// Sequence numbers, which count on where those of packets begin again at 0.
	newest, from int64
	began        bool
}

// NewInterceptor implements interceptor.Factory.
func (c *cut) NewInterceptor(string) (interceptor.Interceptor, error) { return c, nil }

// BindLocalStream implements interceptor.Interceptor. A viewer has one stream.
func (c *cut) BindLocalStream(_ *interceptor.StreamInfo, next interceptor.RTPWriter) interceptor.RTPWriter {
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		if !c.passes(h.SequenceNumber) {
			return h.MarshalSize() + len(payload), nil
		}
		return next.Write(h, payload, a)
	})
}

// passes reports whether a packet is from after the cut.
func (c *cut) passes(number uint16) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.began {
		c.began, c.newest = true, int64(number)
	}
	n := c.newest + int64(int16(number-uint16(c.newest)))
	c.newest = max(c.newest, n)
	return n >= c.from
}

// now cuts behind the newest packet.
func (c *cut) now() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.began {
		c.from = c.newest + 1
	}
}
