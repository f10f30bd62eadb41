// Package limit limits how often something may happen, and how many idle
// connections a server keeps.
package limit

import (
	"sync"

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
	others *rate.Limiter // for all keys that there is no room for
}

// New returns a Keyed that lets burst events of a key through at once, and then
// perSecond.
func New(perSecond float64, burst int) *Keyed {
	r := rate.Limit(perSecond)
	return &Keyed{rate: r, burst: burst, keys: map[string]*rate.Limiter{}, others: rate.NewLimiter(r, burst)}
}

// Allow reports whether one more event of the key may happen now.
func (k *Keyed) Allow(key string) bool { return k.of(key).Allow() }

func (k *Keyed) of(key string) *rate.Limiter {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.keys[key]; l != nil {
		return l
	}
	if len(k.keys) >= maxKeys {
		// Those that have rested long enough are as good as new.
		for name, l := range k.keys {
			if l.Tokens() >= float64(k.burst) {
				delete(k.keys, name)
			}
		}
		if len(k.keys) >= maxKeys {
			return k.others
		}
	}
	l := rate.NewLimiter(k.rate, k.burst)
	k.keys[key] = l
	return l
}
