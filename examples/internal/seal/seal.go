// Package seal keeps a policy from being loosened quietly: what a sealed policy hides
// stays hidden until who may edit has asked, somebody at the device has agreed, and a
// delay has passed in which anybody who may edit can stop it.
//
// # How the delay is counted
//
// A loosening is due at the later of two times: when the program has run for the delay
// since the act at the device, summed over its runs and counted by a clock that nobody
// can set; and when the wall clock says that the delay has passed. A wall clock that
// jumps forward makes it no earlier, one that jumps back makes it later, and so does
// time in which the program did not run, when nobody could be told.
package seal

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/hedgecam/hedge/examples/internal/statefile"
	"github.com/hedgecam/hedge/redact"
)

const (
	// Suffix is that of the seal's file, beside the policy's.
	Suffix = ".seal"
	// Kind is that of its events.
	Kind = "seal"
	// Window is how long, in the program's running time, a loosening waits for
	// somebody at the device.
	Window = time.Hour

	// maxFloor is how many policies hold together, maxSizes how many sizes of pictures
	// are remembered.
	maxFloor, maxSizes = 8, 8
	// persistEvery is how often progress is written down, and what could not be is tried
	// again.
	persistEvery = time.Minute
)

// Why a loosening cannot be asked for or granted.
var (
	ErrNotSealed = errors.New("the policy is not sealed: save the zones")
	ErrNotLooser = errors.New("the zones show no more than the sealed ones: save them")
	ErrNotDue    = errors.New("no loosening of that kind is due")
	ErrDamaged   = errors.New("the seal's file cannot be read, so that everything stays hidden: put it back from a copy, or remove it at the device, which ends the seal")
)

// LooserError says that a policy would show more than the sealed one.
type LooserError struct {
	Looser redact.Looser
	// Full: it would only beside its edges, and no more policies can hold together.
	Full bool
}

func (e *LooserError) Error() string {
	text := "the policy is sealed, and this one would show more: " + e.Looser.By.String()
	if at := e.Looser.At; !at.Empty() && e.Looser.Size != (image.Point{}) {
		text += fmt.Sprintf(", such as %d %% from the left and %d %% from the top", 100*at.Min.X/e.Looser.Size.X, 100*at.Min.Y/e.Looser.Size.Y)
	}
	if e.Full {
		text += "; beside the edges only, so draw the zones that you changed smaller by a few percent on all sides, and save those"
	}
	return text
}

// Options are what a Seal is made of.
type Options struct {
	// Path is that of its file.
	Path string
	// Begin seals a policy that is not sealed yet.
	Begin bool
	// Delay is how long a loosening waits.
	Delay time.Duration
	// Told is told what happens.
	Told func(text string)

	// Now is the wall clock, and Running how long the program has run. They default
	// to the machine's.
	Now     func() time.Time
	Running func() time.Duration

	files  files // of Path
	looser func(p, was *redact.Policy, sizes []image.Point) *redact.Looser
}

// files keeps a file; a test has one of its own.
type files interface {
	read() ([]byte, error)
	write(data []byte) error
}

type disk struct{ path string }

func (d disk) read() ([]byte, error)   { return os.ReadFile(d.path) }
func (d disk) write(data []byte) error { return statefile.Write(d.path, data, 0o600) }

// Seal is the seal on a policy. Its methods may be called by any goroutine.
type Seal struct {
	o Options

	work sync.Mutex // held by who changes what holds, which may take a second

	mu      sync.Mutex
	sealed  bool
	damaged bool
	delay   time.Duration
	floor   []*redact.Policy // what each hides is hidden; the newest first
	sizes   []image.Point
	waiting *waiting
	ran     time.Duration // Running at the last Tick
	tried   time.Duration // Running when the file was last written, or could not be
	told    string        // what came of it that it cannot be written; "": it can
	changes uint64
	verdict verdict
}

// verdict remembers what the last policy was judged to be.
type verdict struct {
	sum     string
	changes uint64
	floor   []*redact.Policy
	err     error
}

