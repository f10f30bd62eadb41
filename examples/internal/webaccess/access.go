// Package webaccess guards a page: tokens in two roles, the cookie that stands for one,
// names under which the page may be asked for, limits for who guesses, and TLS
// certificates of this machine's own.
package webaccess

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/hedgecam/hedge/examples/internal/ratelimit"
	"github.com/hedgecam/hedge/examples/internal/statefile"
)

// tokenBytes is the size of a token: 192 bits, 32 letters in the address.
const tokenBytes = 24

// wrongToken is what is told of one.
const wrongToken = "a wrong token"

// minToken is the least length of a token.
const minToken = 16

// Access decides who may use the page. Its methods may be called by any
// goroutine.
type Access struct {
	tokens [roles]string // by role; "" where there is none
	told   func(client, text string)
	secure bool
	hosts  []string
	origin *http.CrossOriginProtection
	only   func(*http.Request) bool // which requests only an editor may make
	loud   *ratelimit.Keyed         // events of a client
	denied *ratelimit.Repeats       // refusals, by client
	wrong  *ratelimit.Keyed         // wrong tokens, by client address
	change *ratelimit.Keyed         // changing requests, by client address
}

// role is what a token may do.
type role uint8

const (
	nobody   role = iota
	watching      // see and ring
	editing       // and decide what is shown
	roles
)

// Options are what an Access is made of.
type Options struct {
	// Token opens the page for who may draw and confirm zones. It has at least 16
	// characters.
	Token string
	// WatchToken opens it for who may only watch and ring. It has as many, and is
	// another one. It defaults to none.
	WatchToken string
	// Told is called with what the owner should know: wrong tokens, saved policies and
	// confirmations, and from which address they came. Of refusals of an address it is
	// called for the first one, and then with a count, ever more seldom, down to once
	// an hour; of all else not more often than ten times at once, and once a second. It
	// must not block, and may be called by any goroutine. It defaults to nothing.
	Told func(client, text string)
	// Hosts are the names, besides localhost and numerical addresses, under
	// which the page may be asked for.
	Hosts []string
	// TLS says that the page is served over TLS only.
	TLS bool
	// OnlyEditors reports whether a request is one that only an editor may make: it
	// changes what is shown, or shows what only who draws may see. It defaults to
	// every request that is not GET or HEAD.
	OnlyEditors func(*http.Request) bool
}

// New returns an Access for the token.
func New(o Options) (*Access, error) {
	if len(o.Token) < minToken {
		return nil, errors.New("the token has less than 16 characters: let the program make one")
	}
	if o.WatchToken != "" && (len(o.WatchToken) < minToken || o.WatchToken == o.Token) {
		return nil, errors.New("the token for watching has less than 16 characters, or is the one that may edit: name another one")
	}
	if o.OnlyEditors == nil {
		o.OnlyEditors = func(r *http.Request) bool { return !Safe(r.Method) }
	}
	if o.Told == nil {
		o.Told = func(string, string) {}
	}
	a := &Access{
		tokens: [roles]string{watching: o.WatchToken, editing: o.Token},
		told:   o.Told,
		only:   o.OnlyEditors,
		loud:   ratelimit.New(1, 10),
		denied: ratelimit.NewRepeats(o.Told),
		secure: o.TLS,
		origin: http.NewCrossOriginProtection(),
		wrong:  ratelimit.New(1, 10),
		change: ratelimit.New(20, 60),
	}
	for _, h := range o.Hosts {
		a.hosts = append(a.hosts, strings.ToLower(strings.TrimSuffix(h, ".")))
	}
	return a, nil
}

// cookieName returns the name of the cookie, with the port that the page is asked for at:
// a browser gives the cookies of a machine to all of its ports, and another program there
// must not take this one's place. Where there is none in the name, because of a proxy, the
// port is the one that the program listens on.
func (a *Access) cookieName(r *http.Request) string {
	name := "hedge"
	if a.secure {
		// The prefix makes browsers insist on Secure, no Domain and the path /.
		name = "__Host-hedge"
	}
	_, port, err := net.SplitHostPort(r.Host)
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); err != nil && ok {
		_, port, err = net.SplitHostPort(local.String())
	}
	if n, err2 := strconv.ParseUint(port, 10, 16); err == nil && err2 == nil {
		return name + "-" + strconv.FormatUint(n, 10)
	}
	return name
}

