package recorder

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// trips is a folder of a camera that runs for some minutes at a time.
type trips struct {
	t     *testing.T
	dir   string
	files []string // by the day that each was made on
}

// day is noon of a day.
func day(n int) time.Time { return time.Date(2026, 11, 1+n, 12, 0, 0, 0, time.UTC) }

// run runs the camera for as many minutes as clock says the times of, each while a minute
// passes. With the first a file is made.
func (s *trips) run(clock ...time.Time) {
	s.t.Helper()
	at, passed := clock[0], time.Duration(0)
	store, err := openStore(s.dir, Limits{Age: 48 * time.Hour}, func() time.Time { return at }, func(Event) {})
	if err != nil {
		s.t.Fatal(err)
	}
	defer store.close()
	store.passed = func() time.Duration { return passed }
	path := filepath.Join(s.dir, store.name())
	boxes := "\x00\x00\x00\x08moof\x00\x00\x00\x08mdat"
	if err := os.WriteFile(path, []byte(boxes), 0o600); err != nil {
		s.t.Fatal(err)
	}
	store.put(path, int64(len(boxes)))
	s.files = append(s.files, path)
	for _, now := range clock {
		for second := range 60 {
			at = now.Add(time.Duration(second) * time.Second)
			store.keepRetention(0)
			passed += time.Second
		}
	}
}

// minutes are the times of a clock that goes on for so many from a time.
func minutes(n int, from time.Time) (all []time.Time) {
	for i := range n {
		all = append(all, from.Add(time.Duration(i)*time.Minute))
	}
	return all
}

// left fails unless the files of these runs are there, and no other.
func (s *trips) left(want ...int) {
	s.t.Helper()
	var got []int
	for i, path := range s.files {
		if _, err := os.Stat(path); err == nil {
			got = append(got, i)
		} else if !errors.Is(err, os.ErrNotExist) {
			s.t.Fatal(err)
		}
	}
	if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
		s.t.Errorf("the files of the runs %v are left, want %v", got, want)
	}
	if found, others, err := List(s.dir); err != nil || len(found) != len(want) || others != 0 {
		s.t.Errorf("%d recordings, %d others, %v", len(found), others, err)
	}
	files(s.t, s.dir)
	nothingElse(s.t, s.dir)
}

// TestShortRuns: a camera that never runs for ten minutes removes what was too old when it
// ran the last time.
func TestShortRuns(t *testing.T) {
	s := &trips{t: t, dir: t.TempDir()}
	for i := range 4 {
		s.run(minutes(5, day(i))...)
	}
	s.left(1, 2, 3) // the run of day 2 ended more than 48 hours after the file of day 0
	s.run(minutes(5, day(4))...)
	s.left(2, 3, 4)

	// A file that cannot be read is none: ten minutes have to come together again.
	if err := os.WriteFile(filepath.Join(s.dir, clockFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		s.run(minutes(5, day(10+i))...)
	}
	s.left(2, 3, 4, 5, 6, 7)
	s.run(minutes(5, day(13))...)
	s.left(6, 7, 8)
}

// TestShortRunsBehind: a clock that begins each run with the time of the last one's end, and
// is set then, is as good as one that is right from the start.
func TestShortRunsBehind(t *testing.T) {
	s := &trips{t: t, dir: t.TempDir()}
	for i := range 7 {
		s.run(append(minutes(2, day(i-1)), minutes(4, day(i))...)...)
	}
	if _, err := os.Stat(s.files[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what is too old is left: %v", err)
	}
	if _, err := os.Stat(s.files[6]); err != nil {
		t.Error(err)
	}
}

// TestShortRunsAhead: a clock that is wrong in one run, and in the next one, which begins with
// the time of its end, until the network sets it, removes nothing.
func TestShortRunsAhead(t *testing.T) {
	s := &trips{t: t, dir: t.TempDir()}
	for i := range 3 {
		s.run(minutes(5, day(4).Add(time.Duration(i)*6*time.Minute))...)
	}
	s.run(minutes(5, day(5000))...)
	s.run(append(minutes(2, day(5000).Add(10*time.Minute)), minutes(3, day(5))...)...)
	s.left(0, 1, 2, 3, 4)
}

// TestShortRunWrong: a clock that is wrong in one short run, whenever and in whichever
// direction, removes nothing, and keeps nothing for good.
func TestShortRunWrong(t *testing.T) {
	for name, clock := range map[string][]time.Time{
		"ahead":          minutes(9, day(5000)),
		"ahead at first": append(minutes(3, day(5000)), minutes(5, day(4).Add(5*time.Minute))...),
		"ahead at last":  append(minutes(3, day(4).Add(5*time.Minute)), minutes(5, day(5000))...),
		"behind":         minutes(9, day(-20000)),
	} {
		t.Run(name, func(t *testing.T) {
			s := &trips{t: t, dir: t.TempDir()}
			for range 3 {
				s.run(minutes(5, day(4).Add(time.Duration(len(s.files))*time.Minute*6))...)
			}
			s.run(clock...)
			s.left(0, 1, 2, 3)
			s.run(minutes(5, day(5))...)
			s.left(0, 1, 2, 3, 4)
			for i := range 6 {
				s.run(minutes(5, day(9+i))...)
			}
			if _, err := os.Stat(s.files[4]); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("what is too old is left: %v", err)
			}
		})
	}
}
