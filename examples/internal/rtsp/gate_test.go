package rtsp

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// tunnel is a request for RTSP over WebSocket, with a byte too many behind it.
const tunnel = "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: rtsp.onvif.org\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\nX"

// TestTunnel: who asks for a tunnel over HTTP is hung up on, and the next one is answered.
func TestTunnel(t *testing.T) {
	s := serve(t, camera(t), Options{})
	for _, request := range []string{
		tunnel, strings.TrimSuffix(tunnel, "X"),
		"GET / HTTP/1.1\r\nAccept: application/x-rtsp-tunnelled\r\nX-Sessioncookie: 1\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Type: application/x-rtsp-tunnelled\r\nX-Sessioncookie: 1\r\n\r\n",
	} {
		for _, first := range []int{len(request), 1, 3} {
			c := dial(t, s)
			for _, part := range []string{request[:first], request[first:]} {
				_, _ = io.WriteString(c, part) // it may have hung up
			}
			if answer, err := io.ReadAll(c); len(answer) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%.20q is answered by %q, %v", request, answer, err)
			}
			_ = c.Close()
		}
	}
	for method, want := range map[string]string{"OPTIONS": "200", "GET_PARAMETER": "501"} { // no HTTP, whatever it begins with
		status, _ := ask(t, s, fmt.Sprintf("%s rtsp://%s/hedge RTSP/1.0\r\nCSeq: 1\r\n\r\n", method, s.Addr()))
		if !strings.HasPrefix(status, "RTSP/1.0 "+want) {
			t.Errorf("%s: %q", method, status)
		}
	}
}

// TestMuchWithoutPassword: who sends and sends is hung up on, unless the password was given.
func TestMuchWithoutPassword(t *testing.T) {
	s := serve(t, camera(t), Options{})
	options := fmt.Sprintf("OPTIONS rtsp://%s/hedge RTSP/1.0\r\nCSeq: 1\r\n\r\n", s.Addr())
	for _, text := range []string{"GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 64<<20), strings.Repeat(options, 2*unauthenticatedBytes/len(options))} {
		c := dial(t, s)
		sent := make(chan error, 1)
		go func() {
			_, err := io.WriteString(c, text)
			sent <- err
		}()
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%.20q: still connected", text)
		}
		if err := <-sent; len(text) > 32<<20 && err == nil {
			t.Errorf("%.20q: all was taken", text)
		}
		_ = c.Close()
	}

	c, r := play(t, s)
	defer func() { _ = c.Close() }()
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c, strings.Repeat(options, 2*unauthenticatedBytes/len(options)))
		sent <- err
	}()
	if _, err := io.CopyN(io.Discard, r, 4*unauthenticatedBytes); err != nil {
		t.Errorf("the viewer: %v", err)
	}
	if err := <-sent; err != nil {
		t.Errorf("the viewer: %v", err)
	}
}
