package rtsp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"

	"github.com/hedgecam/hedge/examples/internal/ratelimit"
	"github.com/hedgecam/hedge/examples/internal/stream"
)

var (
	// ErrCredentials says that the user name or the password is missing, or too
	// weak for the address.
	ErrCredentials = errors.New("rtsp: bad credentials")
	// ErrOptions says that another option makes no sense.
	ErrOptions = errors.New("rtsp: bad option")
)

// Options say how a broadcaster is served. User and Password are required.
type Options struct {
	// Address is where to listen, host and port. It defaults to
	// "127.0.0.1:8554".
	Address string
	// UDPPort is the even port from which pictures are sent to viewers who ask
	// for UDP; the next one is used with it. A negative one leaves UDP out. It
	// defaults to a free pair.
	UDPPort int
	// User and Password are what viewers must know. Anywhere but on the loopback
	// interface the password has at least 8 characters.
	User, Password string
	// Auth is how viewers prove that they know the password. It defaults to SHA256.
	Auth Auth
	// OnRefused is called for a wrong password, with the viewer's address; it must
	// return soon. It defaults to nothing.
	OnRefused func(client string)
	// Path is the path of the stream. It defaults to "hedge".
	Path string
	// MaxConns is the largest number of connections. Beyond it the oldest one
	// that has not given the password is closed. It defaults to 64.
	MaxConns int

	// queue is queuePackets, or less in tests.
	queue int
}

const (
	// queueUnits is how many units may wait for a viewer to be cut into packets,
	// queuePackets how many packets for the network: 1.4 MB, 3 s of 4 Mbit/s.
	queueUnits, queuePackets = 64, 1024
	// loginTime is how long a connection may take to send its first request.
	loginTime = 10 * time.Second
	// refusal is how long the answer to a wrong password takes, which slows down
	// who tries many.
	refusal = time.Second
)

// Auth is a way to prove that one knows the password. Each allows those before it.
type Auth string

// The ways, from the strongest.
const (
	SHA256 Auth = "sha256" // digest (RFC 7616)
	MD5    Auth = "md5"    // digest (RFC 2617), the only one that most programs know
	Basic  Auth = "basic"  // the password itself, for everybody on the way to read
)

// methods returns the ways that are allowed.
func (a Auth) methods() []auth.VerifyMethod {
	m := []auth.VerifyMethod{auth.VerifyMethodDigestSHA256}
	if a == MD5 || a == Basic {
		m = append(m, auth.VerifyMethodDigestMD5)
	}
	if a == Basic {
		m = append(m, auth.VerifyMethodBasic)
	}
	return m
}

const (
	// guesses is how many wrong passwords an address may try at once, and
	// guessesPerSecond how many after that: six a minute, since a password may have as
	// few as 8 characters.
	guesses, guessesPerSecond = 10, 0.1
)

// Check returns the error that New would return for the options: ErrCredentials or
// ErrOptions.
func (o Options) Check() error { return o.fill() }

