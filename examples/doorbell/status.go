package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/hedgecam/hedge/examples/internal/eventlog"
	"github.com/hedgecam/hedge/examples/internal/homeassistant"
	"github.com/hedgecam/hedge/examples/internal/seal"
	"github.com/hedgecam/hedge/examples/internal/view"
	"github.com/hedgecam/hedge/pipeline"
)

// stale is how old the newest picture may be while all is well.
const stale = 5 * time.Second

// status is what the page is told about once a second.
type status struct {
	// State is how things are in two or three words, Kind one of live, closed
	// (on purpose), wait and bad.
	State string `json:"state"`
	Kind  string `json:"kind"`
	// Alert is what the owner has to know at once, Confirm whether to confirm
	// the zones would help.
	Alert   string `json:"alert,omitempty"`
	Confirm bool   `json:"confirm"`
	// Words says what is hidden, and why.
	Words  string       `json:"words"`
	Hidden hiddenStatus `json:"hidden"`
	Frames frameStatus  `json:"frames"`
	// LookAhead is how long pictures are held back, in milliseconds.
	LookAhead int64  `json:"lookAhead"`
	Camera    string `json:"camera"`
	// Ratio is how wide the picture is to be shown for its height, 0 if that is
	// not known: its pixels need not be square.
	Ratio    float64     `json:"ratio"`
	Networks string      `json:"networks"`
	Encoder  string      `json:"encoder"`
	Clock    clockStatus `json:"clock"`
	Bell     *bellStatus `json:"bell,omitempty"`
	// Private is set while the privacy switch hides everything.
	Private bool `json:"private"`
	// PrivateTimes is the schedule by which it does, and in which zone it is meant.
	PrivateTimes string `json:"privateTimes,omitempty"`
	// Seal is that on the policy.
	Seal seal.State `json:"seal"`
	// Recording is left out where nothing is to be recorded.
	Recording *recordingStatus `json:"recording,omitempty"`
	// Start is set while there is no policy.
	Start    bool             `json:"start"`
	Defaults map[string]any   `json:"defaults"`
	Events   []eventlog.Event `json:"events"`
}

type hiddenStatus struct {
	Share   float64 `json:"share"`
	Outside float64 `json:"outside"`
	Faces   int     `json:"faces"`
	People  int     `json:"people"`
	Plates  int     `json:"plates"`
	Motion  int     `json:"motion"`
}

type frameStatus struct {
	In      uint64 `json:"in"`
	Out     uint64 `json:"out"`
	Dropped uint64 `json:"dropped"`
	Lost    uint64 `json:"lost"`
}

// clockStatus lets the page compute the latency: a picture with the time stamp
// t was taken at Base + t. Both are in milliseconds of this machine's clock.
type clockStatus struct {
	Known bool    `json:"known"`
	Base  float64 `json:"base"`
	Now   float64 `json:"now"`
}

type recordingStatus struct {
	// Problem says why nothing can be recorded just now.
	Problem string `json:"problem,omitempty"`
	Files   int    `json:"files"`
	Bytes   int64  `json:"bytes"`
	// Lost counts the pictures that were not recorded because the disk was slow or
	// could not be written.
	Lost uint64 `json:"lost"`
}

type bellStatus struct {
	Open bool `json:"open"`
	Left int  `json:"left"`
}

func (a *app) status() status {
	stats, last, zones, why := a.pipe.Stats(), a.gate.last(), a.zones.State(), a.closedBecause()
	s := status{
		Hidden: hiddenStatus{last.Hidden, last.Outside, last.Counts.Faces, last.Counts.People, last.Counts.Plates, last.Counts.Motion},
		Frames: frameStatus{stats.FramesIn, stats.FramesOut, stats.FramesDropped, stats.FramesLost},
		Camera: a.source.State().String(), Networks: intervals(stats), LookAhead: a.c.LookAhead.Milliseconds(),
		Ratio: a.broadcaster.Stats().Ratio(), Encoder: a.encoderName(),
		Start: zones.Policy == nil && !zones.Drawing, Defaults: map[string]any{}, Events: a.log.Newest(),
	}
	if base := a.clock.base.Load(); base != 0 {
		s.Clock = clockStatus{Known: true, Base: float64(base) / 1e6}
	}
	if a.bell != nil {
		left, open := a.bell.left()
		s.Bell = &bellStatus{Open: open, Left: int(max(left, 0).Seconds() + 0.5)}
		s.Defaults["visitors"] = "feet"
	}
	if a.recorder != nil {
		r := a.recorder.Stats()
		s.Recording = &recordingStatus{Files: r.Files, Bytes: r.Bytes, Lost: r.Lost}
		if r.Err != nil {
			s.Recording.Problem = r.Err.Error()
		}
	}
	s.Confirm = why.AwaitsOwner() && a.source.State().Connected
	s.Private, s.Seal = a.privacy.isOn(), a.seal.State()
	if text := a.privacy.words(); text != "" {
		s.PrivateTimes = a.c.Private + ": " + text
	}
	s.State, s.Kind = a.summary(&s, why, last)
	s.Words = words(&s, why, last)
	switch {
	case s.Confirm:
		s.Alert = "The camera sees another picture than the one the zones were drawn for, so nothing is shown, whatever zones you save. Go and look where the camera points. Do your zones fit what it sees now?"
	case why.AwaitsOwner():
		s.Alert = "The zones wait to be confirmed, and the camera is away. Confirm them here once it is back."
	case a.halted() != "":
		s.Alert = "The pipeline has stopped and starts again: " + a.halted() + "."
	case zones.Problem != "":
		s.Alert = "The policy file cannot be used, and the zones from before stay in force: " + zones.Problem
	}
	if s.Recording != nil && s.Recording.Problem != "" {
		s.Alert = strings.TrimLeft(s.Alert+" Nothing is recorded: "+s.Recording.Problem+".", " ")
	}
	if s.Seal.Damaged {
		s.Alert += " " + seal.ErrDamaged.Error() + "."
	}
	s.Alert = strings.TrimSpace(s.Alert + " " + s.Seal.Waiting.Words())
	s.Clock.Now = float64(time.Now().UnixNano()) / 1e6
	return s
}

