package webaccess

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/examples/internal/statefile"
)

const testToken = "correct-horse-battery"

func newAccess(t testing.TB, o Options) *Access {
	t.Helper()
	o.Token = testToken
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// guarded returns an Access's handler in front of one that says "inside".
func guarded(t *testing.T, o Options) http.Handler {
	t.Helper()
	return newAccess(t, o).Guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "inside") }))
}

// request makes a request with headers given as name, value, name, value.
func request(method, target string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, http.NoBody)
	r.Host = "127.0.0.1:8080"
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func answer(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// cookieIn enters and returns the cookie as a header's value.
func cookieIn(t *testing.T, h http.Handler) string {
	t.Helper()
	resp := answer(h, request("GET", "/enter?token="+testToken))
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || len(resp.Cookies()) != 1 {
		t.Fatalf("enter: %s, %d cookies", resp.Status, len(resp.Cookies()))
	}
	c := resp.Cookies()[0]
	return c.Name + "=" + c.Value
}

func TestGuard(t *testing.T) {
	h := guarded(t, Options{Hosts: []string{"door.lan"}})
	cookie := cookieIn(t, h)
	bearer := "Bearer " + testToken
	for _, c := range []struct {
		name, method, path string
		headers            []string
		want               int
	}{
		{"nothing shown", "GET", "/", nil, 401},
		{"no picture", "GET", "/snapshot.jpg", nil, 401},
		{"no asset", "GET", "/page/main.js", nil, 401},
		{"no metrics", "GET", "/metrics", nil, 401},
		{"no ring", "POST", "/ring", nil, 401},
		{"health for all", "GET", "/healthz", nil, 200},
		{"health is read only", "POST", "/healthz", nil, 401},
		{"cookie", "GET", "/", []string{"Cookie", cookie}, 200},
		{"wrong cookie", "GET", "/", []string{"Cookie", "hedge-8080=x"}, 401},
		{"token as cookie", "GET", "/", []string{"Cookie", "hedge-8080=" + testToken}, 401},
		{"bearer", "GET", "/", []string{"Authorization", bearer}, 200},
		{"wrong bearer", "GET", "/", []string{"Authorization", "Bearer wrong"}, 401},
		{"empty bearer", "GET", "/", []string{"Authorization", "Bearer "}, 401},
		{"basic", "GET", "/", []string{"Authorization", basic("anybody", testToken)}, 200},
		{"wrong basic", "GET", "/", []string{"Authorization", basic("admin", "admin")}, 401},
		{"token in the address elsewhere", "GET", "/?token=" + testToken, nil, 401},

		{"same origin", "PUT", "/zones", []string{"Cookie", cookie, "Sec-Fetch-Site", "same-origin"}, 200},
		{"same origin, old browser", "PUT", "/zones", []string{"Cookie", cookie, "Origin", "http://127.0.0.1:8080"}, 200},
		{"cross site", "PUT", "/zones", []string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site"}, 403},
		{"same site, other port", "POST", "/ring", []string{"Cookie", cookie, "Sec-Fetch-Site", "same-site"}, 403},
		{"other origin, old browser", "POST", "/ring", []string{"Cookie", cookie, "Origin", "http://127.0.0.1:9999"}, 403},
		{"opaque origin", "POST", "/ring", []string{"Cookie", cookie, "Origin", "null"}, 403},
		{"cookie from nowhere", "POST", "/ring", []string{"Cookie", cookie}, 403},
		{"program", "POST", "/ring", []string{"Authorization", bearer}, 200},
		{"basic, cross site", "POST", "/ring", []string{"Authorization", basic("x", testToken), "Sec-Fetch-Site", "cross-site"}, 403},
		{"cross site delete", "DELETE", "/live/1", []string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site"}, 403},

		{"rebound name", "GET", "/", []string{"Cookie", cookie, "Host", "evil.example:8080"}, 421},
		{"rebound name, health", "GET", "/healthz", []string{"Host", "evil.example"}, 421},
		{"rebound name, entering", "GET", "/enter?token=" + testToken, []string{"Host", "evil.example"}, 421},
		{"name that begins with an address", "GET", "/", []string{"Cookie", cookie, "Host", "127.0.0.1.evil.example"}, 421},
		{"no name", "GET", "/", []string{"Cookie", cookie, "Host", ""}, 421},
		{"own name", "GET", "/", []string{"Cookie", cookie, "Host", "DOOR.lan:8080"}, 200},
		{"localhost", "GET", "/", []string{"Cookie", cookie, "Host", "localhost:8080"}, 200},
		{"IPv6", "GET", "/", []string{"Cookie", cookie, "Host", "[::1]:8080"}, 200},
	} {
		resp := answer(h, request(c.method, c.path, c.headers...))
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != c.want {
			t.Errorf("%s: %s %s is %d, want %d: %s", c.name, c.method, c.path, resp.StatusCode, c.want, body)
		}
		if inside := string(body) == "inside"; inside != (c.want == 200) {
			t.Errorf("%s: %q", c.name, body)
		}
		resp.Body.Close()
	}
}

func basic(user, password string) string {
	r := request("GET", "/")
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

func TestCookie(t *testing.T) {
	for _, tls := range []bool{false, true} {
		h := guarded(t, Options{TLS: tls})
		resp := answer(h, request("GET", "/enter?token="+testToken))
		resp.Body.Close()
		if len(resp.Cookies()) != 1 {
			t.Fatalf("%d cookies", len(resp.Cookies()))
		}
		c := resp.Cookies()[0]
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.Secure != tls {
			t.Errorf("TLS %v: cookie %s", tls, c)
		}
		if tls && !strings.HasPrefix(c.Name, "__Host-") {
			t.Errorf("cookie over TLS is named %s", c.Name)
		}
		if strings.Contains(c.Value, testToken) {
			t.Error("the cookie carries the token")
		}
	}
}

// TestWrongTokens: guessing is slowed down, for the guesser alone.
func TestWrongTokens(t *testing.T) {
	h := guarded(t, Options{})
	last := 0
	for range 30 {
		resp := answer(h, request("GET", "/enter?token=guess"))
		resp.Body.Close()
		if len(resp.Cookies()) != 0 {
			t.Fatal("a guess got a cookie")
		}
		last = resp.StatusCode
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the 30th guess is answered with %d", last)
	}
	resp := answer(h, request("GET", "/", "Authorization", "Bearer guess"))
	resp.Body.Close()
	if resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a guess in a header is answered with %d", resp.StatusCode)
	}
	other := request("GET", "/enter?token=guess")
	other.RemoteAddr = "192.0.2.77:1"
	resp = answer(h, other)
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("another client is answered with %d", resp.StatusCode)
	}
	// The owner, at the guesser's address, gets in all the same.
	cookieIn(t, h)
}

func TestChangesAreLimited(t *testing.T) {
	h := guarded(t, Options{})
	codes := map[int]int{}
	for range 200 {
		resp := answer(h, request("POST", "/ring", "Authorization", "Bearer "+testToken))
		resp.Body.Close()
		codes[resp.StatusCode]++
	}
	if codes[200] < 60 || codes[429] < 100 {
		t.Errorf("200 requests at once: %v", codes)
	}
	resp := answer(h, request("GET", "/status", "Authorization", "Bearer "+testToken))
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("reading is answered with %d", resp.StatusCode)
	}
}

func TestKeptToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "token")
	first, err := KeptToken(path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 32 {
		t.Errorf("token of %d characters", len(first))
	}
	again, err := KeptToken(path, quiet)
	if err != nil || again != first {
		t.Errorf("again %q, %v; first %q", again, err, first)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, mode := range []os.FileMode{0o644, 0o620, 0o602} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := KeptToken(path, quiet); !errors.Is(err, statefile.ErrShared) {
			t.Errorf("a token with the rights %v: %v", mode, err)
		}
	}
	if one, other := NewToken(), NewToken(); one == other {
		t.Error("two tokens are the same")
	}
	if _, err := New(Options{Token: "short"}); err == nil {
		t.Error("a short token is taken")
	}
}

