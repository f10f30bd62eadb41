package ratelimit

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestRepeats: each kind of each client is told of at once, and then as a count; the
// clients that are too many count together.
func TestRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var told []string
		r := NewRepeats(func(client, text string) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, client+": "+text)
		})
		all := func() []string {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			lines := told
			told = nil
			return slices.Sorted(slices.Values(lines))
		}
		heard := func(want ...string) {
			t.Helper()
			if got := all(); !slices.Equal(got, want) {
				t.Errorf("told %q, want %q", got, want)
			}
		}
		kept := func() int {
			r.mu.Lock()
			defer r.mu.Unlock()
			return len(r.told)
		}
		r.Tell("a", "token", "a wrong token")
		r.Tell("a", "role", "rang")
		r.Tell("b", "token", "a wrong token")
		heard("a: a wrong token", "a: rang", "b: a wrong token")
		r.Tell("a", "token", "a wrong token")
		r.Tell("a", "role", "rang")
		r.Tell("a", "role", "drew")
		heard()
		<-time.After(firstPeriod)
		heard("a: a wrong token: 1 more within 1m0s", "a: drew: 2 more within 1m0s")
		r.Tell("b", "token", "a wrong token") // has rested
		r.Tell("a", "token", "a wrong token") // has not
		heard("b: a wrong token")
		<-time.After(2 * firstPeriod)
		heard("a: a wrong token: 1 more within 2m0s")
		<-time.After(longestPeriod)
		heard()
		if n := kept(); n != 0 {
			t.Errorf("%d are left after a rest", n)
		}

		for i := range 10 * maxTold {
			r.Tell(fmt.Sprintf("client %03d", i), "token", "a wrong token")
		}
		if lines, n := len(all()), kept(); lines > maxTold+1 || n > maxTold+1 {
			t.Errorf("%d lines, %d kept", lines, n)
		}
		<-time.After(firstPeriod)
		heard(fmt.Sprintf("other clients: a wrong token: %d more within 1m0s", 9*maxTold-1))
		<-time.After(longestPeriod)
		heard()
		r.Tell("a", "token", "a wrong token")
		r.Tell("a", "token", "a wrong token")
		r.Tell("b", "token", "a wrong token")
		<-time.After(time.Second)
		r.Close()
		heard("a: a wrong token", "a: a wrong token: 1 more within 1s", "b: a wrong token")
		r.Tell("c", "token", "a wrong token")
		r.Close()
		<-time.After(longestPeriod)
		heard()
	})
}