// Open reads the seal's file, or seals the policy now if Begin says so. current is the
// policy of the policy's file, nil if there is none that can be used. It returns the
// policy to put in force, beside Floor: current, unless that is looser than the sealed
// one, which then stays.
func Open(o Options, current *redact.Policy) (*Seal, *redact.Policy) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Running == nil {
		start := time.Now()
		o.Running = func() time.Duration { return time.Since(start) }
	}
	if o.files == nil {
		o.files = disk{o.Path}
	}
	if o.looser == nil {
		o.looser = func(p, was *redact.Policy, sizes []image.Point) *redact.Looser { return p.LooserThan(was, sizes...) }
	}
	s := &Seal{o: o, ran: o.Running(), delay: o.Delay}
	s.tried = s.ran
	switch err := s.load(); {
	case errors.Is(err, fs.ErrNotExist) && !o.Begin:
		return s, current
	case errors.Is(err, fs.ErrNotExist):
		s.sealed = true
		if current == nil {
			o.Told("the policy that is saved first will be sealed")
		} else {
			o.Told("the policy is sealed from now on: it can be tightened freely, and loosened with a delay only")
		}
	case err != nil:
		s.sealed, s.damaged, s.floor, s.waiting = true, true, []*redact.Policy{redact.HideEverything()}, nil
		o.Told(fmt.Sprintf("%v (%v)", ErrDamaged, err))
		return s, nil
	}
	if current == nil {
		return s, nil
	}
	if _, err := s.Take(current); err != nil {
		if len(s.floor) == 0 {
			return s, nil
		}
		o.Told(fmt.Sprintf("the policy's file was changed while the program did not run. %v. The sealed policy stays in force", err))
		return s, s.floor[0]
	}
	return s, current
}

// Floor returns the policies that hold beside every other, none if nothing is sealed.
func (s *Seal) Floor() []*redact.Policy {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.floor)
}

// Judge returns a *LooserError if the policy is looser than the sealed one.
func (s *Seal) Judge(p *redact.Policy) error {
	s.work.Lock()
	defer s.work.Unlock()
	_, err := s.judge(p)
	return err
}

// judge returns the floor with the policy, or the *LooserError. It is called with work
// held.
func (s *Seal) judge(p *redact.Policy) ([]*redact.Policy, error) {
	s.mu.Lock()
	floor, sizes, sealed, known := s.floor, s.sizes, s.sealed, s.verdict
	changes := s.changes
	s.mu.Unlock()
	if !sealed {
		return nil, nil
	}
	sum := p.SHA256()
	if known.sum == sum && known.changes == changes {
		return known.floor, known.err
	}
	next, err := s.beside(p, floor, sizes)
	s.mu.Lock()
	s.verdict = verdict{sum, changes, next, err}
	s.mu.Unlock()
	return next, err
}

// beside returns the floor that p makes with those of the old one that it does not
// stand for by itself.
func (s *Seal) beside(p *redact.Policy, floor []*redact.Policy, sizes []image.Point) ([]*redact.Policy, error) {
	next := []*redact.Policy{p}
	var last *redact.Looser
	for _, was := range floor {
		l := s.o.looser(p, was, sizes)
		if l == nil {
			continue
		}
		if !l.Beside {
			return nil, &LooserError{Looser: *l}
		}
		next, last = append(next, was), l
	}
	if len(next) > maxFloor {
		return nil, &LooserError{Looser: *last, Full: true}
	}
	return next, nil
}

// Take takes a policy that is no looser than the sealed one, and returns the floor with
// it; a loosening that waits is stopped. The policy is to be in its file before. The
// error is a *LooserError, and nothing has changed then. What cannot be written down
// holds all the same.
func (s *Seal) Take(p *redact.Policy) ([]*redact.Policy, error) {
	s.work.Lock()
	defer s.work.Unlock()
	next, err := s.judge(p)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.sealed {
		return nil, nil
	}
	if same := len(s.floor) > 0 && s.floor[0].SHA256() == p.SHA256(); same && s.waiting == nil {
		return slices.Clone(s.floor), nil
	} else if s.waiting != nil && (!same || s.waiting.byFile()) {
		s.waiting = nil
		s.o.Told("the loosening that waited is stopped, because other zones were saved")
	}
	s.floor = next
	s.changes++
	if err := s.persist(); err != nil {
		s.unwritten("the seal cannot be written down, and holds until the program ends", err)
	}
	return slices.Clone(s.floor), nil
}

