package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// minToken is the least length of a token that somebody thought up.
const minToken = 16

// checkListen refuses an address that others than this machine can reach: what
// travels there is not encrypted.
func checkListen(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("listen: %q: must be an address and a port, such as 127.0.0.1:8081", address)
	}
	if !at.Addr().IsLoopback() {
		return fmt.Errorf("listen: %s can be reached from outside: use 127.0.0.1, and a tunnel (such as ssh -L) from elsewhere", address)
	}
	return nil
}

// newServer serves
//
//	POST /event     starts an event; needs the header Authorization: Bearer TOKEN
//	GET  /healthz   200 and what is in memory while all is well, 503 otherwise;
//	                needs nothing
func newServer(token string, event func() error, health func() (string, error)) *http.Server {
	mux := http.NewServeMux()
	want := sha256.Sum256([]byte(token))
	mux.HandleFunc("POST /event", func(w http.ResponseWriter, r *http.Request) {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		got := sha256.Sum256([]byte(given))
		if !ok || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "the header Authorization: Bearer TOKEN is missing or wrong", http.StatusUnauthorized)
			return
		}
		if err := event(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = fmt.Fprintln(w, "recording") // the event is under way, whether or not somebody hears of it
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		text, err := health()
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, text) // nobody is there to tell
	})
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    8 << 10,
	}
}

// listen takes the port.
func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address) //nolint:noctx // a loopback address is taken at once
	if err != nil {
		return nil, fmt.Errorf("listen: %w (name another port with -listen)", err)
	}
	return l, nil
}

// serve serves until the server is closed, which is no error.
func serve(s *http.Server, l net.Listener) error {
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
