package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/schedule"
)

// unset has the clock stand where it does on a board that was just switched on, and
// minutes later.
func (s *switchScene) unset(minutes int, want bool) {
	s.t.Helper()
	to := time.Unix(0, 0).UTC().Add(time.Duration(minutes) * time.Minute)
	if step := to.Sub(s.now); step > 0 {
		s.passed += step
	}
	s.now = to
	s.p.check()
	s.is(want)
}

// TestPrivacyClockNotSet: while the clock is not set nobody knows what the schedule says,
// and everything is hidden; that the clock is set then undoes nothing that hides.
func TestPrivacyClockNotSet(t *testing.T) {
	const nights, work = "daily 22:00-06:00", "mon-fri 08:00-17:00"
	for _, minutes := range []int{0, 12 * 60} { // at one of them, the schedule of 1970 begins or ends
		s := newSwitch(t, nights)
		s.at(15, false)
		s.set(true)
		s.unset(minutes, true)
		s.restart(nights)
		s.is(true)
		s.unset(minutes+1, true)
		s.at(15.1, true)
		s.at(21.9, true)
		s.at(22, true) // the schedule has begun: by hand is over
		s.at(30, false)
	}

	s := newSwitch(t, work)
	s.unset(0, true)
	s.restart(work)
	s.is(true)
	s.unset(30*60, true)
	s.at(7, false)
	s.at(10, true)

	// What shows by hand counts for an hour, and neither over a restart nor once the clock
	// is set.
	s.unset(0, true)
	s.set(false)
	s.unset(59, false)
	s.unset(60, true)
	s.unset(61, true)
	s.set(false)
	s.is(false)
	s.restart(work)
	s.is(true)
	s.set(false)
	s.is(false)
	s.at(10, true)
	s.set(false)
	s.is(false)
	s.unset(10, true)
	s.at(10, true)

	// What hides by hand counts from when the clock is set, and no longer, also over a
	// restart.
	s = newSwitch(t, work)
	s.unset(0, true)
	s.set(true)
	s.unset(10*24*60, true)
	s.at(5, true)
	s.at(7, true)
	s.restart(work)
	s.is(true)
	s.at(8, true)
	s.at(17, false)
	s.restart(work)
	s.is(false)

	// Without a schedule there is nothing that the clock could tell.
	s = newSwitch(t, "")
	s.unset(0, false)
	s.set(true)
	s.at(5, true)
	s.set(false)
	s.unset(0, false)
	s.restart("")
	s.is(false)
}

// TestPrivacyClockLeaps: a clock that is set from one time to another, as that of a system
// that begins with the time of the last shutdown, says nothing of the schedule: what hides by
// hand stays until the schedule changes, and what shows does not.
func TestPrivacyClockLeaps(t *testing.T) {
	const nights = "daily 22:00-06:00"
	s := newSwitch(t, nights)
	s.at(20, false) // it is 9:30 of the next day
	s.set(true)
	s.at(20.01, true)
	s.leap(33.5, true)
	s.restart(nights)
	s.is(true)
	s.at(45.9, true)
	s.at(46, true) // the schedule has begun: by hand is over
	s.at(54, false)

	// A time that is wrong for a while.
	s.set(true)
	s.leap(70, true)
	s.leap(54.1, true)
	s.at(69.9, true)
	s.at(78, false)

	s = newSwitch(t, nights)
	s.at(23, true)
	s.set(false)
	s.leap(47.5, true)
	s.set(false)
	s.leap(26, true)
	s.set(false)
	s.leap(26.01, false) // as clocks are set that are right
	s.leap(25.999, false)
	s.at(29.9, false)
}

// TestPrivacyZone: where there is a schedule, start, page and -check say in which time zone
// it is meant and what time it is there; where there is none, they do not.
func TestPrivacyZone(t *testing.T) {
	zone, err := schedule.Zone()
	if err != nil {
		t.Fatal(err)
	}
	in := "private times are in " + zone + "; it is "
	for _, times := range []string{"", "mon 00:00-00:01"} {
		args := []string{"-source", "file:" + clip(t), "-private", times}
		a, _ := start(t, args...)
		var told bytes.Buffer
		var checked safeBuffer
		a.welcome(&told, false)
		if code := run(t.Context(), append(args, "-policy", a.c.Policy, "-check"), nil, &checked, &checked); code != 0 {
			t.Errorf("-check: exit code %d", code)
		}
		for where, text := range map[string]string{"the start": told.String(), "the page": a.status().PrivateTimes, "-check": checked.String()} {
			if strings.Contains(text, in) != (times != "") {
				t.Errorf("private %q: %s says %q", times, where, text)
			}
		}
	}
}

// TestPrivacyZones: by hand counts until the schedule changes wherever the machine is.
func TestPrivacyZones(t *testing.T) {
	for hours := -11; hours <= 12; hours++ {
		s := newSwitch(t, "mon-fri 08:00-17:00")
		s.zone = time.FixedZone("there", hours*3600)
		s.at(17.5, false)
		s.set(true)
		s.at(17.6, true)
		s.restart("mon-fri 08:00-17:00")
		s.is(true)
		s.at(31.9, true)
		s.at(32, true)  // the schedule has begun: by hand is over
		s.at(41, false) // and ended
		s.at(33, true)
		s.set(false)
		s.at(33.1, false)
		s.at(40.9, false)
	}
}
