// Package ratelimit limits how often something may happen, and how many idle
// connections a server keeps.
package ratelimit

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxKeys bounds the memory of a Keyed.
const maxKeys = 1024

// Keyed is a rate limiter for each key. Its methods may be called by any
// goroutine.
type Keyed struct {
	rate  rate.Limit
	burst int

	mu     sync.Mutex
	keys   map[string]*rate.Limiter
	others *rate.Limiter // for all keys that do not fit into keys
	swept  time.Time
}

// New returns a Keyed that lets burst events of a key through at once, and then
// perSecond.
func New(perSecond float64, burst int) *Keyed {
	r := rate.Limit(perSecond)
	return &Keyed{rate: r, burst: burst, keys: map[string]*rate.Limiter{}, others: rate.NewLimiter(r, burst)}
}

// Allow reports whether one more event of the key may happen now.
func (k *Keyed) Allow(key string) bool { return k.of(key).Allow() }

// Spent reports whether no event of the key may happen now.
func (k *Keyed) Spent(key string) bool { return k.of(key).Tokens() < 1 }

// Client returns the key of a client with an address and port: of IPv6 the network,
// because a host there has as many addresses as it likes.
func Client(remote string) string {
	ap, err := netip.ParseAddrPort(remote)
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

func (k *Keyed) of(key string) *rate.Limiter {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.keys[key]; l != nil {
		return l
	}
	if len(k.keys) >= maxKeys {
		k.sweep()
	}
	if len(k.keys) >= maxKeys {
		return k.others
	}
	l := rate.NewLimiter(k.rate, k.burst)
	k.keys[key] = l
	return l
}

// sweep forgets the keys that have rested long enough to be as good as new, at
// most once a second.
func (k *Keyed) sweep() {
	now := time.Now()
	if now.Sub(k.swept) < time.Second {
		return
	}
	k.swept = now
	for name, l := range k.keys {
		if l.TokensAt(now) >= float64(k.burst) {
			delete(k.keys, name)
		}
	}
}
