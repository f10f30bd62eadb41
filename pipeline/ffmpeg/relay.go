package ffmpeg

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Trust decides about the certificate of a camera, host and port, that no authority
// of this machine has signed. If it returns an error, nothing is sent to the camera.
type Trust func(host string, cert *x509.Certificate) error

// Fingerprint returns the SHA-256 of a certificate as browsers show it.
func Fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

// errRedirect says that a camera wants the caller to go elsewhere.
var errRedirect = errors.New("the camera sends its viewers to another address: give that one")

// relay is the way to a camera over TLS: ffmpeg, which takes any certificate, gets
// an address on the loopback interface, and what it sends goes on only to a camera
// whose certificate is verified, and to no other that it names. Without the camera's
// password it is of no more use to others on this machine than the camera's own address.
type relay struct {
	local  net.Listener
	host   string // of the camera, with its port
	tls    *tls.Config
	server *http.Server // of https
	ctx    context.Context
	cancel context.CancelFunc
	group  sync.WaitGroup

	redirected atomic.Bool // the camera wanted ffmpeg to go elsewhere
}

// newRelay opens the way to the camera with the address u, rtsps or https. It
// checks the certificate at once. The error is ErrCertificate, or that of the
// network.
func newRelay(ctx context.Context, u *url.URL, o Options) (*relay, error) {
	port := u.Port()
	if port == "" {
		port = map[string]string{"rtsps": "322", "https": "443"}[u.Scheme]
	}
	r := &relay{host: net.JoinHostPort(u.Hostname(), port)}
	r.tls = &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: u.Hostname(),
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it, and asks Trust where it fails
		VerifyConnection:   func(s tls.ConnectionState) error { return verify(s, r.host, u.Hostname(), o.Trust) },
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	first, stop := context.WithTimeout(ctx, o.Timeout)
	defer stop()
	c, err := r.dial(first)
	if err != nil {
		return nil, err
	}
	_ = c.Close()                                                    // it was only to show its certificate
	if r.local, err = net.Listen("tcp", "127.0.0.1:0"); err != nil { //nolint:noctx // a loopback address is taken at once
		return nil, fmt.Errorf("ffmpeg: way to the camera: %w", err)
	}
	if u.Scheme == "https" {
		r.server = &http.Server{Handler: r.proxy(u), ReadHeaderTimeout: o.Timeout, ErrorLog: log.New(io.Discard, "", 0)}
		r.group.Go(func() { _ = r.server.Serve(r.local) }) // ends with close
		return r, nil
	}
	r.group.Go(r.accept)
	return r, nil
}

// verify checks a certificate by this machine's authorities, and asks trust where
// they do not know it.
func verify(s tls.ConnectionState, host, name string, trust Trust) error {
	leaf := s.PeerCertificates[0]
	between := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Intermediates: between})
	if err == nil {
		return nil
	}
	if trust == nil {
		return fmt.Errorf("%w: %w; its SHA-256 is %s", ErrCertificate, err, Fingerprint(leaf))
	}
	if err := trust(host, leaf); err != nil {
		return fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return nil
}

// dial connects to the camera.
func (r *relay) dial(ctx context.Context) (net.Conn, error) {
	return (&tls.Dialer{Config: r.tls}).DialContext(ctx, "tcp", r.host)
}

// url returns the address that stands for u.
func (r *relay) url(u *url.URL) string {
	local := *u
	local.Scheme, local.Host = strings.TrimSuffix(u.Scheme, "s"), r.local.Addr().String()
	return local.String()
}

// accept hands callers on to the camera.
func (r *relay) accept() {
	for {
		c, err := r.local.Accept()
		if err != nil {
			return
		}
		r.group.Go(func() { r.carry(c) })
	}
}

// dialTime is how long a camera that was there a moment ago may take to answer.
const dialTime = 10 * time.Second

func (r *relay) carry(c net.Conn) {
	defer c.Close()
	ctx, cancel := context.WithTimeout(r.ctx, dialTime)
	far, err := r.dial(ctx)
	cancel()
	if err != nil {
		return // ffmpeg sees that the connection ends
	}
	// Whichever side ends first, or the source, ends both.
	stop := context.AfterFunc(r.ctx, func() { _, _ = c.Close(), far.Close() })
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(far, c)
		_ = far.Close()
	}()
	if _, err := io.Copy(&replies{to: c}, far); errors.Is(err, errRedirect) {
		r.redirected.Store(true)
	}
	_, _ = c.Close(), far.Close()
	<-done
}

// proxy hands requests on to the camera.
func (r *relay) proxy(u *url.URL) http.Handler {
	origin := &url.URL{Scheme: u.Scheme, Host: u.Host}
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(origin)
			p.Out.Host = u.Host
		},
		ModifyResponse: func(resp *http.Response) error {
			to, err := resp.Location()
			if err != nil {
				return nil //nolint:nilerr // no redirect
			}
			if to.Scheme != u.Scheme || to.Host != u.Host {
				r.redirected.Store(true)
				return errRedirect
			}
			resp.Header.Set("Location", to.RequestURI())
			return nil
		},
		// No connection is kept for later: it would outlive the relay.
		Transport: &http.Transport{
			TLSClientConfig: r.tls, DisableCompression: true, DisableKeepAlives: true, ResponseHeaderTimeout: dialTime,
		},
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
	}
}

// explain adds to an error what only the relay knows of it.
func (r *relay) explain(err error) error {
	if r != nil && r.redirected.Load() {
		return fmt.Errorf("%w: %w", err, errRedirect)
	}
	return err
}

// close ends all connections and waits.
func (r *relay) close() error {
	if r == nil {
		return nil
	}
	r.cancel()
	var err error
	if r.server != nil {
		err = r.server.Close()
	} else {
		err = r.local.Close()
	}
	r.group.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