// TestDamagedToken: what a power cut leaves of a token opens nothing, and a new
// one takes its place, which is told.
func TestDamagedToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	for _, text := range []string{"", "\n", testToken[:15], strings.Repeat("\x00", 33), testToken[:20] + "\x00\x00\n", "two words and more of them"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var said string
		token, err := KeptToken(path, func(text string) { said = text })
		if err != nil || len(token) != 32 || !strings.Contains(said, path) {
			t.Errorf("%q: token of %d characters, %q, %v", text, len(token), said, err)
		}
		if again, err := KeptToken(path, quiet); err != nil || again != token {
			t.Errorf("%q: another one at the next start: %v", text, err)
		}
	}
	long := strings.Repeat("x", 200)
	if err := os.WriteFile(path, []byte(long+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if token, err := KeptToken(path, quiet); err != nil || token != long {
		t.Errorf("a long token: %d characters, %v", len(token), err)
	}
}

// TestRoles: the token for watching sees and rings, and changes nothing, by header,
// cookie and password; what it is refused, and wrong tokens, are told of with the
// address.
func TestRoles(t *testing.T) {
	const watchToken = "only-to-watch-and-ring"
	only := func(r *http.Request) bool {
		return r.URL.Path == "/still.jpg" || r.Method != http.MethodGet && r.URL.Path != "/ring"
	}
	var told []string
	o := Options{WatchToken: watchToken, OnlyEditors: only, Told: func(client, text string) { told = append(told, client+": "+text) }}
	h := guarded(t, o)
	entered := func(token string) string {
		resp := answer(h, request("GET", "/enter?token="+token))
		defer resp.Body.Close()
		return resp.Cookies()[0].String()
	}
	for _, c := range []struct {
		method, path string
		watch        int
	}{
		{"GET", "/", 200}, {"POST", "/ring", 200}, {"GET", "/still.jpg", 403}, {"PUT", "/zones", 403}, {"POST", "/anything-new", 403},
	} {
		h = guarded(t, o) // so that no limit is reached
		for token, want := range map[string]int{watchToken: c.watch, testToken: 200} {
			for _, claim := range [][]string{
				{"Authorization", "Bearer " + token},
				{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("x:"+token))},
				{"Cookie", strings.SplitN(entered(token), ";", 2)[0], "Sec-Fetch-Site", "same-origin"},
			} {
				r := request(c.method, c.path)
				for i := 0; i < len(claim); i += 2 {
					r.Header.Set(claim[i], claim[i+1])
				}
				resp := answer(h, r)
				resp.Body.Close()
				if resp.StatusCode != want {
					t.Errorf("%s %s with %s: %d, want %d", c.method, c.path, claim[0], resp.StatusCode, want)
				}
			}
		}
	}
	if len(told) == 0 || !strings.Contains(told[0], "192.0.2.1: a token for watching") {
		t.Errorf("told %q", told)
	}
	told = nil
	h = guarded(t, o)
	answer(h, request("GET", "/enter?token=guess")).Body.Close()
	r := request("GET", "/")
	r.Header.Set("Authorization", "Bearer guess")
	answer(h, r).Body.Close()
	if len(told) != 1 || told[0] != "192.0.2.1: a wrong token" {
		t.Errorf("told %q", told)
	}
	for _, bad := range []string{"short", testToken} {
		if _, err := New(Options{Token: testToken, WatchToken: bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func quiet(string) {}

func TestClientOf(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1:5":          "192.0.2.1",
		"[::ffff:192.0.2.1]:5": "192.0.2.1",
		"[2001:db8::1]:5":      "2001:db8::/64",
		"[2001:db8::ffff]:5":   "2001:db8::/64",
		"[fe80::1%eth0]:5":     "fe80::/64",
		"nonsense":             "unknown",
	} {
		if got := ClientOf(&http.Request{RemoteAddr: addr}); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}

// FuzzKnows: whatever a Host header says, a name that is not one of ours and no
// address is refused.
func FuzzKnows(f *testing.F) {
	for _, host := range []string{"localhost", "127.0.0.1:8080", "[::1]:1", "door.lan.", "evil.example", "127.0.0.1.evil.example", "", ":", "[", "0x7f.1", "1.2.3.4@evil", "127.0.0.1:808S", "localhost:"} {
		f.Add(host)
	}
	a, err := New(Options{Token: testToken, Hosts: []string{"door.lan"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, host string) {
		known := a.knows(host)
		plain := strings.TrimSuffix(strings.ToLower(host), ".")
		if known && strings.ContainsAny(plain, "ghijklmnopqrstuvwxyz") && !strings.HasPrefix(plain, "localhost") && !strings.HasPrefix(plain, "door.lan") && !strings.Contains(plain, "%") {
			t.Errorf("%q is taken for one of ours", host)
		}
		if s := printable(host); len(s) > 80 || strings.ContainsAny(s, "\r\n\x1b") {
			t.Errorf("%q is told back as %q", host, s)
		}
	})
}
