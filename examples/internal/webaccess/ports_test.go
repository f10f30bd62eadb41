package webaccess

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestTwoPorts: a browser, whose cookies know no ports, keeps its way in to two programs of
// one machine, also where a proxy takes the port out of the name.
func TestTwoPorts(t *testing.T) {
	for _, c := range []struct {
		name string
		tls  bool
		host string // that a proxy sends; "" is none
	}{{"plain", false, ""}, {"TLS", true, ""}, {"behind a proxy", false, "door.lan"}} {
		t.Run(c.name, func(t *testing.T) {
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			var pages []*httptest.Server
			tokens := []string{testToken, "another-" + testToken}
			get := func(i int, path string) int {
				t.Helper()
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, pages[i].URL+path, http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				r.Host = c.host
				client := *pages[i].Client()
				client.Jar = jar
				resp, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				return resp.StatusCode
			}
			for _, token := range tokens {
				a, err := New(Options{Token: token, TLS: c.tls, Hosts: []string{"door.lan"}})
				if err != nil {
					t.Fatal(err)
				}
				s := httptest.NewUnstartedServer(a.Guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "inside") })))
				if c.tls {
					s.StartTLS()
				} else {
					s.Start()
				}
				t.Cleanup(s.Close)
				pages = append(pages, s)
			}
			for i, token := range tokens {
				if code := get(i, EnterPath+"?token="+token); code != http.StatusOK {
					t.Errorf("enter %d: %d", i, code)
				}
			}
			for i := range pages {
				if code := get(i, "/"); code != http.StatusOK {
					t.Errorf("page %d, after both were entered: %d", i, code)
				}
			}
		})
	}
}

// TestRefusalsAreCounted: a page left open with a token of yesterday fills no log: who is
// wrong again and again is told of in few lines, in which every time is counted; who has
// rested is told of at once.
func TestRefusalsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const times = 1000
		var mu sync.Mutex
		var told []string
		h := guarded(t, Options{Told: func(client, text string) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, client+": "+text)
		}})
		heard := func() []string {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(told)
		}
		wrong := func() {
			answer(h, request("GET", "/status", "Authorization", "Bearer of-yesterday")).Body.Close()
		}
		for range times {
			wrong()
			<-time.After(time.Second)
		}
		<-time.After(2 * time.Hour)
		counted, lines := 0, heard()
		for _, line := range lines {
			n := 1
			if _, rest, more := strings.Cut(line, "a wrong token: "); more {
				if _, err := fmt.Sscanf(rest, "%d more within ", &n); err != nil {
					t.Errorf("%q: %v", line, err)
				}
			}
			counted += n
		}
		if len(lines) < 2 || len(lines) > 8 || counted != times || lines[0] != "192.0.2.1: a wrong token" {
			t.Errorf("%d times are %d in %q", times, counted, lines)
		}
		wrong()
		if again := heard(); len(again) != len(lines)+1 {
			t.Errorf("after a rest: %q", again[len(lines):])
		}
		<-time.After(2 * time.Hour)
	})
}
