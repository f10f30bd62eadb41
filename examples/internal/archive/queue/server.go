package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
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
}

// Server is an embedded server.
type Server struct {
	s     *server.Server
	token string
}

// Serve starts a server with JetStream. The caller closes it.
func Serve(c ServerConfig) (*Server, error) {
	s, err := server.NewServer(&server.Options{ServerName: "hedge-archive", StoreDir: c.Dir, JetStream: true, Host: c.Host, Port: c.Port,
		DontListen: c.Host == "", Authorization: c.Token, NoSigs: true, NoLog: true, JetStreamMaxStore: c.MaxBytes,
		// What was acknowledged is on disk.
		SyncAlways: true})
	if err != nil {
		return nil, fmt.Errorf("the embedded server: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		s.Shutdown()
		return nil, fmt.Errorf("the embedded server did not start: is another one at work in %s, or on port %d", c.Dir, c.Port)
	}
	return &Server{s, c.Token}, nil
}

// Address is where it listens.
func (s *Server) Address() string { return s.s.ClientURL() }

// Connect connects to it without a network. The caller closes the connection.
func (s *Server) Connect(name string) (*nats.Conn, error) {
	return nats.Connect("", append(common(name, s.token), nats.InProcessServer(s.s))...)
}

// Close ends it, and waits until it has.
func (s *Server) Close() {
	s.s.Shutdown()
	s.s.WaitForShutdown()
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
