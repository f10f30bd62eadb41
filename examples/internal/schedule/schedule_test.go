package schedule

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestAt: days, spans over midnight, the change of the clocks, the sun.
func TestAt(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones: apt-get install tzdata")
	}
	munich, tromso := &Place{48.14, 11.58}, &Place{69.65, 18.96}
	for _, c := range []struct {
		text  string
		place *Place
		at    string // local
		want  bool
	}{
		{"", nil, "2026-11-29 12:00", false},
		{"daily 00:00-24:00", nil, "2026-11-29 23:59", true},
		{"mon-fri 08:00-17:00", nil, "2026-11-30 08:00", true}, // a Monday
		{"mon-fri 08:00-17:00", nil, "2026-11-30 07:59", false},
		{"mon-fri 08:00-17:00", nil, "2026-11-30 17:00", false},
		{"mon-fri 08:00-17:00", nil, "2026-11-29 12:00", false},
		{"sun 22:00-06:00", nil, "2026-11-30 05:59", true}, // began on Sunday
		{"sun 22:00-06:00", nil, "2026-11-30 06:00", false},
		{"sun 22:00-06:00", nil, "2026-11-30 22:30", false},
		{"fri-mon 10:00-11:00", nil, "2026-11-29 10:30", true}, // around the week's end
		{"fri-mon 10:00-11:00", nil, "2026-12-01 10:30", false},
		{"mon 10:00-10:00", nil, "2026-12-01 09:59", true}, // a whole day
		{"mon 10:00-10:00", nil, "2026-12-01 10:00", false},
		{"sat,sun 01:00-02:00; tue 12:00-13:00", nil, "2026-12-01 12:30", true},
		{"sun 01:00-03:30", nil, "2026-03-29 03:15", true}, // the clocks went from 2 to 3
		{"sun 01:00-03:30", nil, "2026-03-29 03:30", false},
		{"sun 01:00-02:30", nil, "2026-10-25 03:00", false},
		{"daily sunset-sunrise", munich, "2026-11-29 16:00", false}, // sets at 16:23, rises at 7:42
		{"daily sunset-sunrise", munich, "2026-11-29 16:45", true},
		{"daily sunset-sunrise", munich, "2026-11-30 07:20", true},
		{"daily sunset-sunrise", munich, "2026-11-30 08:00", false},
		{"daily sunset-22:00", munich, "2026-11-30 21:59", true},
		{"daily sunrise-sunset", tromso, "2026-12-20 12:00", true}, // it does not rise: hidden
	} {
		s, err := Parse(c.text, c.place)
		if err != nil {
			t.Fatalf("%q: %v", c.text, err)
		}
		at, err := time.ParseInLocation("2006-01-02 15:04", c.at, berlin)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.At(at); got != c.want {
			t.Errorf("%q at %s: %t", c.text, c.at, got)
		}
	}
}

// TestZone: the zone has the name that people know; a TZ that is not known, for which Go
// takes UTC without a word, is refused with the way out.
func TestZone(t *testing.T) {
	for _, c := range []struct{ tz, local, link, want string }{
		{"Europe/Berlin", "Europe/Berlin", "", "Europe/Berlin"},
		{":/usr/share/zoneinfo/Europe/Berlin", "/usr/share/zoneinfo/Europe/Berlin", "", "Europe/Berlin"},
		{"", "Local", "../usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin"},
		{"", "Local", "", "the zone of /etc/localtime"},
		{"", "UTC", "", "UTC"},
		{"UTC", "UTC", "", "UTC"},
		{":UTC", "UTC", "", "UTC"},
		{"Etc/UTC", "Etc/UTC", "", "Etc/UTC"},
		{"Europe/Berln", "UTC", "", ""},
		{"CET-1CEST", "UTC", "", ""},
	} {
		got, err := zone(c.tz, c.local, func(string) (string, error) {
			if c.link == "" {
				return "", errors.New("no link")
			}
			return c.link, nil
		})
		if got != c.want || (err == nil) != (c.want != "") || err != nil && !(strings.Contains(err.Error(), c.tz) && strings.Contains(err.Error(), "TZ=Europe/Berlin")) {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
	if name, err := Zone(); name == "" || err != nil {
		t.Errorf("this machine's: %q, %v", name, err)
	}
}

// TestBadSchedules: what is wrong is named, with what would be right.
func TestBadSchedules(t *testing.T) {
	for text, want := range map[string]string{
		"08:00-17:00": "like mon-fri 08:00-17:00", "mon": "like mon-fri", "monday 08:00-17:00": "no days", "mon-xyz 08:00-17:00": "no days",
		"mon 8-17": "no time of day", "mon 08:00": "no time of day", "mon 25:00-26:00": "no time of day", "mon sunset-08:00": "latitude and longitude", "mon 08:00-09:00 x": "no entry",
	} {
		if _, err := Parse(text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestChanged: a beginning or an end between two times is seen, also when both times are
// inside, or outside.
func TestChanged(t *testing.T) {
	s, err := Parse("daily 10:00-11:00", nil)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	at := func(hours float64) time.Time { return day.Add(time.Duration(hours * float64(time.Hour))) }
	for _, c := range []struct {
		from, to float64
		want     bool
	}{{8, 9, false}, {8, 10, true}, {10.1, 10.9, false}, {8, 12, true}, {10.5, 34.5, true}, {11, 33.9, false}, {9, 8, false}, {0, 24 * 30, true}} {
		if got := s.Changed(at(c.from), at(c.to)); got != c.want {
			t.Errorf("from %v to %v: %t", c.from, c.to, got)
		}
	}
	if (Schedule{}).Changed(at(0), at(24*30)) {
		t.Error("an empty schedule changed")
	}
}