func (o *Options) fill() error {
	if o.Auth == "" {
		o.Auth = SHA256
	}
	if o.OnRefused == nil {
		o.OnRefused = func(string) {}
	}
	if o.Address == "" {
		o.Address = "127.0.0.1:8554"
	}
	if o.Path == "" {
		o.Path = "hedge"
	}
	if o.MaxConns == 0 {
		o.MaxConns = 64
	}
	if o.queue == 0 {
		o.queue = queuePackets
	}
	host, port, err := net.SplitHostPort(o.Address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	ip := net.ParseIP(host)
	loopback := host == "localhost" || ip != nil && ip.IsLoopback()
	switch {
	case err != nil:
		return fmt.Errorf("%w: address %q is not host:port, with a port from 0 to 65535", ErrOptions, o.Address)
	case o.User == "" || o.Password == "":
		return fmt.Errorf("%w: set a user name and a password for viewers", ErrCredentials)
	case !loopback && len(o.Password) < 8:
		return fmt.Errorf("%w: %s can be reached from outside; set a password of at least 8 characters", ErrCredentials, o.Address)
	case strings.ContainsAny(o.User, ":\"\r\n") || strings.ContainsAny(o.Password, ":\r\n"):
		// gortsplib does not understand a password with a colon when it comes by
		// Basic authentication.
		return fmt.Errorf("%w: user name and password cannot contain colons or line breaks, and the user name no quotes", ErrCredentials)
	case strings.Trim(o.Path, "/") != o.Path || strings.ContainsAny(o.Path, "?# \r\n"):
		return fmt.Errorf("%w: path %q; use one such as hedge", ErrOptions, o.Path)
	case o.Auth != SHA256 && o.Auth != MD5 && o.Auth != Basic:
		return fmt.Errorf("%w: authentication %q is none of sha256, md5 and basic", ErrOptions, o.Auth)
	case o.MaxConns < 0:
		return fmt.Errorf("%w: MaxConns %d", ErrOptions, o.MaxConns)
	case o.UDPPort > 65534 || o.UDPPort > 0 && o.UDPPort%2 != 0:
		return fmt.Errorf("%w: UDP port %d is not an even port", ErrOptions, o.UDPPort)
	}
	return nil
}

// Server serves a broadcaster.
type Server struct {
	o           Options
	broadcaster *stream.Broadcaster
	rtsp        *gortsplib.Server
	gate        *gate
	ended       chan struct{}    // closed by Close
	wrong       *ratelimit.Keyed // passwords, by address

	once  sync.Once
	pumps sync.WaitGroup
	lost  atomic.Uint64

	mu       sync.Mutex
	viewers  int
	sps, pps []byte // the newest, for descriptions
}

// New starts to serve the broadcaster.
//
// Errors: ErrCredentials, ErrOptions, or that of the operating system, such as
// syscall.EADDRINUSE.
func New(broadcaster *stream.Broadcaster, o Options) (*Server, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	for attempt := 0; ; attempt++ {
		s := &Server{o: o, broadcaster: broadcaster, ended: make(chan struct{}), wrong: ratelimit.New(guessesPerSecond, guesses)}
		err := s.start()
		if err == nil {
			return s, nil
		}
		// Of the free pair of ports one was taken in the meantime, or the port
		// next to the free one is not free.
		var op *net.OpError
		taken := errors.Is(err, syscall.EADDRINUSE)
		if taken && o.UDPPort == 0 && errors.As(err, &op) && strings.HasPrefix(op.Net, "udp") && attempt < 50 {
			continue
		}
		if taken {
			return nil, fmt.Errorf("rtsp: another program listens there; choose another port: %w", err)
		}
		return nil, fmt.Errorf("rtsp: listen: %w", err)
	}
}

func (s *Server) start() error {
	s.rtsp = &gortsplib.Server{
		Handler:        (*handler)(s),
		RTSPAddress:    s.o.Address,
		AuthMethods:    s.o.Auth.methods(),
		WriteQueueSize: s.o.queue,
		Listen: func(network, address string) (net.Listener, error) {
			l, err := new(net.ListenConfig).Listen(context.Background(), network, address)
			if err != nil {
				return nil, err
			}
			s.gate = newGate(l, s.o.MaxConns)
			return s.gate, nil
		},
	}
	if s.o.UDPPort >= 0 {
		host, _, err := net.SplitHostPort(s.o.Address)
		if err != nil {
			return err
		}
		port := s.o.UDPPort
		if port == 0 {
			if port, err = evenPort(host); err != nil {
				return err
			}
		}
		s.rtsp.UDPRTPAddress = net.JoinHostPort(host, fmt.Sprint(port))
		s.rtsp.UDPRTCPAddress = net.JoinHostPort(host, fmt.Sprint(port+1))
	}
	return s.rtsp.Start()
}

// evenPort returns an even UDP port that was free a moment ago, or is next to
// one that was.
func evenPort(host string) (int, error) {
	c, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp", net.JoinHostPort(host, "0"))
	if err != nil {
		return 0, err
	}
	port := c.LocalAddr().(*net.UDPAddr).Port &^ 1
	return port, c.Close()
}

// Addr returns the address on which the server listens.
func (s *Server) Addr() net.Addr { return s.rtsp.NetListener().Addr() }

// Loopback reports whether only this machine can reach the server.
func (s *Server) Loopback() bool {
	a, ok := s.Addr().(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}

// Viewers returns the number of viewers who play the stream.
func (s *Server) Viewers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.viewers
}

// Lost returns the number of units that viewers missed because they were slow.
func (s *Server) Lost() uint64 { return s.lost.Load() }

// Close ends all connections and waits for its goroutines. It may be called more
// than once. The broadcaster stays open.
func (s *Server) Close() error {
	s.once.Do(func() { close(s.ended) })
	s.rtsp.Close()
	s.pumps.Wait()
	return nil
}

// newStream returns a stream of which one viewer becomes the reader, and what
// its packets belong to.
func (s *Server) newStream() (*gortsplib.ServerStream, *description.Media, error) {
	s.mu.Lock()
	f := &format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: s.sps, PPS: s.pps}
	s.mu.Unlock()
	m := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{f}}
	st := &gortsplib.ServerStream{Server: s.rtsp, Desc: &description.Session{Medias: []*description.Media{m}}}
	if err := st.Initialize(); err != nil { //nolint:misspell // its name
		return nil, nil, err
	}
	return st, m, nil
}