// Seen notes a size of the camera's pictures, for which policies are compared too.
func (s *Seal) Seen(size image.Point) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.sealed || s.damaged || size.X <= 0 || size.Y <= 0 || slices.Contains(s.sizes, size) {
		return
	}
	s.sizes = append([]image.Point{size}, s.sizes[:min(len(s.sizes), maxSizes-1)]...)
	s.changes++
	s.note()
}

// Ask asks for a looser policy; who says by whom. Somebody at the device has to agree
// within an hour. A loosening that waited before is stopped.
func (s *Seal) Ask(p *redact.Policy, who string) error {
	s.work.Lock()
	defer s.work.Unlock()
	_, err := s.judge(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	var looser *LooserError
	switch {
	case !s.sealed:
		return ErrNotSealed
	case s.damaged:
		return ErrDamaged
	case !errors.As(err, &looser):
		return ErrNotLooser
	}
	was := s.waiting
	if was != nil && who == FileAsked && was.byFile() && was.policy.SHA256() == p.SHA256() {
		return nil // it says so still, as after a restart
	}
	s.waiting = &waiting{policy: p, Code: rand.Text()[:8], Who: who, What: looser.Looser.By.String(), Asked: s.o.Now().UTC()}
	s.ran = s.o.Running()
	if err := s.persist(); err != nil {
		s.waiting = was
		return fmt.Errorf("the loosening cannot be written down: %w", err)
	}
	s.o.Told(fmt.Sprintf("zones that show more are asked for (%s; by %s). Nothing changes unless somebody at the device agrees within %v; the code is %s", s.waiting.What, who, Window, s.waiting.Code))
	return nil
}

// Agree is told of an act at the device. It reports whether something waited for it.
func (s *Seal) Agree(how string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.waiting
	if w == nil || !w.Agreed.IsZero() {
		return false
	}
	was := *w
	w.Agreed, w.Elapsed, w.Delay = s.o.Now().UTC(), 0, s.delay
	s.ran = s.o.Running()
	if err := s.persist(); err != nil {
		*w = was
		s.unwritten("nobody has agreed yet, because it cannot be written down", err)
		return false
	}
	s.o.Told(fmt.Sprintf("somebody at the device agreed (%s): zones that show more take effect after %v, unless somebody who may edit stops it", how, w.Delay))
	return true
}

// Stop stops a loosening that waits; who says by whom. It reports whether there was one.
func (s *Seal) Stop(who string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		return false, nil
	}
	// It is stopped although that cannot be written down; a restart begins with it again.
	s.waiting = nil
	s.o.Told("the loosening was stopped by " + who + ": the sealed zones stay")
	if err := s.persist(); err != nil {
		return true, fmt.Errorf("the loosening is stopped until the program ends, because that cannot be written down: %w", err)
	}
	return true, nil
}

// Tick counts time, about once a second. It returns the policy that is due, or nil:
// write that into its file, and Grant it. One that is not granted is returned again after
// a minute.
func (s *Seal) Tick() *redact.Policy {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Running()
	passed := max(now-s.ran, 0)
	s.ran = now
	w := s.waiting
	if w == nil {
		return nil
	}
	w.Elapsed += passed
	if w.Agreed.IsZero() {
		if w.Elapsed > Window {
			s.waiting = nil
			s.o.Told("nobody at the device has agreed: the sealed zones stay")
			s.note()
		}
		return nil
	}
	if w.left(s.o.Now()) <= 0 {
		if now < w.next {
			return nil
		}
		w.next = now + persistEvery
		return w.policy
	}
	if now-s.tried >= persistEvery {
		s.note()
	}
	return nil
}

// Grant puts a loosening that is due in the sealed policy's place, and returns the
// floor, which is that alone.
func (s *Seal) Grant(p *redact.Policy) ([]*redact.Policy, error) {
	s.work.Lock()
	defer s.work.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.waiting
	if w == nil || w.Agreed.IsZero() || w.left(s.o.Now()) > 0 || !bytes.Equal(w.policy.Canonical(), p.Canonical()) {
		return nil, ErrNotDue
	}
	floor := s.floor
	s.floor, s.waiting = []*redact.Policy{p}, nil
	if err := s.persist(); err != nil {
		s.floor, s.waiting = floor, w
		return nil, fmt.Errorf("the loosening cannot be written down: %w", err)
	}
	s.changes++
	s.o.Told("zones that show more are in force and sealed: " + w.Who + " had asked for them")
	return slices.Clone(s.floor), nil
}
