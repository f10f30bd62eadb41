package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/review"
	"github.com/hedgecam/hedge/examples/internal/webaccess"
)

// Files of an archive's folder with the tokens of its page.
const (
	editFile  = "page.token"
	watchFile = "page-watch.token"
)

// desk is the page while it is served.
type desk struct {
	server       *http.Server
	token, watch string
	at           net.Addr
	cancel       context.CancelFunc
	parts        sync.WaitGroup
}

// newDesk serves the page until it is closed.
func newDesk(ctx context.Context, f *flags, a *archive.Archive, log *slog.Logger) (*desk, error) {
	host, _, err := net.SplitHostPort(f.http)
	if err != nil || host == "" {
		return nil, usage("-http %s: must be HOST:PORT, such as 127.0.0.1:8790, or none", f.http)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, usage("-http %s: the page has no TLS and stays on this machine: listen on 127.0.0.1, and put a proxy with TLS before it", f.http)
	}
	p := &desk{}
	note := func(text string) { log.Warn(text) }
	if p.token, err = webaccess.KeptToken(f.in(editFile), note); err == nil {
		p.watch, err = webaccess.KeptToken(f.in(watchFile), note)
	}
	if err != nil {
		return nil, err
	}
	o := webaccess.Options{Token: p.token, WatchToken: p.watch, Told: func(client, text string) { log.Warn(text, "client", client) }}
	if f.hosts != "" {
		o.Hosts = strings.Split(f.hosts, ",")
	}
	access, err := webaccess.New(o)
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.http)
	if err != nil {
		return nil, fmt.Errorf("-http %s: %w: name another port, or none", f.http, err)
	}
	p.at = l.Addr()
	d := review.NewDesk(a, version())
	p.server = review.NewServer(d, access)
	ctx, p.cancel = context.WithCancel(ctx)
	p.parts.Go(func() { d.Run(ctx) })
	p.parts.Go(func() {
		if err := p.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the page", "reason", err)
		}
	})
	return p, nil
}

// address is what opens the page with a token.
func (p *desk) address(token string) string {
	return fmt.Sprintf("http://%s%s?token=%s", p.at, webaccess.EnterPath, token)
}

// Close ends the page.
func (p *desk) Close() {
	p.cancel()
	_ = p.server.Close() // connections that are open are cut
	p.parts.Wait()
}
