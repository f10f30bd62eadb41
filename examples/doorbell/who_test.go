package main

import (
	"net/http"
	"strings"
	"testing"
)

// TestWhoDidWhat: saved zones, a confirmation, a wrong token and a wrong password
// for RTSP are events with time and address, and the token for watching changes
// nothing.
func TestWhoDidWhat(t *testing.T) {
	t.Parallel()
	a, out := start(t, "-source", "file:"+clip(t), "-rtsp", "127.0.0.1:0", "-rtsp-auth", "basic")
	c := newClient(t, a)
	said := func(text string) {
		t.Helper()
		eventually(t, "the event "+text, func() bool { return strings.Contains(out.String(), text+`, from 127.0.0.1"`) })
	}
	save := func(token string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, a.base()+"/zones", strings.NewReader(`{"version":1}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("If-Match", `"none"`)
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	if code, _ := c.ask(t, "GET", "/status", a.watchToken); code != 200 {
		t.Errorf("watching: %d", code)
	}
	if code := save(a.watchToken); code != 403 {
		t.Errorf("zones saved by who watches: %d", code)
	}
	said("a token for watching was used for PUT /zones")
	if code := save(a.token); code != 200 {
		t.Errorf("zones: %d", code)
	}
	said("zones were saved")
	if code, _ := c.ask(t, "POST", "/confirm", a.token); code != 204 {
		t.Errorf("confirm: %d", code)
	}
	said("the zones were confirmed")
	if code, _ := c.ask(t, "GET", "/status", "not-the-right-one"); code != 401 {
		t.Errorf("a wrong token: %d", code)
	}
	said("a wrong token")
}
