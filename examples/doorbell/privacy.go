package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/hedgecam/hedge/examples/internal/eventlog"
	"github.com/hedgecam/hedge/examples/internal/schedule"
	"github.com/hedgecam/hedge/examples/internal/statefile"
	"github.com/hedgecam/hedge/examples/internal/wallclock"
	"github.com/hedgecam/hedge/redact"
)

// privacy is the switch that hides everything while the stream goes on. It is on while
// the line of a GPIO says so; else as somebody has set it by hand, until the schedule
// begins or ends the next time; else as the schedule says, and on while the clock is not
// set. Its methods may be called by any goroutine.
type privacy struct {
	path  string // of the file in which what was set by hand outlives a restart
	times schedule.Schedule
	zone  string           // what times are in
	now   func() time.Time // by the wall clock alone, so that a leap of it shows
	// passed is the time since some moment, whatever the wall clock does.
	passed func() time.Duration
	apply  func() error // has the switch take effect, by isOn
	told   func(kind, text string)

	mu   sync.Mutex
	hand *byHand // nil: nobody has set it since the schedule changed
	line bool
	last time.Time     // of the last look at the schedule
	at   time.Duration // passed when last
	due  bool          // it could not take effect: the next look tries again

	state sync.Mutex
	on    bool
}

// byHand is what somebody has set.
type byHand struct {
	On   bool      `json:"on"`
	Time time.Time `json:"time"`
}

// privacySuffix is that of the file beside the policy's.
const privacySuffix = ".privacy"

// load reads what was set by hand before a restart. A file that cannot be read counts as
// on: somebody had set something.
func (p *privacy) load() {
	data, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		p.hand = nil
	} else if h := (byHand{}); err != nil || json.Unmarshal(data, &h) != nil || h.Time.IsZero() {
		p.told("privacy", fmt.Sprintf("everything is hidden, because %s cannot be read: switch privacy off by hand", p.path))
		p.hand = &byHand{On: true, Time: p.now()}
	} else {
		p.hand = &h
	}
	p.last, p.at = p.now(), p.passed()
	if h := p.hand; h != nil && !h.On && p.unknown(p.last) {
		p.hand = nil // nobody knows how long ago
	} else if h != nil {
		p.forget(h.Time, p.last, false)
	}
	p.set(p.wanted(p.last))
}

const (
	// unsetOff is how long what was set by hand to show counts while the clock is not set.
	unsetOff = time.Hour
	// maxStep is the most by which a clock that was right is set.
	maxStep = time.Minute
)

// forget drops what was set by hand where the schedule has begun or ended since. Where
// the clock tells nothing of that, because it is not set, was not when it was set by hand,
// or leapt from one time to the other, what hides stays and what shows does not.
func (p *privacy) forget(from, to time.Time, leapt bool) {
	h := p.hand
	if h == nil || p.times.Empty() {
		return
	}
	if from.Before(h.Time) {
		from = h.Time
	}
	was, is := wallclock.Plausible(h.Time), wallclock.Plausible(to)
	switch {
	case h.On && !is: // it stays
	case h.On && (!was || leapt):
		// It counts from here on. That this cannot be written down hides more after a restart.
		p.hand = &byHand{On: true, Time: to.UTC()}
		_ = p.write(p.hand)
	case was != is, leapt,
		!is && to.Sub(h.Time) >= unsetOff,
		!h.On && to.Before(h.Time.Add(-maxStep)),
		is && p.times.Changed(from, to):
		p.hand = nil
	}
}

// unknown reports whether there is a schedule and the clock is not set, so that nobody
// knows what the schedule says.
func (p *privacy) unknown(at time.Time) bool { return !p.times.Empty() && !wallclock.Plausible(at) }

// words says what the times of the schedule are in, "" if there are none.
func (p *privacy) words() string {
	if p.times.Empty() {
		return ""
	}
	return zoneWords(p.zone, p.now())
}

// zoneWords says what the times of the schedule are in, and what time it is there: nobody
// sees from the times alone that they are in another zone than theirs.
func zoneWords(zone string, at time.Time) string {
	if !wallclock.Plausible(at) {
		return "private times are in " + zone + "; the clock is not set, so everything is hidden until it is"
	}
	return "private times are in " + zone + "; it is " + at.Format("15:04") + " there"
}

// wanted says whether the switch is to be on at a time. It is called with mu held.
func (p *privacy) wanted(at time.Time) bool {
	switch {
	case p.line:
		return true
	case p.hand != nil:
		return p.hand.On
	}
	return p.unknown(at) || p.times.At(at)
}

// isOn reports whether everything is hidden.
func (p *privacy) isOn() bool {
	p.state.Lock()
	defer p.state.Unlock()
	return p.on
}

// set notes the state, and reports whether it is another one.
func (p *privacy) set(on bool) bool {
	p.state.Lock()
	defer p.state.Unlock()
	was := p.on
	p.on = on
	return was != on
}

