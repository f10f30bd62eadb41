package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
)

// describe logs a recorder in over RTSP, and returns the status of the last answer.
func describe(a *app, password string) (base.StatusCode, error) {
	u, err := base.ParseURL("rtsp://" + a.c.RTSPUser + ":" + password + "@" + a.rtsp.Addr().String() + "/hedge")
	if err != nil {
		return 0, err
	}
	c := gortsplib.Client{Scheme: u.Scheme, Host: u.Host}
	if err := c.Start(); err != nil {
		return 0, err
	}
	defer c.Close()
	_, answer, err := c.Describe(u)
	if answer == nil {
		return 0, errors.Join(err, errors.New("no answer"))
	}
	return answer.StatusCode, nil
}

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
	// The answer to a wrong password takes a second: the rest goes on meanwhile.
	type refusal struct {
		status base.StatusCode
		err    error
	}
	refused := make(chan refusal, 1)
	go func() {
		status, err := describe(a, "not-the-right-one")
		refused <- refusal{status, err}
	}()
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
	eventually(t, "the camera is there", func() bool { return a.source.State().Connected })
	if code, _ := c.ask(t, "POST", "/confirm", a.token); code != 204 {
		t.Errorf("confirm: %d", code)
	}
	said("the zones were confirmed")
	if code, _ := c.ask(t, "GET", "/status", "not-the-right-one"); code != 401 {
		t.Errorf("a wrong token: %d", code)
	}
	said("a wrong token")
	said("a wrong password for RTSP")
	if r := <-refused; r.err != nil || r.status != base.StatusUnauthorized {
		t.Errorf("a wrong password for RTSP: %d, %v", r.status, r.err)
	}
	if status, err := describe(a, a.password); err != nil || status != base.StatusOK {
		t.Errorf("the right password for RTSP: %d, %v", status, err)
	}
	// Neither the first request of each, which has no password yet, nor the right one is an event.
	if n := strings.Count(out.String(), "a wrong password for RTSP"); n != 1 {
		t.Errorf("%d events of a wrong password for RTSP", n)
	}
}