// summary says how things are.
func (a *app) summary(s *status, why pipeline.Reason, last seen) (state, kind string) {
	switch {
	case a.halted() != "":
		return "stopped", "bad"
	case !a.source.State().Connected:
		return "no camera", "bad"
	case time.Since(last.At) > stale:
		return "no picture", "wait"
	case s.Confirm:
		return "all hidden", "bad"
	case why != pipeline.NoReason:
		return "hiding more", "bad"
	case s.Recording != nil && s.Recording.Problem != "":
		return "not recording", "bad"
	case s.Private:
		return "privacy is on", "closed"
	case s.Start:
		return "all hidden", "closed"
	case s.Bell != nil && !s.Bell.Open:
		return "waiting for the bell", "closed"
	}
	return "live", "live"
}

// words says what is hidden, and why.
func words(s *status, why pipeline.Reason, last seen) string {
	switch {
	case last.At.IsZero():
		return ""
	case s.Private:
		return "Privacy is on: everything is hidden, for everybody and in recordings. The stream goes on."
	case s.Confirm:
		return "Nothing is shown: the zones wait to be confirmed."
	case why != pipeline.NoReason:
		return view.Words(why)
	case last.Whole:
		return "The whole picture is hidden."
	}
	return "Your zones alone decide. What is hidden here is gone before the picture is encoded."
}

// intervals says what the networks do.
func intervals(stats pipeline.Stats) string {
	var fastest, slowest time.Duration
	failures := uint64(0)
	for _, d := range stats.Detectors {
		failures += d.Failures
		if !d.Running || d.Interval <= 0 {
			continue
		}
		if fastest == 0 {
			fastest = d.Interval
		}
		fastest, slowest = min(fastest, d.Interval), max(slowest, d.Interval)
	}
	var text string
	switch {
	case len(stats.Detectors) == 0:
		text = "none"
	case fastest == 0:
		text = "resting: the zones alone hide all there is to hide"
	case fastest == slowest:
		text = fmt.Sprintf("look every %d ms", fastest.Milliseconds())
	default:
		text = fmt.Sprintf("look every %d to %d ms", fastest.Milliseconds(), slowest.Milliseconds())
	}
	if failures > 0 {
		text += fmt.Sprintf(", %d failures", failures)
	}
	return text
}

// mqttState is the status as Home Assistant shows it.
func (a *app) mqttState() homeassistant.State {
	s := a.status()
	return homeassistant.State{
		People: s.Hidden.People, Faces: s.Hidden.Faces, Plates: s.Hidden.Plates, Hidden: s.Hidden.Share, State: s.State,
		Private: s.Private, Seal: sealWord(s.Seal), Problem: s.Kind == "bad", RecordingProblem: s.Recording != nil && s.Recording.Problem != "",
	}
}

// mqttPrivacy is told of the switch in Home Assistant.
func (a *app) mqttPrivacy(on bool) {
	if err := a.privacy.Set(on, "Home Assistant"); err != nil {
		a.log.Add("privacy", err.Error())
	}
}

// healthy returns nil, or what is wrong.
func (a *app) healthy() error {
	last := a.gate.last()
	if why := a.halted(); why != "" {
		return fmt.Errorf("stopped: %s", why)
	}
	if a.recorder != nil {
		if err := a.recorder.Stats().Err; err != nil {
			return fmt.Errorf("nothing is recorded: %w", err)
		}
	}
	if last.At.IsZero() && time.Since(a.started) < 3*stale {
		return nil
	}
	if age := time.Since(last.At); age > stale {
		return fmt.Errorf("no picture for %v", age.Round(time.Second))
	}
	return nil
}
