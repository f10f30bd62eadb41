package recorder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hedgecam/hedge/examples/internal/wallclock"
)

const (
	// partPrefix begins the names of files that have no fragment yet.
	partPrefix = ".part-"
	nameTime   = "20060102T150405Z"
	// repaired is how many of the newest files are looked at for damage: there
	// is one writer, and at most one before it that did not end well.
	repaired = 2
	// retainEvery is how often the limits are looked at, whether something is written or not.
	retainEvery = time.Second
	// removeAgain is the time from one attempt to remove a file to the next.
	removeAgain = time.Minute
)

var nameForm = regexp.MustCompile(`^hedge-(\d{6,12})-(\d{8}T\d{6}Z)\.mp4$`)

// recording is a file of the store.
type recording struct {
	name   string
	number int64
	size   int64
	at     time.Time
}

func parseName(name string) (recording, bool) {
	m := nameForm.FindStringSubmatch(name)
	if m == nil {
		return recording{}, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return recording{}, false
	}
	at, err := time.Parse(nameTime, m[2])
	return recording{name: name, number: n, at: at}, err == nil
}

// store is a folder of recordings. It is used by one goroutine.
type store struct {
	dir     string
	lock    lock
	limits  Limits
	clock   func() time.Time
	onEvent func(Event)

	files []recording // complete ones, the oldest first
	total int64       // their size
	next  int64       // number of the next one
	stuck []recording // are beyond a limit and could not be removed

	// The clock was right at checked by the wall clock and by the monotonic one,
	// and steady since.
	checked time.Time
	passed  func() time.Duration // the time that passed, whatever the clock does
	at      time.Duration        // passed when checked
	since   time.Duration        // passed when the clock was last wrong
	before  mark                 // of the runs before this one
	noted   time.Duration        // passed when the clock was last noted down
	kept    time.Duration        // passed when keepRetention last looked
	tried   time.Duration        // passed when what is stuck was last tried
}

// openStore makes the folder if need be, keeps it for itself until close, and takes stock of
// it. Nothing in a folder that is another's is touched.
func openStore(dir string, l Limits, clock func() time.Time, onEvent func(Event)) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("recorder: folder for recordings: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	s := &store{dir: dir, lock: lock, limits: l, clock: clock, onEvent: onEvent, next: 1, before: readMark(dir),
		passed: func() time.Duration { return time.Since(begin) }}
	s.checked = clock().Round(0)
	if err := s.takeStock(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// close leaves the folder to others.
func (s *store) close() { s.lock.free() }

// takeStock finds out what there is in the folder, and repairs it.
func (s *store) takeStock() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("recorder: folder for recordings: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		if rest, ok := strings.CutPrefix(name, partPrefix); ok && nameForm.MatchString(rest) {
			if err := os.Remove(filepath.Join(s.dir, name)); err != nil {
				return fmt.Errorf("recorder: remove what is left of a recording: %w", err)
			}
			continue
		}
		r, ok := parseName(name)
		if !ok || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return fmt.Errorf("recorder: folder for recordings: %w", err)
		}
		r.size = info.Size()
		s.files = append(s.files, r)
	}
	slices.SortFunc(s.files, func(a, b recording) int {
		return int(min(max(a.number-b.number, -1), 1))
	})
	if n := len(s.files); n > 0 {
		s.next = s.files[n-1].number + 1
	}
	if err := s.repair(); err != nil {
		return err
	}
	for _, r := range s.files {
		s.total += r.size
	}
	return nil
}

// repair cuts off what the newest files have behind their last whole fragment.
func (s *store) repair() error {
	for i := len(s.files) - 1; i >= max(0, len(s.files)-repaired); i-- {
		r := &s.files[i]
		path := filepath.Join(s.dir, r.name)
		good, err := wholeFragmentsOf(path, r.size)
		if err != nil {
			return fmt.Errorf("recorder: look at the last recording: %w", err)
		}
		if good == r.size {
			continue
		}
		if good > 0 {
			err = os.Truncate(path, good)
		} else {
			err = os.Remove(path)
		}
		if err != nil {
			return fmt.Errorf("recorder: repair the last recording: %w", err)
		}
		r.size = good
		s.onEvent(Event{Kind: Repaired, Path: path})
	}
	s.files = slices.DeleteFunc(s.files, func(r recording) bool { return r.size == 0 })
	return nil
}

func wholeFragmentsOf(path string, size int64) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	good, err := wholeFragments(f, size)
	return good, errors.Join(err, f.Close())
}

// name returns the name for a file that begins now.
func (s *store) name() string {
	n := s.nextName()
	s.next++
	return n
}

func (s *store) nextName() string {
	return fmt.Sprintf("hedge-%06d-%s.mp4", s.next, s.clock().UTC().Format(nameTime))
}

// put takes a file in that is complete.
func (s *store) put(path string, size int64) {
	r, ok := parseName(filepath.Base(path))
	if !ok || size == 0 {
		return
	}
	r.size = size
	s.files = append(s.files, r)
	s.total += size
}

// holds returns how many files there are, and their size.
func (s *store) holds() (files int, size int64) {
	size = s.total
	for _, r := range s.stuck {
		size += r.size
	}
	return len(s.files) + len(s.stuck), size
}

// enforceRetention removes what is beyond the limits, the oldest first. growing is the size
// of the file that is being written. One that cannot be removed is told of, does not
// count any more, so that no other has to go in its place, and is tried again later.
func (s *store) enforceRetention(growing int64) {
	tooOld := s.tooOld()
	for len(s.files) > 0 {
		r := s.files[0]
		tooMuch := s.limits.Bytes > 0 && s.total+growing > s.limits.Bytes
		tooMany := s.limits.Files > 0 && len(s.files) > s.limits.Files
		if !tooMuch && !tooMany && tooOld == 0 {
			return
		}
		tooOld = max(tooOld-1, 0)
		s.files = s.files[1:]
		s.total -= r.size
		if err := s.remove(r); err != nil {
			s.onEvent(Event{Kind: NotRemoved, Path: filepath.Join(s.dir, r.name), Err: err})
			s.stuck = append(s.stuck, r)
		}
	}
}

// remove removes a file, and tells of it.
func (s *store) remove(r recording) error {
	path := filepath.Join(s.dir, r.name)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.onEvent(Event{Kind: Removed, Path: path})
	return nil
}

// keepRetention is enforceRetention, at most once in retainEvery, and from time to time
// another attempt at what could not be removed: for whatever is, or is not, written.
func (s *store) keepRetention(growing int64) {
	passed := s.passed()
	if passed-s.kept < retainEvery {
		return
	}
	s.kept = passed
	if passed-s.tried >= removeAgain {
		s.tried = passed
		s.stuck = slices.DeleteFunc(s.stuck, func(r recording) bool { return s.remove(r) == nil })
	}
	s.enforceRetention(growing)
}

// tooOld returns how many of the oldest files are too old. A file is no younger
// than the ones after it: that counts where its own time is after theirs, or lies
// in a time in which none can have been made, because the clock was wrong.
func (s *store) tooOld() int {
	if s.limits.Age == 0 {
		return 0
	}
	now, settled := s.time()
	if !settled {
		return 0
	}
	at := now
	for i := len(s.files) - 1; i >= 0; i-- {
		if r := s.files[i]; r.at.Before(at) && wallclock.Plausible(r.at) {
			at = r.at
		}
		if now.Sub(at) > s.limits.Age {
			return i + 1
		}
	}
	return 0
}
