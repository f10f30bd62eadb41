// Package schedule knows times of the week, such as "mon-fri 08:00-17:00; sat,sun
// sunset-sunrise".
package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nathan-osman/go-sunrise"
)

// Place is where the sun is looked at, in degrees, north and east positive.
type Place struct{ Latitude, Longitude float64 }

// Schedule is a set of times of the week. The zero value has none.
type Schedule struct {
	entries []entry
	place   *Place
}

// entry is a span of some days of the week, from begin to end; where end is not after
// begin it is of the next day.
type entry struct {
	days       [7]bool // by time.Weekday
	begin, end moment
}

// moment is a time of day.
type moment struct {
	sun          string // "", "sunrise" or "sunset"
	hour, minute int
}

var dayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Parse reads a schedule: entries of days and a span, separated by semicolons. Days are
// daily, or mon to sun and ranges of them, separated by commas; times are like 07:30, or
// sunrise and sunset, for which a place is needed. A span that ends before it begins ends
// on the next day. An empty text is an empty schedule.
func Parse(text string, place *Place) (Schedule, error) {
	s := Schedule{place: place}
	for part := range strings.SplitSeq(text, ";") {
		fields := strings.Fields(strings.ToLower(part))
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			return Schedule{}, fmt.Errorf("%q is no entry of a schedule: write it like mon-fri 08:00-17:00", strings.TrimSpace(part))
		}
		var e entry
		if err := e.parseDays(fields[0]); err != nil {
			return Schedule{}, err
		}
		begin, end, _ := strings.Cut(fields[1], "-")
		var err, err2 error
		e.begin, err = parseMoment(begin)
		e.end, err2 = parseMoment(end)
		if err := errors.Join(err, err2); err != nil {
			return Schedule{}, err
		}
		if (e.begin.sun != "" || e.end.sun != "") && place == nil {
			return Schedule{}, errors.New("sunrise and sunset need the place: give latitude and longitude")
		}
		s.entries = append(s.entries, e)
	}
	return s, nil
}

func (e *entry) parseDays(text string) error {
	for name := range strings.SplitSeq(text, ",") {
		if name == "daily" {
			e.days = [7]bool{true, true, true, true, true, true, true}
			continue
		}
		first, last, isRange := strings.Cut(name, "-")
		if !isRange {
			last = first
		}
		from, to := slices.Index(dayNames, first), slices.Index(dayNames, last)
		if from < 0 || to < 0 {
			return fmt.Errorf("%q are no days: write them like mon-fri, sat,sun or daily", name)
		}
		for d := from; ; d = (d + 1) % 7 {
			e.days[d] = true
			if d == to {
				break
			}
		}
	}
	return nil
}

func parseMoment(text string) (moment, error) {
	if text == "sunrise" || text == "sunset" {
		return moment{sun: text}, nil
	}
	if text == "24:00" {
		return moment{hour: 24}, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return moment{}, fmt.Errorf("%q is no time of day: write it like 07:30, sunrise or sunset", text)
	}
	return moment{hour: t.Hour(), minute: t.Minute()}, nil
}

// Empty reports whether there is no entry.
func (s Schedule) Empty() bool { return len(s.entries) == 0 }

// At reports whether a time, in its own time zone, is within the schedule. Where the sun
// does not rise or set on a day, all of that day's entry is.
func (s Schedule) At(t time.Time) bool {
	for _, e := range s.entries {
		for _, back := range []int{0, -1} { // one that began yesterday may not have ended
			y, m, d := t.AddDate(0, 0, back).Date()
			if !e.days[time.Date(y, m, d, 12, 0, 0, 0, t.Location()).Weekday()] {
				continue
			}
			begin, known := s.on(e.begin, y, m, d, t.Location())
			end, known2 := s.on(e.end, y, m, d, t.Location())
			if !known || !known2 {
				if back == 0 {
					return true
				}
				continue
			}
			if !end.After(begin) {
				end, _ = s.on(e.end, y, m, d+1, t.Location())
			}
			if !t.Before(begin) && t.Before(end) {
				return true
			}
		}
	}
	return false
}

// on returns a moment of a day, and whether there is one.
func (s Schedule) on(m moment, year int, month time.Month, day int, zone *time.Location) (time.Time, bool) {
	if m.sun == "" {
		return time.Date(year, month, day, m.hour, m.minute, 0, 0, zone), true
	}
	y, mo, d := time.Date(year, month, day, 12, 0, 0, 0, time.UTC).Date() // day may be the 32nd
	rise, set := sunrise.SunriseSunset(s.place.Latitude, s.place.Longitude, y, mo, d)
	if m.sun == "sunset" {
		rise = set
	}
	return rise.In(zone), !rise.IsZero()
}

// Changed reports whether the schedule began or ended at a time after from, up to and
// with to, in the time zone of to. Of more than nine days it has, unless it is empty.
func (s Schedule) Changed(from, to time.Time) bool {
	if s.Empty() || !to.After(from) {
		return false
	}
	from = from.In(to.Location())
	if to.Sub(from) > 9*24*time.Hour {
		return true
	}
	was := s.At(from)
	for t := from.Add(time.Minute); t.Before(to); t = t.Add(time.Minute) {
		if s.At(t) != was {
			return true
		}
	}
	return s.At(to) != was
}
