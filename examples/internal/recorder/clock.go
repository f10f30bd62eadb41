package recorder

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/hedgecam/hedge/internal/atomicfile"
)

const (
	// steady is how long the clock must have been steady for age to count, and
	// jump how far it may be from the time that passed.
	steady, jump = 10 * time.Minute, time.Minute
	// markEvery is how often the clock is noted down until it has been steady for so long
	// in one run; then it is less often.
	markEvery = time.Minute
	// clockFile is where, and clockPart is that file while it is written.
	clockFile, clockPart = ".hedge-clock.json", partPrefix + "clock"
)

// mark is what is kept of the clock over a restart: up to Time it was steady for so long, in
// runs each of which came to times that are not before the end of the last one.
type mark struct {
	Time   time.Time `json:"time"`
	Steady int64     `json:"steadySeconds"`
}

// readMark returns the mark of the runs before. One that is not there, or cannot be read,
// says that there were none.
func readMark(dir string) (m mark) {
	data, err := os.ReadFile(filepath.Join(dir, clockFile))
	if err != nil || json.Unmarshal(data, &m) != nil {
		return mark{}
	}
	return m
}

// time returns a time that it is by now, and whether there is one that can be relied on.
// That is the clock's once it was steady for long enough. Before, it is the time at which
// the run before was: if the clock of then was wrong it is after the one of this run, and if
// the clock of this run is wrong, what it shows does not matter.
func (s *store) time() (time.Time, bool) {
	now, passed := s.clock().Round(0), s.passed()
	if off := now.Sub(s.checked) - (passed - s.at); off > jump || off < -jump {
		s.since = passed
	}
	s.checked, s.at = now, passed
	run := passed - s.since
	s.note(now, run)
	if run >= steady {
		return now, true
	}
	return s.before.Time, s.goesOn(now) && s.before.Steady >= int64(steady.Seconds())
}

// goesOn reports whether the clock is where it can be after the runs before.
func (s *store) goesOn(now time.Time) bool { return !now.Before(s.before.Time) }

// note keeps, from time to time, that the clock has been steady for so long in this run. A
// clock that is wrong until the network sets it is not noted down if that is within a minute.
func (s *store) note(now time.Time, run time.Duration) {
	every := markEvery
	if run >= steady {
		every = steady
	}
	if run < markEvery || s.at-s.noted < every {
		return
	}
	s.noted = s.at
	m := mark{Time: now.UTC(), Steady: int64(run.Seconds())}
	// Years later the runs before say nothing of this clock.
	if s.goesOn(now) && now.Sub(s.before.Time) <= s.limits.Age {
		m.Steady += s.before.Steady
	}
	// What goes wrong is that files are removed later.
	_ = m.write(s.dir)
}

func (m mark) write(dir string) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	part := filepath.Join(dir, clockPart)
	if err := os.WriteFile(part, append(data, '\n'), 0o600); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return atomicfile.Publish(part, filepath.Join(dir, clockFile), true)
}
