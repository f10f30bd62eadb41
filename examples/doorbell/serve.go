package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/mdp/qrterminal/v3"

	"github.com/hedgecam/hedge/examples/doorbell/web"
	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/examples/internal/webaccess"
	"github.com/hedgecam/hedge/examples/internal/whep"
)

// openServer opens the page's listeners, TCP and UDP.
func (a *app) openServer() (err error) {
	addr, err := a.c.addr()
	if err != nil {
		return err
	}
	names := append(webaccess.Names(), a.c.hosts()...)
	if a.c.overTLS(addr.Addr()) {
		if a.cert, err = a.certificate(names); err != nil {
			return err
		}
	}
	if a.token, err = a.secret(a.c.Token, "token"); err != nil {
		return err
	}
	if a.watchToken, err = a.secret(a.c.WatchToken, "watch-token"); err != nil {
		return err
	}
	access, err := webaccess.New(webaccess.Options{
		Token: a.token, WatchToken: a.watchToken, Hosts: names, TLS: a.cert != nil, OnlyEditors: web.OnlyEditors,
		Told: func(client, text string) { a.log.Add("access", text+", from "+client) },
	})
	if err != nil {
		return err
	}
	if a.listen, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr.String()); err != nil {
		return fmt.Errorf("%w; is it running already? -listen names another port", err)
	}
	// The same port number over UDP, so that a firewall needs one rule of each.
	port := a.listen.Addr().(*net.TCPAddr).AddrPort().Port()
	a.live, err = whep.New(whep.Options{Broadcaster: a.broadcaster, Preview: a.preview, Addr: netip.AddrPortFrom(addr.Addr(), port), Viewers: a.c.Viewers})
	if err != nil {
		return err
	}
	o := web.Options{
		Access: access, Zones: a.zones, Live: a.live,
		Still: a.stillJPEG, Snapshot: a.broadcaster.Snapshot, PreviewPicture: a.preview.Snapshot, Status: func() any { return a.status() }, Confirm: a.confirm, Privacy: a.privacy.Set, StopLoosening: a.seal.Stop,
		Metrics: a.metrics(), Healthy: a.healthy,
	}
	if a.bell != nil {
		o.Ring = a.bell.ring
	}
	a.server = web.NewServer(o)
	if a.cert != nil {
		a.server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*a.cert}}
	}
	return nil
}

func (a *app) certificate(names []string) (*tls.Certificate, error) {
	if a.c.TLSCert != "" {
		c, err := webaccess.KeyPair(a.c.TLSCert, a.c.TLSKey)
		if err == nil {
			return &c, nil
		}
		if !errors.Is(err, webaccess.ErrCertificate) {
			return nil, fmt.Errorf("tls-cert: %w", err)
		}
		a.log.Add("certificate", fmt.Sprintf("tls-cert: %v; until it is whole and the program starts again, the page has a certificate of this machine's own", err))
		a.ownCert = true
	}
	a.ownCert = a.ownCert || a.c.TLSCert == ""
	c, err := webaccess.SelfSigned(a.c.State, names, func(text string) { a.log.Add("certificate", text) })
	return &c, err
}

// secret returns the secret given, or else the one kept under that name, or else
// a new one.
func (a *app) secret(given settings.Secret, name string) (string, error) {
	switch {
	case given != "":
		return string(given), nil
	case a.c.State != "":
		return webaccess.KeptToken(filepath.Join(a.c.State, name), func(text string) { a.log.Add(name, text) })
	}
	return webaccess.NewToken(), nil
}

// address returns the page's address with the token.
func (a *app) address() string { return a.base() + "/enter?token=" + a.token }

// base returns the page's address.
func (a *app) base() string {
	scheme, host := "http", a.listen.Addr().(*net.TCPAddr).AddrPort()
	if a.cert != nil {
		scheme = "https"
	}
	name := host.String()
	if host.Addr().IsUnspecified() {
		// The name that others can use.
		for _, n := range webaccess.Names() {
			if ip, err := netip.ParseAddr(n); err == nil && ip.Is4() {
				name = netip.AddrPortFrom(ip, host.Port()).String()
				break
			}
		}
	}
	return scheme + "://" + name
}

// welcome tells the owner how to get to the page. What opens it is told to a
// terminal only: others may read a log.
func (a *app) welcome(w io.Writer, terminal bool) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) } // nowhere else to say it
	if terminal {
		a.invite(w, say)
	} else {
		say("The page is at %s/enter?token=TOKEN, where TOKEN is %s.", a.base(), a.whereabouts(a.c.Token, "token"))
		if a.rtsp != nil {
			say("For a recorder: rtsp://%s@%s/hedge, with the password that is %s.", a.c.RTSPUser, a.rtsp.Addr(), a.whereabouts(a.c.RTSPPassword, "rtsp-password"))
		}
	}
	if a.rtsp != nil && !a.rtsp.Loopback() {
		say("RTSP is not encrypted: who listens in on this network sees the picture that recorders get. Put a tunnel around it, or leave -rtsp on 127.0.0.1.")
	}
	if a.rtsp != nil && a.c.RTSPAuth == "sha256" {
		say("A recorder that cannot log in over RTSP knows no SHA-256: -rtsp-auth md5 lets it.")
	}
	if a.cert != nil && a.ownCert {
		say("The certificate is this machine's own: the browser will warn. Compare before you go on; SHA-256:\n  %s\n", webaccess.Fingerprint(*a.cert))
	}
	if a.zones.State().Policy == nil {
		say("There is no policy yet, so everything is hidden. Draw your zones in the page.")
	}
	if text := a.privacy.words(); text != "" {
		say("Everything is hidden %s: %s.", a.c.Private, text)
	}
	if a.bell != nil {
		say("Nothing is shown or recorded until somebody rings: POST /ring, or press Enter here.")
	}
}

// whereabouts says where a secret stands that is not to be printed.
func (a *app) whereabouts(given settings.Secret, name string) string {
	switch {
	case given != "":
		return "the one that you have set"
	case a.c.State != "":
		return "in the file " + filepath.Join(a.c.State, name)
	}
	return "random and known to nobody, because this is no terminal: start with -state FOLDER, which keeps it in a file, or with -" + name + " file:PATH"
}

// invite tells a terminal what opens the page and the stream.
func (a *app) invite(w io.Writer, say func(format string, args ...any)) {
	say("\nOpen this address; whoever has it can see the picture and change the zones:\n\n  %s\n", a.address())
	say("For who may only watch and ring:\n\n  %s/enter?token=%s\n", a.base(), a.watchToken)
	qrterminal.GenerateWithConfig(a.address(), qrterminal.Config{Level: qrterminal.L, Writer: w, HalfBlocks: true,
		BlackChar: qrterminal.BLACK_BLACK, WhiteChar: qrterminal.WHITE_WHITE,
		BlackWhiteChar: qrterminal.BLACK_WHITE, WhiteBlackChar: qrterminal.WHITE_BLACK, QuietZone: 2})
	if a.rtsp != nil && a.c.RTSPPassword == "" {
		say("For a recorder: rtsp://%s:%s@%s/hedge\n", a.c.RTSPUser, a.password, a.rtsp.Addr())
	}
}

func (a *app) serve() error {
	if a.cert != nil {
		return a.server.ServeTLS(a.listen, "", "")
	}
	return a.server.Serve(a.listen)
}

// stopServer ends the page, giving requests under way a moment.
func (a *app) stopServer() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := a.server.Shutdown(ctx); err != nil {
		return a.server.Close()
	}
	return nil
}
