package ratelimit

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestChanges: the first two changes are told of at once, further ones with a count once
// the state holds or the period ends; after a rest it begins anew.
func TestChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var told []string
		c := NewChanges(func(s string, times int, within time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, fmt.Sprintf("%s %d %v", s, times, within))
		})
		lines := func() []string { // since the last call
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			all := told
			told = nil
			return all
		}
		heard := func(want ...string) {
			t.Helper()
			if got := lines(); !slices.Equal(got, want) {
				t.Errorf("told %q, want %q", got, want)
			}
		}
		c.Change("on")
		<-time.After(time.Second)
		c.Change("off")
		heard("on 0 0s", "off 0 0s")
		<-time.After(firstPeriod)
		c.Change("on") // has rested
		c.Change("off")
		heard("on 0 0s", "off 0 0s")
		c.Change("on")
		c.Change("off")
		c.Change("on")
		heard()
		<-time.After(firstPeriod / calmShare)
		heard("on 3 8s")
		for range 60 {
			c.Change("off")
			c.Change("on")
			<-time.After(time.Second)
		}
		heard("on 106 53s") // at the period's end
		c.Change("off")
		c.Now("moved") // which is told of at once
		heard("moved 15 8s")
		<-time.After(longestPeriod)
		heard()
		for range 3 * 3600 {
			c.Change("on")
			c.Change("off")
			<-time.After(time.Second)
		}
		if got := lines(); len(got) > 12 {
			t.Errorf("%d lines in three hours: %q", len(got), got)
		}
		c.Change("on")
		c.Close()
		if got := lines(); len(got) != 1 || got[0][:3] != "on " {
			t.Errorf("at the end %q", got)
		}
		c.Change("off")
		c.Now("off")
		c.Close()
		<-time.After(longestPeriod)
		heard()
	})
}
