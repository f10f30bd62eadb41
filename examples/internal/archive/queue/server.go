package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ServerConfig is what an embedded server is made of.
type ServerConfig struct {
	// Dir is where JetStream keeps what it keeps.
	Dir string
	// Host and Port are where it listens, a Port of -1 is any. With Host "" it does not
	// listen.
	Host string
	Port int
	// Token is asked of who connects.
	Token string
	// MaxBytes is how much it keeps at most. It defaults to the server's choice, three
	// quarters of what is free.
	MaxBytes int64
	// Check is how often its health is looked at. It defaults to 2 s.
	Check time.Duration
	// Log is told of what happens. It defaults to nothing.
	Log *slog.Logger
}

// Server is an embedded server. JetStream takes nothing more once it could not write, even
// when its disk has room again: then the server begins anew, at the same address, and
// connections come back by themselves.
type Server struct {
	o     server.Options
	check time.Duration
	log   *slog.Logger
	mu    sync.Mutex
	s     *server.Server
	nc    *nats.Conn // on which it tells of its health
	stop  chan struct{}
	ended chan struct{}
}

// Serve starts a server with JetStream. The caller closes it.
func Serve(c ServerConfig) (*Server, error) {
	if c.Check <= 0 {
		c.Check = 2 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{check: c.Check, log: c.Log, stop: make(chan struct{}), ended: make(chan struct{}),
		o: server.Options{ServerName: "hedge-archive", StoreDir: c.Dir, JetStream: true, Host: c.Host, Port: c.Port,
			DontListen: c.Host == "", Authorization: c.Token, NoSigs: true, NoLog: true, JetStreamMaxStore: c.MaxBytes,
			// What was acknowledged is on disk.
			SyncAlways: true}}
	if err := s.begin(); err != nil {
		return nil, err
	}
	if at, ok := s.s.Addr().(*net.TCPAddr); ok {
		s.o.Port = at.Port // where it begins anew
	}
	var err error
	if s.nc, err = s.Connect("health"); err == nil {
		_, err = s.nc.Subscribe(healthSubject, func(m *nats.Msg) { _ = m.Respond([]byte(s.trouble())) }) // who asks, asks again
	}
	if err != nil {
		if s.nc != nil {
			s.nc.Close()
		}
		s.s.Shutdown()
		s.s.WaitForShutdown()
		return nil, fmt.Errorf("the embedded server: %w", err)
	}
	go s.watch()
	return s, nil
}

// begin starts the server itself.
func (s *Server) begin() error {
	o := s.o // it changes them
	is, err := server.NewServer(&o)
	if err != nil {
		return fmt.Errorf("the embedded server: %w", err)
	}
	is.Start()
	if !is.ReadyForConnections(30 * time.Second) {
		is.Shutdown()
		is.WaitForShutdown()
		return fmt.Errorf("the embedded server did not start: is another one at work in %s, or on port %d", o.StoreDir, o.Port)
	}
	s.mu.Lock()
	s.s = is
	s.mu.Unlock()
	return nil
}

// watch begins the server anew when it takes nothing more.
func (s *Server) watch() {
	defer close(s.ended)
	wait := s.check
	for {
		select {
		case <-s.stop:
			return
		case <-time.After(wait):
		}
		why := s.trouble()
		if why == "" {
			wait = s.check
			continue
		}
		s.log.Warn("the queue takes nothing more", "reason", why)
		wait = min(2*wait, time.Minute)
		if free, err := s.free(); err == nil && free < leastRoom {
			continue
		}
		s.mu.Lock()
		was := s.s
		s.mu.Unlock()
		was.Shutdown()
		was.WaitForShutdown()
		if err := s.begin(); err != nil {
			s.log.Warn("the queue does not begin anew", "reason", err)
			continue
		}
		s.log.Info("the queue has begun anew")
	}
}

// leastRoom is how many bytes must be free on the disk for the server to begin anew.
const leastRoom = 16 << 20

// free returns how many bytes are free on the server's disk.
func (s *Server) free() (int64, error) {
	var fs syscall.Statfs_t
	err := syscall.Statfs(s.o.StoreDir, &fs)
	return int64(fs.Bavail) * fs.Bsize, err
}

// trouble says why the server takes nothing more, "" if it does.
func (s *Server) trouble() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.s.JetStreamEnabled() {
		return "JetStream has ended"
	}
	// What else it says may be of a stream that is just being made.
	if h := s.s.Healthz(nil); strings.Contains(h.Error, "write error") {
		return h.Error
	}
	return ""
}

// InProcessConn implements nats.InProcessConnProvider.
func (s *Server) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.s.InProcessConn()
}

// Address is where it listens.
func (s *Server) Address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.s.ClientURL()
}

// Connect connects to it without a network. The caller closes the connection.
func (s *Server) Connect(name string) (*nats.Conn, error) {
	return nats.Connect("", append(common(name, s.o.Authorization), nats.InProcessServer(s))...)
}

// Close ends it, and waits until it has.
func (s *Server) Close() {
	close(s.stop)
	<-s.ended
	s.nc.Close()
	s.s.Shutdown()
	s.s.WaitForShutdown()
}

// Explain makes an error of JetStream, of a request that changes something, one that a person
// can use: ErrFull if there is no room, and with what the embedded server says of its health
// if it has not answered.
func Explain(ctx context.Context, nc *nats.Conn, err error) error {
	if NoRoom(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	if errors.Is(err, nats.ErrDisconnected) {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	if ctx.Err() != nil || !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, jetstream.ErrAsyncPublishTimeout) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	short, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	m, aerr := nc.RequestWithContext(short, healthSubject, nil)
	if aerr != nil || len(m.Data) == 0 {
		return err
	}
	if err = fmt.Errorf("%w: the queue's server: %s", err, m.Data); strings.Contains(string(m.Data), syscall.ENOSPC.Error()) {
		err = fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// Connect connects to a server elsewhere. The connection comes back by itself when it is
// lost. The caller closes it.
func Connect(ctx context.Context, address, token, name string) (*nats.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	nc, err := nats.Connect(address, common(name, token)...)
	switch {
	case errors.Is(err, nats.ErrAuthorization):
		return nil, fmt.Errorf("%s: the token is not the right one: copy the file nats.token of the archive", address)
	case err != nil:
		return nil, fmt.Errorf("%s: %w: is `archive serve` running there", address, err)
	}
	return nc, nil
}

func common(name, token string) []nats.Option {
	o := []nats.Option{nats.Name(name), nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond)}
	if token != "" {
		o = append(o, nats.Token(token))
	}
	return o
}
