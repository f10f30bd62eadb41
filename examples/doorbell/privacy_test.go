package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/hedgecam/hedge/examples/doorbell/web"
	"github.com/hedgecam/hedge/examples/internal/eventlog"
	"github.com/hedgecam/hedge/examples/internal/schedule"
	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/examples/internal/wallclock"
	"github.com/hedgecam/hedge/redact"
)

// switchScene is a privacy switch whose clock a test moves.
type switchScene struct {
	t       *testing.T
	p       *privacy
	path    string
	zone    *time.Location
	now     time.Time
	passed  time.Duration // whatever the clock does
	applied int
}

func newSwitch(t *testing.T, times string) *switchScene {
	t.Helper()
	s := &switchScene{t: t, zone: time.UTC, path: filepath.Join(t.TempDir(), "policy.json"+privacySuffix), now: time.Date(2026, 11, 30, 6, 0, 0, 0, time.UTC)}
	s.restart(times)
	return s
}

// restart makes the switch anew, as at a start of the program.
func (s *switchScene) restart(times string) {
	s.t.Helper()
	parsed, err := schedule.Parse(times, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.p = &privacy{path: s.path, times: parsed, now: func() time.Time { return s.now }, passed: func() time.Duration { return s.passed },
		told: func(_, _ string) {}, apply: func() error { s.applied++; return nil }}
	s.p.load()
}

// monday is a time of the scene's zone, in hours from midnight of the Monday that it begins on.
func (s *switchScene) monday(hours float64) time.Time {
	return time.Date(2026, 11, 30, 0, 0, 0, 0, s.zone).Add(time.Duration(hours * float64(time.Hour)))
}

// at has time pass until the clock is there, from Monday's midnight on. If it shows a later
// time, or is not set, it leaps.
func (s *switchScene) at(hours float64, want bool) {
	s.t.Helper()
	if step := s.monday(hours).Sub(s.now); step > 0 && wallclock.Plausible(s.now) {
		s.passed += step
	}
	s.leap(hours, want)
}

// leap sets the clock.
func (s *switchScene) leap(hours float64, want bool) {
	s.t.Helper()
	s.now = s.monday(hours)
	s.p.check()
	s.is(want)
}

func (s *switchScene) is(want bool) {
	s.t.Helper()
	if s.p.isOn() != want {
		s.t.Errorf("at %v: on is %t", s.now, !want)
	}
}

func (s *switchScene) set(on bool) {
	s.t.Helper()
	if err := s.p.Set(on, "a test"); err != nil {
		s.t.Error(err)
	}
}

// TestPrivacySchedule: the schedule switches; by hand counts until the schedule begins or
// ends the next time, also over a restart and over the time that the program was off.
func TestPrivacySchedule(t *testing.T) {
	const times = "daily 08:00-17:00"
	s := newSwitch(t, times)
	s.is(false)
	s.at(7.99, false)
	s.at(8, true)
	s.set(false)
	s.at(9, false)
	s.restart(times)
	s.at(16.9, false)
	s.at(17, false)
	s.at(32, true) // the next day at 8
	s.at(41, false)
	s.set(true)
	s.at(50, true)
	s.restart(times)
	s.is(true)
	s.at(56, true) // the schedule has begun: by hand is over
	s.at(65, false)
	s.set(true)
	s.now = s.now.Add(20 * time.Hour) // off from 17:00 until 13:00
	s.restart(times)
	s.is(true)
	s.at(89, false)
	before := s.applied
	s.at(89.5, false)
	s.at(90, false)
	if s.applied != before {
		t.Errorf("applied %d times for nothing", s.applied-before)
	}
}

// TestPrivacyByHand: without a schedule by hand counts for good; where what was set cannot
// be read, written, or lies in the future, more is hidden.
func TestPrivacyByHand(t *testing.T) {
	s := newSwitch(t, "")
	s.set(true)
	s.restart("")
	s.at(24*365, true)
	s.set(false)
	s.restart("")
	s.is(false)
	for _, text := range []string{"", "{", `{"on":false}`, "null"} {
		writeFile(t, s.path, text)
		s.restart("")
		s.is(true)
	}
	s.set(false)
	s.is(false)

	// The clock goes back: what was shown by hand is not any more, what was hidden is.
	s = newSwitch(t, "daily 00:00-24:00")
	s.is(true)
	s.set(false)
	s.is(false)
	s.at(5, true)
	s.set(true)
	s.at(4.5, true)

	// A state that cannot be kept: on is on all the same, off is refused.
	s = newSwitch(t, "")
	s.p.path = filepath.Join(s.path, "no", "folder")
	if err := s.p.Set(true, "a test"); err == nil {
		t.Error("kept in no folder")
	}
	s.is(true)
	if err := s.p.Set(false, "a test"); err == nil {
		t.Error("kept in no folder")
	}
	s.is(true)
}

// TestPrivacyLine: the switch at the device goes before everything else.
func TestPrivacyLine(t *testing.T) {
	s := newSwitch(t, "")
	s.p.setLine(true)
	s.is(true)
	if err := s.p.Set(false, "a test"); err == nil || !strings.Contains(err.Error(), "at the device") {
		t.Errorf("switched off against the line: %v", err)
	}
	s.is(true)
	s.p.setLine(false)
	s.is(false)
	s.set(true)
	s.p.setLine(true)
	s.p.setLine(false)
	s.is(true)
}

// post sends a request to the page as a program with the token does.
func post(t *testing.T, a *app, path, token string) (code int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.base()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return resp.StatusCode
}

// TestPrivacyHides: switched on over the page, over the GPIO's file or by the schedule,
// every picture is hidden whole, nobody sees a preview or the place, and one stream goes
// snapshotOf returns the newest picture as a JPEG, however late one comes.
func snapshotOf(t *testing.T, a *app) (data []byte) {
	t.Helper()
	eventually(t, "a snapshot", func() bool {
		var err error
		if data, _, err = a.broadcaster.Snapshot(t.Context()); err != nil && !errors.Is(err, stream.ErrNoPicture) {
			t.Fatal(err)
		}
		return err == nil
	})
	return data
}

// on for who takes it; switched off, the zones decide again.
func TestPrivacyHides(t *testing.T) {
	dir := t.TempDir()
	policy, line := filepath.Join(dir, "policy.json"), filepath.Join(dir, "line")
	const open = `{"version":1,"property":[[[0,0],[1,0],[1,1],[0,1]]]}`
	writeFile(t, policy, open)
	writeFile(t, line, "0\n")
	a, _ := start(t, "-source", "file:"+clip(t), "-policy", policy, "-private-gpio", line)
	shown := func() bool { l := a.gate.last(); return l.Frames > 0 && !l.Whole }
	hidden := func() bool { return a.gate.last().Whole }
	eventually(t, "the picture is shown", shown)

	sub := a.broadcaster.Subscribe(1 << 12)
	defer sub.Close()
	if code := post(t, a, "/privacy/on", a.watchToken); code != http.StatusForbidden {
		t.Errorf("who may only watch switched: %d", code)
	}
	if code := post(t, a, "/privacy/maybe", a.token); code != http.StatusNotFound {
		t.Errorf("maybe: %d", code)
	}
	before := snapshotOf(t, a)
	if code := post(t, a, "/privacy/on", a.token); code != http.StatusNoContent {
		t.Errorf("on: %d", code)
	}
	if bytes.Equal(before, snapshotOf(t, a)) {
		t.Error("a snapshot that is asked for then is one of before")
	}
	eventually(t, "everything is hidden", hidden)
	from := a.gate.last().Frames
	if s := a.status(); !s.Private || s.State != "privacy is on" || s.Kind != "closed" {
		t.Errorf("the page shows %q, %q, %t", s.State, s.Kind, s.Private)
	}
	if err := a.zones.Preview([]byte(open), "me"); err == nil {
		t.Error("a preview while privacy is on")
	}
	if _, err := a.stillJPEG(t.Context()); !errors.Is(err, web.ErrPrivate) {
		t.Errorf("the place while privacy is on: %v", err)
	}
	// Zones that are saved meanwhile change nothing yet.
	if _, err := a.zones.Save([]byte(`{"version":1,"property":[[[0,0],[1,0],[1,0.9],[0,0.9]]]}`), a.zones.State().Revision); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stream goes on", func() bool { return a.gate.last().Frames > from+20 })
	if !hidden() {
		t.Error("saved zones show something")
	}
	if code := post(t, a, "/privacy/off", a.token); code != http.StatusNoContent {
		t.Errorf("off: %d", code)
	}
	eventually(t, "the zones decide again", shown)
	if got, want := sumOf(a.policy), a.zones.State().Policy.SHA256(); got != want {
		t.Errorf("in force is %s, saved %s", got, want)
	}
	writeFile(t, line, "1\n")
	eventually(t, "the switch at the device hides", hidden)
	if code := post(t, a, "/privacy/off", a.token); code != http.StatusLocked {
		t.Errorf("off against the device: %d", code)
	}
	if err := os.Remove(line); err != nil {
		t.Fatal(err)
	}
	eventually(t, "pictures come", func() bool { return a.gate.last().Frames > from+40 })
	if !hidden() {
		t.Error("a switch that cannot be read shows something")
	}
	writeFile(t, line, "0\n")
	eventually(t, "the zones decide again", shown)

	// One stream: nothing was thrown away or lost, times rise.
	last := time.Duration(-1)
	for n := len(sub.C); n > 0; n-- {
		u := <-sub.C
		if u.Time <= last || sub.Stale(u) {
			t.Fatalf("a unit at %v after %v, stale: %t", u.Time, last, sub.Stale(u))
		}
		last = u.Time
	}
	select {
	case <-sub.Flushed:
		t.Error("the stream was flushed")
	default:
	}
	if sub.Lost() != 0 || last < 0 {
		t.Errorf("%d units lost, the last at %v", sub.Lost(), last)
	}
}

// TestPrivacyFromTheStart: what is to be private at the start is so from the first
// picture on.
func TestPrivacyFromTheStart(t *testing.T) {
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.json")
	writeFile(t, policy, `{"version":1,"property":[[[0,0],[1,0],[1,1],[0,1]]]}`)
	writeFile(t, policy+privacySuffix, `{"on":true,"time":"2026-11-29T10:00:00Z"}`)
	events := filepath.Join(dir, "events.jsonl")
	a, out := start(t, "-source", "file:"+clip(t), "-policy", policy, "-events", events)
	eventually(t, "many pictures", func() bool { return a.gate.last().Frames > 30 })
	c := a.gate.tally.take()
	if c.Frames == 0 || c.Whole != c.Frames {
		t.Errorf("%d of %d pictures hidden whole: %s", c.Whole, c.Frames, out)
	}
	// Nor does the log, which a signed record is made of, tell of zones in force.
	data, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for line := range bytes.Lines(data) {
		var e eventlog.Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if e.Data == nil || e.Data.Policy == "" {
			continue
		}
		if told++; e.Data.Policy != redact.HideEverything().SHA256() {
			t.Errorf("the log says that zones were in force: %s", line)
		}
	}
	if told == 0 {
		t.Errorf("the log tells of no policy: %s", data)
	}
}

// TestPrivacyMQTT: Home Assistant has a switch that works; what the broker kept from
// before switches nothing.
func TestPrivacyMQTT(t *testing.T) {
	b := newBroker(t)
	a, _ := start(t, "-source", "file:"+clip(t), "-mqtt", b.addr)
	eventually(t, "the switch is announced", func() bool { return b.message("/privacy/config") != nil && b.subscribed("/privacy/set") })
	var config map[string]any
	if err := json.Unmarshal(b.message("/privacy/config").Payload, &config); err != nil || !strings.HasSuffix(config["command_topic"].(string), "/privacy/set") {
		t.Fatalf("%v, %v", config, err)
	}
	topic := config["command_topic"].(string)
	b.send(t, topic, "ON", true)
	b.send(t, topic, "nonsense", false)
	b.send(t, topic, "ON", false)
	eventually(t, "it is on", a.privacy.isOn)
	eventually(t, "the broker is told", func() bool {
		m := b.message("/state")
		return m != nil && strings.Contains(string(m.Payload), `"private":"ON"`)
	})
	b.send(t, topic, "OFF", true) // kept from before
	b.send(t, topic, "nonsense", false)
	b.send(t, topic, "OFF", false)
	eventually(t, "it is off", func() bool { return !a.privacy.isOn() })
}

// send publishes to the newest client.
func (b *broker) send(t *testing.T, topic, text string, retained bool) {
	t.Helper()
	p, ok := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	if !ok {
		t.Fatal("no packet")
	}
	p.TopicName, p.Payload, p.Retain = topic, []byte(text), retained
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := p.Write(b.conn); err != nil {
		t.Fatal(err)
	}
}

// subscribed reports whether a client asked for a topic that ends so.
func (b *broker) subscribed(end string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, topic := range b.topics {
		if strings.HasSuffix(topic, end) {
			return true
		}
	}
	return false
}

// TestPrivacyTriesAgain: a switch that could not take effect says that it is on and
// tries again, in both directions, until it does.
func TestPrivacyTriesAgain(t *testing.T) {
	broken := errors.New("broken")
	fail, applied := broken, 0
	p := &privacy{path: filepath.Join(t.TempDir(), "switch"), now: time.Now, passed: func() time.Duration { return 0 }, told: func(string, string) {},
		apply: func() error {
			if fail == nil {
				applied++
			}
			return fail
		}}
	for round, on := range []bool{true, false} {
		fail = broken
		if err := p.Set(on, "by hand"); !errors.Is(err, broken) || !p.isOn() || applied != round {
			t.Fatalf("set to %v: %v, on %v, applied %d times", on, err, p.isOn(), applied)
		}
		p.check()
		if !p.isOn() || applied != round {
			t.Fatalf("set to %v, still broken: on %v, applied %d times", on, p.isOn(), applied)
		}
		fail = nil
		p.check()
		p.check()
		if p.isOn() != on || applied != round+1 {
			t.Fatalf("set to %v, mended: on %v, applied %d times", on, p.isOn(), applied)
		}
	}
}
