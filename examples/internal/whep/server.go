// Package whep shows a stream to browsers over WebRTC. A viewer sends an offer and gets
// an answer, as in WHEP (the WebRTC-HTTP egress protocol).
package whep

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"github.com/hedgecam/hedge/examples/internal/stream"
)

const (
	// defaultViewers is how many may watch at once.
	defaultViewers = 8
	// offerTimeout is how long a new viewer may take to be connected.
	offerTimeout = 10 * time.Second
	// keyGap is the shortest time between two key frames on one viewer's behalf.
	keyGap = 500 * time.Millisecond
)

// playoutDelay is the header extension by which a sender says how long a picture may wait in
// the viewer's buffer, at least and at most: 12 bits each, in 10 ms.
const playoutDelay = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"

// atOnce is that of none and none.
var atOnce = []byte{0, 0, 0}

var (
	// ErrViewers says that no more viewers are served.
	ErrViewers = errors.New("as many as can be served are watching already: close the page elsewhere")
	// ErrOffer says that a viewer's offer makes no sense.
	ErrOffer = errors.New("the offer cannot be answered")
)

// Options say what is shown, where and to how many.
type Options struct {
	// Broadcaster has the units, Preview those of a preview.
	Broadcaster, Preview *stream.Broadcaster
	// Addr is the UDP address over which all viewers are served. The address of
	// an unspecified host stands for all of this machine's.
	Addr netip.AddrPort
	// Viewers is how many may watch at once. It defaults to 8.
	Viewers int
}

// Server sends the live picture to viewers. The only ICE candidates are the addresses
// that it listens on: no other machine is asked for one. Its methods may be called by any
// goroutine.
type Server struct {
	o      Options
	engine webrtc.SettingEngine
	mux    ice.UDPMux

	mu      sync.Mutex
	closed  bool
	viewers map[string]*viewer
	served  sync.WaitGroup
}

// New returns a Server that listens. Its error names the address.
func New(o Options) (*Server, error) {
	if o.Viewers == 0 {
		o.Viewers = defaultViewers
	}
	l := &Server{o: o, viewers: map[string]*viewer{}}
	log := logging.NewDefaultLoggerFactory()
	log.DefaultLogLevel = logging.LogLevelDisabled // clients come and go; what matters is in the answers
	if o.Addr.Addr().IsUnspecified() {
		mux, err := ice.NewMultiUDPMuxFromPort(int(o.Addr.Port()), ice.UDPMuxFromPortWithLoopback(),
			ice.UDPMuxFromPortWithLogger(log.NewLogger("mux")))
		if err != nil {
			return nil, fmt.Errorf("listen for viewers on UDP port %d: %w", o.Addr.Port(), err)
		}
		l.mux = mux
	} else {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(o.Addr))
		if err != nil {
			return nil, fmt.Errorf("listen for viewers on UDP: %w", err)
		}
		l.mux = webrtc.NewICEUDPMux(log.NewLogger("mux"), conn)
	}

	l.engine = webrtc.SettingEngine{LoggerFactory: log}
	l.engine.SetICEUDPMux(l.mux)
	l.engine.SetIncludeLoopbackCandidate(true)
	l.engine.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	l.engine.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	l.engine.SetICETimeouts(4*time.Second, 8*time.Second, time.Second)
	return l, nil
}

// connection returns a new viewer's connection, which sends nothing from before c.
func (l *Server) connection(c *cut) (*webrtc.PeerConnection, error) {
	media := &webrtc.MediaEngine{}
	if err := media.RegisterCodec(h264, webrtc.RTPCodecTypeVideo); err != nil {
		return nil, err
	}
	err := media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: playoutDelay}, webrtc.RTPCodecTypeVideo)
	if err != nil {
		return nil, err
	}
	registry := &interceptor.Registry{}
	registry.Add(c) // the first is the last before the network
	if err := webrtc.RegisterDefaultInterceptors(media, registry); err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(l.engine))
	return api.NewPeerConnection(webrtc.Configuration{})
}

// h264 is what the broadcaster's encoder makes: no B frames, so that every browser's
// decoder, hardware included, shows a picture when it comes.
var h264 = webrtc.RTPCodecParameters{
	RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType:    webrtc.MimeTypeH264,
		ClockRate:   stream.ClockRate,
		SDPFmtpLine: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
		RTCPFeedback: []webrtc.RTCPFeedback{
			{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"},
		},
	},
	PayloadType: 102,
}

// Offer answers a viewer's offer. The answer has all candidates: none trickle
// in later. The errors are ErrViewers and ErrOffer.
func (l *Server) Offer(ctx context.Context, offer string) (id, answer string, err error) {
	l.mu.Lock()
	full := l.closed || len(l.viewers) >= l.o.Viewers
	l.mu.Unlock()
	if full {
		return "", "", ErrViewers
	}
	c := &cut{}
	pc, err := l.connection(c)
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrOffer, err)
	}
	v := newViewer(pc, c)
	if answer, err = v.answer(ctx, offer); err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrOffer, errors.Join(err, v.close()))
	}
	id = rand.Text()
	l.mu.Lock()
	full = l.closed || len(l.viewers) >= l.o.Viewers
	if !full {
		l.viewers[id] = v
		l.served.Go(func() { l.serve(id, v) })
	}
	l.mu.Unlock()
	if full {
		_ = v.close() // it has served nobody
		return "", "", ErrViewers
	}
	return id, answer, nil
}

// serve feeds a viewer until it is gone.
func (l *Server) serve(id string, v *viewer) {
	v.feed(l.o.Broadcaster, l.o.Preview)
	l.mu.Lock()
	delete(l.viewers, id)
	l.mu.Unlock()
}

// HangUp ends a viewer's picture. It does nothing for an id that is not known.
func (l *Server) HangUp(id string) {
	l.mu.Lock()
	v := l.viewers[id]
	l.mu.Unlock()
	if v != nil {
		v.end()
	}
}

// ShowPreview shows the preview to the viewer of the page that draws, and to no other;
// with the id of none, to nobody.
func (l *Server) ShowPreview(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, v := range l.viewers {
		v.draw(name == id)
	}
}

// Stats counts.
type Stats struct {
	// Viewers is how many watch just now.
	Viewers int
	// Lost is how many pictures those have lost because they were too slow.
	Lost uint64
}

// Stats returns the counters.
func (l *Server) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Stats{Viewers: len(l.viewers)}
	for _, v := range l.viewers {
		s.Lost += v.lost.Load()
	}
	return s
}

// Close ends all viewers' pictures and waits. It may be called more than once.
func (l *Server) Close() error {
	l.mu.Lock()
	l.closed = true
	for _, v := range l.viewers {
		v.end()
	}
	l.mu.Unlock()
	l.served.Wait()
	return l.mux.Close()
}