// update has the switch follow what is wanted. It is called with mu held.
func (p *privacy) update(who string) error {
	on := p.wanted(p.now())
	if !p.set(on) && !p.due {
		return nil
	}
	err := p.apply()
	if p.due = err != nil; p.due {
		p.set(true)
		return err
	}
	p.told("privacy", map[bool]string{true: "everything is hidden: ", false: "the zones decide again: "}[on]+who)
	return nil
}

// errLine says that the switch on the wall keeps the privacy switch on.
var errLine = errors.New("privacy is held on by the switch at the device: turn that one off")

// Set sets the switch by hand. What is to be hidden is hidden although it cannot be
// written down; what is to be shown is not.
func (p *privacy) Set(on bool, who string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !on && p.line {
		return errLine
	}
	h := &byHand{On: on, Time: p.now().UTC()}
	err := p.write(h)
	if err != nil && !on {
		return fmt.Errorf("privacy stays on: %w", err)
	}
	p.hand = h
	return errors.Join(p.update(who), err)
}

// write keeps what somebody has set over a restart.
func (p *privacy) write(h *byHand) error {
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return statefile.Write(p.path, append(data, '\n'), 0o600)
}

// setLine is told of the line of a GPIO.
func (p *privacy) setLine(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line = on
	if err := p.update("the switch at the device"); err != nil {
		p.told("privacy", err.Error())
	}
}

// check follows the schedule.
func (p *privacy) check() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, passed := p.now(), p.passed()
	step := (now.Sub(p.last) - (passed - p.at)).Abs()
	// From a time at which it was not set the clock leaps to the right one.
	p.forget(p.last, now, step > maxStep && wallclock.Plausible(p.last))
	p.last, p.at = now, passed
	who := "the schedule"
	if p.unknown(now) {
		who = "the clock is not set, so nobody knows what the schedule says"
	}
	if err := p.update(who); err != nil {
		p.told("privacy", err.Error())
	}
}

// run follows the schedule until ctx ends.
func (p *privacy) run(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			p.check()
		}
	}
}

// openPrivacy makes the switch that hides everything. It is on before the first picture,
// if it is to be.
func (a *app) openPrivacy(policy *redact.Policy) error {
	times, err := a.c.privateTimes()
	if err != nil {
		return err
	}
	zone, err := schedule.Zone()
	if err != nil && !times.Empty() {
		return err
	}
	a.policy = policy
	a.privacy = &privacy{path: a.c.Policy + privacySuffix, times: times, zone: zone, told: a.log.Add,
		now:    func() time.Time { return time.Now().Round(0) },
		passed: func() time.Duration { return time.Since(a.started) },
		line:   a.c.PrivateGPIO != "", // until it was read
		apply: func() error {
			// First what hides, whatever becomes of the preview.
			err := a.applyPrivacy()
			if a.privacy.isOn() {
				err = errors.Join(err, a.zones.EndPreview())
			}
			return err
		}}
	a.privacy.load()
	if !a.privacy.isOn() {
		return nil
	}
	return a.pipe.SetPolicy(nil) // recordStart tells the log
}

// inForce returns the policy that is to be in force: nil, which hides everything, while
// privacy is on.
func (a *app) inForce() *redact.Policy {
	if a.privacy.isOn() {
		return nil
	}
	return a.policy
}

// apply puts a policy in force, unless privacy hides everything: then it waits. One that
// is looser than the sealed one is refused.
func (a *app) apply(p *redact.Policy) error {
	floor, err := a.seal.Take(p)
	if err != nil {
		return err
	}
	return a.replace(p, floor)
}

// replace puts a policy in force with those that hold beside it.
func (a *app) replace(p *redact.Policy, floor []*redact.Policy) error {
	a.policies.Lock()
	defer a.policies.Unlock()
	if err := a.pipe.SetFloor(floor...); err != nil {
		return err
	}
	if a.privacy.isOn() {
		// It has to be one that could be put in force.
		if err := p.Validate(); err != nil {
			return err
		}
		a.policy = p
		return nil
	}
	if err := a.putInForce(p); err != nil {
		return err
	}
	a.policy = p
	return nil
}

// applyPrivacy hides everything while privacy is on, and else what the policy says.
// Pictures from before, which the zones of then have redacted, still go out: recorders
// and viewers see one stream that goes on.
func (a *app) applyPrivacy() error {
	a.policies.Lock()
	defer a.policies.Unlock()
	a.gate.keepWaiting.Store(true)
	defer a.gate.keepWaiting.Store(false)
	return a.putInForce(a.inForce())
}

// putInForce hands a policy to the pipeline. A nil one hides everything.
func (a *app) putInForce(p *redact.Policy) error {
	err := a.pipe.SetPolicy(p)
	if err == nil {
		a.log.Record(eventlog.PolicyInForce, eventlog.Data{Policy: sumOf(p)})
	}
	return err
}
