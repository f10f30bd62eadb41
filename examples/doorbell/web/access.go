package web

import (
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
	"strings"

	"github.com/hedgecam/hedge/examples/doorbell/web/limit"
	"github.com/hedgecam/hedge/examples/internal/keep"
)

// tokenBytes is the size of a token: 192 bits, 32 letters in the address.
const tokenBytes = 24

// minToken is the least length of a token.
const minToken = 16

// Access decides who may use the page. Its methods may be called by any
// goroutine.
type Access struct {
	token  string
	cookie string // its value, derived from the token
	name   string // the cookie's name
	secure bool
	hosts  []string
	origin *http.CrossOriginProtection
	wrong  *limit.Keyed // wrong tokens, by client address
	change *limit.Keyed // changing requests, by client address
}

// AccessOptions are what an Access is made of.
type AccessOptions struct {
	// Token opens the page. It has at least 16 characters.
	Token string
	// Hosts are the names, besides localhost and numerical addresses, under
	// which the page may be asked for.
	Hosts []string
	// TLS says that the page is served over TLS only.
	TLS bool
}

// NewAccess returns an Access for the token.
func NewAccess(o AccessOptions) (*Access, error) {
	if len(o.Token) < minToken {
		return nil, errors.New("the token has less than 16 characters: let the program make one")
	}
	mac := hmac.New(sha256.New, []byte(o.Token))
	mac.Write([]byte("hedge page cookie 1"))
	a := &Access{
		token:  o.Token,
		cookie: base64.RawURLEncoding.EncodeToString(mac.Sum(nil)),
		name:   "hedge",
		secure: o.TLS,
		origin: http.NewCrossOriginProtection(),
		wrong:  limit.New(1, 10),
		change: limit.New(20, 60),
	}
	if o.TLS {
		// The prefix makes browsers insist on Secure, no Domain and the path /.
		a.name = "__Host-hedge"
	}
	for _, h := range o.Hosts {
		a.hosts = append(a.hosts, strings.ToLower(strings.TrimSuffix(h, ".")))
	}
	return a, nil
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
	data, err := keep.Secret(path)
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
	if err := keep.State(path, []byte(token+"\n"), 0o600); err != nil {
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
		client := clientOf(r)
		switch {
		case !a.knows(r.Host):
			// A page elsewhere may have its name point to this machine (DNS
			// rebinding): its requests carry that name.
			refuse(w, http.StatusMisdirectedRequest, "this name is not one of the camera's; open it by its address, or start it with -host "+printable(r.Host))
			return
		case r.URL.Path == healthPath && safe(r.Method):
			next.ServeHTTP(w, r)
			return
		case r.URL.Path == enterPath && r.Method == http.MethodGet:
			a.enter(w, r, client)
			return
		}
		if err := a.origin.Check(r); err != nil {
			refuse(w, http.StatusForbidden, "the request came from another site")
			return
		}
		by, ok := a.holder(r)
		if !ok {
			if by != byNothing && !a.wrong.Allow(client) {
				refuseLater(w)
				return
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="hedge"`)
			refuse(w, http.StatusUnauthorized, "open the address that the program printed when it started: it carries the token")
			return
		}
		if !safe(r.Method) {
			if by == byCookie && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
				refuse(w, http.StatusForbidden, "a request with a cookie must say where it comes from; programs send Authorization: Bearer TOKEN instead")
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
	if !same(r.URL.Query().Get("token"), a.token) {
		if !a.wrong.Allow(client) {
			refuseLater(w)
			return
		}
		refuse(w, http.StatusUnauthorized, "this token is not the right one (any more): open the address that the program printed when it started last")
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever there is TLS; elsewhere is loopback only
		Name: a.name, Value: a.cookie, Path: "/", MaxAge: 400 * 24 * 3600,
		HttpOnly: true, Secure: a.secure, SameSite: http.SameSiteStrictMode,
	})
	headers(w)
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

// holder returns by what the request claims the token, and whether rightly.
func (a *Access) holder(r *http.Request) (credential, bool) {
	if auth := r.Header.Get("Authorization"); auth != "" {
		if token, ok := strings.CutPrefix(auth, "Bearer "); ok {
			return byHeader, same(token, a.token)
		}
		// Programs that know no bearer tokens: any user, the token as password.
		_, password, ok := r.BasicAuth()
		return byHeader, ok && same(password, a.token)
	}
	if c, err := r.Cookie(a.name); err == nil {
		return byCookie, same(c.Value, a.cookie)
	}
	return byNothing, false
}

// knows reports whether host, as in a Host header, is one of ours. Numerical
// addresses are: rebinding takes a name.
func (a *Access) knows(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
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

func safe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// clientOf returns the client's address; of IPv6 the network, because a host
// there has as many addresses as it likes.
func clientOf(r *http.Request) string {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "unknown"
	}
	ip := ap.Addr().Unmap()
	if ip.Is6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
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
