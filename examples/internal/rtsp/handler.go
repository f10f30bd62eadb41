package rtsp

import (
	"fmt"
	"strings"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"github.com/hedgecam/hedge/examples/internal/ratelimit"
	"github.com/hedgecam/hedge/examples/internal/stream"
)

// handler answers the requests of viewers. gortsplib calls it on the goroutine
// of the connection or session concerned.
type handler Server

// admit reports whether a request for a path may go on; if not, the answer.
func (h *handler) admit(c *gortsplib.ServerConn, req *base.Request, path string) (*base.Response, error) {
	_, guessed := req.Header["Authorization"]
	client := ratelimit.Client(c.NetConn().RemoteAddr().String())
	if guessed && h.wrong.Spent(client) {
		// Not even the right password is listened to, or guessing would go on.
		return &base.Response{StatusCode: base.StatusForbidden}, liberrors.ErrServerAuth{}
	}
	if !c.VerifyCredentials(req, h.o.User, h.o.Password) {
		if guessed {
			if h.wrong.Allow(client) {
				h.o.OnRefused(client)
			}
			t := time.NewTimer(refusal)
			defer t.Stop()
			select {
			case <-t.C:
			case <-h.ended:
			}
		}
		return &base.Response{StatusCode: base.StatusUnauthorized}, liberrors.ErrServerAuth{}
	}
	if g, ok := c.NetConn().(*connection); ok {
		g.authenticated()
	}
	if strings.Trim(path, "/") != h.o.Path {
		return &base.Response{StatusCode: base.StatusNotFound}, fmt.Errorf("no stream %q", path)
	}
	return nil, nil
}

// OnDescribe describes the stream to a viewer.
func (h *handler) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if res, err := h.admit(ctx.Conn, ctx.Request, ctx.Path); res != nil {
		return res, nil, err
	}
	st, _, err := (*Server)(h).newStream()
	if err != nil {
		return &base.Response{StatusCode: base.StatusInternalServerError}, nil, err
	}
	return &base.Response{StatusCode: base.StatusOK}, st, nil
}

// view is what one viewer gets.
type view struct {
	stream *gortsplib.ServerStream
	media  *description.Media
	// sub and closed are guarded by the server's mutex.
	sub    *stream.Subscription
	closed bool
	// full is set when a packet did not fit into the viewer's queue. It is used
	// by the goroutine that sends only.
	full bool
}

// OnSetup makes the viewer's stream.
func (h *handler) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if res, err := h.admit(ctx.Conn, ctx.Request, ctx.Path); res != nil {
		return res, nil, err
	}
	v, ok := ctx.Session.UserData().(*view)
	if !ok {
		st, m, err := (*Server)(h).newStream()
		if err != nil {
			return &base.Response{StatusCode: base.StatusInternalServerError}, nil, err
		}
		v = &view{stream: st, media: m}
		ctx.Session.SetUserData(v)
	}
	return &base.Response{StatusCode: base.StatusOK}, v.stream, nil
}

// OnPlay agrees. What follows is done by OnResponse: only then does the session
// take packets, and a packet before that, of the key frame, would be lost.
func (h *handler) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnResponse starts to send when a session has begun to play.
func (h *handler) OnResponse(c *gortsplib.ServerConn, _ *base.Response) {
	session := c.Session()
	if session == nil || session.State() != gortsplib.ServerSessionStatePlay {
		return
	}
	v, ok := session.UserData().(*view)
	if !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if v.sub != nil || v.closed {
		return
	}
	v.sub = h.broadcaster.Subscribe(queueUnits)
	h.viewers++
	h.pumps.Go(func() { h.pump(session, v) })
}

// OnSessionClose ends the sending.
func (h *handler) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	v, ok := ctx.Session.UserData().(*view)
	if !ok {
		return
	}
	h.mu.Lock()
	v.closed = true
	if v.sub != nil {
		v.sub.Close()
		h.viewers--
	}
	h.mu.Unlock()
	v.stream.Close()
}

// OnStreamWriteError is called, by the goroutine that sends, for a packet that
// did not fit into the viewer's queue.
func (h *handler) OnStreamWriteError(ctx *gortsplib.ServerHandlerOnStreamWriteErrorCtx) {
	if v, ok := ctx.Session.UserData().(*view); ok {
		v.full = true
	}
}

// pump sends units to a viewer until the session or the broadcaster ends, or the broadcaster is
// flushed while some may wait for the viewer: who comes again begins anew.
func (h *handler) pump(session *gortsplib.ServerSession, v *view) {
	defer session.Close()
	p, err := stream.NewPacketizer(stream.PacketizerOptions{})
	if err != nil {
		return
	}
	skip := false // up to the next key unit
	for {
		select {
		case <-v.sub.Flushed:
			// What waits in the connection's queue cannot be taken back, but with it.
			if queues(session) {
				return
			}
			continue
		case u, ok := <-v.sub.C:
			switch {
			case !ok:
				return
			case v.sub.Stale(u):
				continue
			}
			if u.Key {
				skip = false
				h.remember(u)
			}
			if skip {
				h.lost.Add(1)
				continue
			}
			if !v.send(p, u) {
				return
			}
			if v.full {
				v.full, skip = false, true
				h.lost.Add(1)
			}
		}
	}
}

// queues reports whether pictures may wait in the session's queue for as long as the
// viewer does not read: over TCP.
func queues(s *gortsplib.ServerSession) bool {
	t := s.Transport()
	return t == nil || t.Protocol == gortsplib.ProtocolTCP
}

// remember keeps the parameter sets for the next description.
func (h *handler) remember(u *stream.Unit) {
	sps, pps := u.ParameterSets()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sps, h.pps = sps, pps
}

// send queues the packets of a unit. It reports whether there is a stream.
func (v *view) send(packetizer *stream.Packetizer, u *stream.Unit) bool {
	packets, err := packetizer.Packets(u)
	if err != nil {
		return false
	}
	now := time.Now()
	for _, p := range packets {
		if v.stream.WritePacketRTPWithNTP(v.media, p, now) != nil {
			return false
		}
		if v.full {
			break
		}
	}
	return true
}
