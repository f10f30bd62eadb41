package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

const testToken = "0123456789abcdef"

// TestServer: an event needs the token and POST; nothing else answers.
func TestServer(t *testing.T) {
	events := 0
	var broken, sick error
	l, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(testToken, func() error { events++; return broken }, func() (string, error) { return "ok", sick })
	done := make(chan error)
	go func() { done <- serve(s, l) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(method, path, authorization string, wantCode, wantEvents int, wantText string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+l.Addr().String()+path, strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != wantCode || events != wantEvents || !strings.Contains(string(text), wantText) {
			t.Errorf("%s %s with %q: %d %q, %d events, %v", method, path, authorization, resp.StatusCode, text, events, err)
		}
		if strings.Contains(string(text), testToken) {
			t.Error("the answer has the token in it")
		}
	}
	ask("POST", "/event", "", 401, 0, "Authorization: Bearer TOKEN")
	ask("POST", "/event", "Bearer", 401, 0, "")
	ask("POST", "/event", "Bearer ", 401, 0, "")
	ask("POST", "/event", "Bearer "+testToken+"x", 401, 0, "")
	ask("POST", "/event", "Bearer "+testToken[1:], 401, 0, "")
	ask("POST", "/event?token="+testToken, "", 401, 0, "")
	ask("GET", "/event", "Bearer "+testToken, 405, 0, "")
	ask("POST", "/", "Bearer "+testToken, 404, 0, "")
	ask("GET", "/../etc/passwd", "Bearer "+testToken, 404, 0, "")
	ask("POST", "/event", "Bearer "+testToken, 202, 1, "recording\n")
	broken = errors.New("no room left")
	ask("POST", "/event", "Bearer "+testToken, 503, 2, "no room left")
	ask("GET", "/healthz", "", 200, 2, "ok")
	sick = errors.New("the camera is lost")
	ask("GET", "/healthz", "", 503, 2, "the camera is lost")

	if _, err := listen(l.Addr().String()); err == nil || !strings.Contains(err.Error(), "-listen") {
		t.Errorf("port taken: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	var free net.Listener
	if free, err = listen(l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if err := free.Close(); err != nil {
		t.Error(err)
	}
}

func TestCheckListen(t *testing.T) {
	for address, ok := range map[string]bool{
		"127.0.0.1:8081": true, "[::1]:80": true, "127.9.9.9:0": true,
		"": false, ":8081": false, "0.0.0.0:8081": false, "[::]:80": false, "192.168.1.2:80": false, "localhost:80": false, "127.0.0.1": false, "127.0.0.1:x": false,
	} {
		if err := checkListen(address); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
}
