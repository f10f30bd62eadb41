package seal

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/hedgecam/hedge/redact"
)

// waiting is a loosening that was asked for.
type waiting struct {
	policy *redact.Policy
	next   time.Duration // Running from which on it is returned when it is due

	Policy json.RawMessage `json:"policy"`
	// Code names it, for who agrees by a file.
	Code string `json:"code"`
	// Who asked, and What would be looser.
	Who  string `json:"who"`
	What string `json:"what"`
	// Asked and Agreed are times of the wall clock; Agreed is zero until somebody has.
	Asked  time.Time `json:"asked"`
	Agreed time.Time `json:"agreed"`
	// Elapsed is how long the program has run since the later of them, Delay how long
	// it has to.
	Elapsed time.Duration `json:"elapsed"`
	Delay   time.Duration `json:"delay"`
}

// FileAsked is who asks where there is no page: the policy's file.
const FileAsked = "the policy's file"

// byFile reports whether the file asked: with its old text it takes that back.
func (w *waiting) byFile() bool { return w.Who == FileAsked }

// left returns how long the delay still is, by the clock that says more.
func (w *waiting) left(now time.Time) time.Duration {
	return max(w.Delay-w.Elapsed, w.Agreed.Add(w.Delay).Sub(now.Round(0)))
}

// file is what is written down.
type file struct {
	Version int               `json:"version"`
	Delay   time.Duration     `json:"delay"`
	Floor   []json.RawMessage `json:"floor"`
	Sizes   []image.Point     `json:"sizes"`
	Waiting *waiting          `json:"waiting,omitempty"`
}

// persist writes the state down, and tells if that is possible again. It is called with mu
// held.
func (s *Seal) persist() error {
	if s.damaged {
		return nil // the file stays as it is, for who looks into it
	}
	f := file{Version: 1, Delay: s.delay, Floor: []json.RawMessage{}, Sizes: s.sizes, Waiting: s.waiting}
	for _, p := range s.floor {
		f.Floor = append(f.Floor, p.Canonical())
	}
	if s.waiting != nil {
		s.waiting.Policy = s.waiting.policy.Canonical()
	}
	s.tried = s.ran
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := s.o.files.write(append(data, '\n')); err != nil {
		return err
	}
	if s.told != "" {
		s.told = ""
		s.o.Told("the seal can be written down again")
	}
	return nil
}

// note writes down what is no matter if it is lost: then more time has to pass.
func (s *Seal) note() {
	if err := s.persist(); err != nil {
		s.unwritten("the seal cannot be written down", err)
	}
}

// unwritten tells what comes of it that the state cannot be written down, once until it
// can be. It is called with mu held.
func (s *Seal) unwritten(what string, err error) {
	if what != s.told {
		s.told = what
		s.o.Told(fmt.Sprintf("%s: %v", what, err))
	}
}

// load reads the state.
func (s *Seal) load() error {
	data, err := s.o.files.read()
	if err != nil {
		return err
	}
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	if f.Version != 1 || len(f.Floor) > maxFloor || len(f.Sizes) > maxSizes || f.Delay < 0 {
		return errors.New("it is none of this version")
	}
	for _, text := range f.Floor {
		p, err := redact.ParsePolicy(text)
		if err != nil {
			return err
		}
		s.floor = append(s.floor, p)
	}
	if w := f.Waiting; w != nil {
		if w.policy, err = redact.ParsePolicy(w.Policy); err != nil {
			return fmt.Errorf("what waits: %w", err)
		}
		if w.Elapsed < 0 || w.Delay < 0 || !w.Agreed.IsZero() && w.Delay < f.Delay {
			return errors.New("what waits makes no sense")
		}
	}
	if s.delay < f.Delay {
		s.o.Told(fmt.Sprintf("loosening waits for %v: a delay that was sealed can be made longer only", f.Delay))
	}
	s.sealed, s.sizes, s.waiting, s.delay = true, f.Sizes, f.Waiting, max(s.delay, f.Delay)
	return nil
}

// State is what a page shows.
type State struct {
	Sealed  bool     `json:"sealed"`
	Damaged bool     `json:"damaged,omitempty"`
	Waiting *Waiting `json:"waiting,omitempty"`
}

// Waiting is a loosening that waits.
type Waiting struct {
	Who   string    `json:"who"`
	What  string    `json:"what"`
	Asked time.Time `json:"asked"`
	// Agreed: somebody at the device has; then Left is how long it waits, in seconds,
	// and else how long for them.
	Agreed bool  `json:"agreed"`
	Left   int64 `json:"left"`
	// Code is for who agrees by a file.
	Code string `json:"code,omitempty"`
	// Policy is the SHA-256 of the policy that would be in force.
	Policy string `json:"policy"`
}

// State returns the state.
func (s *Seal) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := State{Sealed: s.sealed, Damaged: s.damaged}
	if w := s.waiting; w != nil {
		left := Window - w.Elapsed
		if !w.Agreed.IsZero() {
			left = w.left(s.o.Now())
		}
		st.Waiting = &Waiting{Who: w.Who, What: w.What, Asked: w.Asked, Agreed: !w.Agreed.IsZero(),
			Left: int64(max(left, 0).Round(time.Second).Seconds()), Policy: w.policy.SHA256()}
		if w.Agreed.IsZero() {
			st.Waiting.Code = w.Code
		}
	}
	return st
}

// Words says what waits, "" if nothing does.
func (w *Waiting) Words() string {
	if w == nil {
		return ""
	}
	left := (time.Duration(w.Left) * time.Second).Round(time.Minute)
	if !w.Agreed {
		return fmt.Sprintf("Zones that show more are asked for (%s; by %s). Nothing changes unless somebody at the device agrees; the code is %s.", w.What, w.Who, w.Code)
	}
	return fmt.Sprintf("Zones that show more (%s; asked for by %s) take effect in %s: somebody at the device agreed. Who may edit can stop it.", w.What, w.Who, hours(left))
}

// hours returns a time in hours and minutes.
func hours(d time.Duration) string {
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}