// cookieOf returns the value of the cookie that stands for a token.
func cookieOf(token string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("hedge page cookie 1"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// roleOf returns what may be done with a claim, which form makes of a token.
func (a *Access) roleOf(claim string, form func(token string) string) role {
	found := nobody
	for r, token := range a.tokens {
		// All are compared, so that the time tells nothing.
		if token != "" && same(claim, form(token)) {
			found = role(r)
		}
	}
	return found
}

func itself(token string) string { return token }

// Tell tells of something that a client did.
func (a *Access) Tell(client, text string) {
	if a.loud.Allow(client) {
		a.told(client, text)
	}
}

// NewToken returns a random token.
func NewToken() string {
	b := make([]byte, tokenBytes)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// KeptToken returns the token kept in the file of that name, which only the
// owner may read; it makes one if there is none. The same token then holds
// after a restart; deleting the file takes it back from everybody. A file that
// holds no whole token, as after a power cut, gets a new one, and note is told.
func KeptToken(path string, note func(text string)) (string, error) {
	data, err := statefile.Secret(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the token: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if err == nil && whole(token) {
		return token, nil
	}
	if err == nil {
		note(path + " holds no whole token, so a new one was made: open the new address")
	}
	token = NewToken()
	if err := statefile.State(path, []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write the token: %w", err)
	}
	return token, nil
}

// whole reports whether a token is one that NewToken or an owner made: a file that
// was cut off is short, or has bytes in it that are no text.
func whole(token string) bool {
	return len(token) >= minToken && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

// Guard lets through to next what may pass, and answers all else itself.
func (a *Access) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := ClientOf(r)
		switch {
		case !a.knows(r.Host):
			// A page elsewhere may have its name point to this machine (DNS
			// rebinding): its requests carry that name.
			Refuse(w, http.StatusMisdirectedRequest, "this name is not one of the camera's; open it by its address, or start it with -host "+printable(r.Host))
			return
		case r.URL.Path == HealthPath && Safe(r.Method):
			next.ServeHTTP(w, r)
			return
		case r.URL.Path == EnterPath && r.Method == http.MethodGet:
			a.enter(w, r, client)
			return
		}
		if err := a.origin.Check(r); err != nil {
			Refuse(w, http.StatusForbidden, "the request came from another site")
			return
		}
		by, may := a.holder(r)
		if may == nobody {
			if by != byNothing {
				a.denied.Tell(client, wrongToken, wrongToken)
			}
			if by != byNothing && !a.wrong.Allow(client) {
				refuseLater(w)
				return
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="hedge"`)
			Refuse(w, http.StatusUnauthorized, "open the address that the program printed when it started: it carries the token")
			return
		}
		if may < editing && a.only(r) {
			a.denied.Tell(client, "role", "a token for watching was used for "+r.Method+" "+printable(r.URL.Path))
			Refuse(w, http.StatusForbidden, "this token is for watching and ringing; zones are drawn and confirmed with the other one")
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), roleKey{}, may))
		if !Safe(r.Method) {
			if by == byCookie && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
				Refuse(w, http.StatusForbidden, "a request with a cookie must say where it comes from; programs send Authorization: Bearer TOKEN instead")
				return
			}
			if !a.change.Allow(client) {
				refuseLater(w)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// enter takes the token from the address and leaves a cookie. It answers with a
// page, not with a redirect, because a browser that came by a link from
// elsewhere would not send a strict cookie along the redirect.
func (a *Access) enter(w http.ResponseWriter, r *http.Request, client string) {
	token := r.URL.Query().Get("token")
	if a.roleOf(token, itself) == nobody {
		a.denied.Tell(client, wrongToken, wrongToken)
		if !a.wrong.Allow(client) {
			refuseLater(w)
			return
		}
		Refuse(w, http.StatusUnauthorized, "this token is not the right one (any more): open the address that the program printed when it started last")
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever there is TLS; elsewhere is loopback only
		Name: a.cookieName(r), Value: cookieOf(token), Path: "/", MaxAge: 400 * 24 * 3600,
		HttpOnly: true, Secure: a.secure, SameSite: http.SameSiteStrictMode,
	})
	Headers(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(`<!doctype html><meta http-equiv="refresh" content="0;url=/"><title>Hedge</title><a href="/">Go on</a>`)) // the client is gone
}

// What a request shows that it is from the owner.
type credential uint8

const (
	byNothing credential = iota
	byCookie
	byHeader
)

// roleKey is the key of a request's role in its context.
type roleKey struct{}

// MayEdit reports whether a request that the guard has let through came with the
// token that may edit.
func MayEdit(r *http.Request) bool { return r.Context().Value(roleKey{}) == editing }

// holder returns by what the request claims a token, and what may be done with it.
func (a *Access) holder(r *http.Request) (credential, role) {
	if auth := r.Header.Get("Authorization"); auth != "" {
		if token, ok := strings.CutPrefix(auth, "Bearer "); ok {
			return byHeader, a.roleOf(token, itself)
		}
		// Programs that know no bearer tokens: any user, the token as password.
		_, password, ok := r.BasicAuth()
		if !ok {
			return byHeader, nobody
		}
		return byHeader, a.roleOf(password, itself)
	}
	if c, err := r.Cookie(a.cookieName(r)); err == nil {
		return byCookie, a.roleOf(c.Value, cookieOf)
	}
	return byNothing, nobody
}

// knows reports whether host, as in a Host header, is one of ours. Numerical
// addresses are: rebinding takes a name.
func (a *Access) knows(host string) bool {
	name := host
	if h, port, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "localhost" || slices.Contains(a.hosts, name) {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil
}

func same(a, b string) bool {
	// Of hashes, so that not even the length shows in the time.
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// Safe reports whether a method changes nothing: GET or HEAD.
func Safe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// ClientOf returns the client's address; of IPv6 the network, because a host
// there has as many addresses as it likes.
func ClientOf(r *http.Request) string {
	return ratelimit.Client(r.RemoteAddr)
}

// printable makes a name from outside fit to be told back.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), 80)]
}
