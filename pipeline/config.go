package pipeline

import (
	"errors"
	"fmt"
	"image"
	"reflect"
	"slices"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/track"
	"github.com/hedgecam/hedge/redact"
)

// Mode says what may wait for what.
type Mode uint8

const (
	// File loses nothing: the source waits for the detectors and the sink.
	File Mode = iota
	// Live lets no frame wait for a detector or for the sink. Late results are
	// entered at their own frame's time, and waiting frames are dropped, oldest
	// first, when the sink is slow.
	Live
)

// String returns "file" or "live".
func (m Mode) String() string {
	if m == Live {
		return "live"
	}
	return "file"
}

// Config is what a pipeline is made of.
type Config struct {
	// Policy is the owner's policy. A nil policy hides everything. New copies it.
	Policy *redact.Policy
	// Floor are policies that hold beside every other one; see SetFloor. It defaults
	// to none. New copies them.
	Floor []*redact.Policy
	// Detectors find what the policy must hide. The pipeline runs those whose
	// classes the policy needs, each on a goroutine of its own, and does not
	// close them. One that is a [detect.Selector] is asked for the classes that the
	// policy needs; when a policy comes to need more, everything outside stays
	// hidden until an inference for all of it has succeeded. It defaults to none: then
	// everything outside of the property is hidden if the policy needs a detector.
	Detectors []detect.Detector
	// Segmenter finds the silhouettes of people who are near, in Live mode, on a goroutine
	// of its own, beside Cores. It is not closed. It defaults to none: then, and in File mode, a policy's
	// "silhouette" is as "box".
	Segmenter detect.Segmenter
	// Mode says what may wait for what. It defaults to File.
	Mode Mode
	// LookAhead is how long, in the source's time, frames are held back, so that an
	// object found now is hidden in the frames before as well: 0 to 4 s, 0 for none.
	// At most 60 frames a second are held, and 120 in all: of a faster source the
	// newest of them, for a shorter time. DefaultConfig has 300 ms.
	LookAhead time.Duration
	// Every is how many frames one inference of each detector serves, in File mode.
	// It defaults to as many as fit into 100 ms of the source, at least 1.
	Every int
	// Cores is, in Live mode, the core time that all detectors together may
	// use, in cores. It defaults to 1.
	Cores float64
	// TimeToLive is how long a detector's good inference counts, in the source's time.
	// It defaults to what inferences can stand for. That is 2 s for a fixed camera in
	// Live mode while nothing moves, or where moving patches are hidden until they
	// were looked at. Otherwise it is 600 ms between two good inferences, and 250 ms
	// after the newest one. With a LookAhead of 200 ms or more nothing counts after the
	// newest one: a frame waits for the next. Slow detectors want a longer LookAhead.
	TimeToLive time.Duration
	// Timeout is how long one inference may take. It defaults to 5 s in
	// File mode and to 2 s in Live mode.
	Timeout time.Duration
	// MaxFailures is how many failures of one stage in a row stop the pipeline, or
	// only BackgroundPlate, if nothing else needs the stage. Pictures that cannot be decoded
	// stop it in Live mode only: a recording is read to its end. It defaults to 30.
	MaxFailures int
	// Moving says that the camera moves (a dashcam): moving patches say nothing
	// then. It defaults to false, a fixed camera.
	Moving bool
	// Compressed says that the source's pictures were decoded from lossy video:
	// hidden regions grow, because lossy video leaves residue of a moving object
	// beside it.
	Compressed bool
	// PlateSpan is how long a place must have looked the same, in the source's time,
	// before it enters the background plate, which is shown where somebody is hidden.
	// Somebody who stays for less never enters it. It defaults to 30 s.
	PlateSpan time.Duration
	// Redact adjusts the redactor's options, which begin as redact.DefaultOptions
	// without a margin, because the tracker's padded boxes have one already, and with
	// redact.Residue as Grow if Compressed is set. It defaults to leaving them as they are.
	Redact func(*redact.Options)
	// Track adjusts the tracker's configuration, which begins as track.DefaultConfig with
	// what suits Mode and Moving. It is called when the size of the frames changes. It
	// defaults to leaving it as it is.
	Track func(*track.Config)
	// View is what SaveView was last called with, in an earlier run of the program
	// with the same camera and zones. It defaults to no known view: then that of the
	// first picture counts as confirmed.
	View View
	// SaveView keeps a view for the next start of the program. The event loop calls it
	// rarely: after CameraMoved, after Confirm, and when the view has been learnt. No
	// frame goes out in the meantime. An error becomes an event, ViewNotSaved. It
	// defaults to nothing.
	SaveView func(View) error
	// OnEvent is called for each event, by the event loop: it must return soon and must
	// not call the pipeline. It defaults to nothing.
	OnEvent func(Event)

	redact        redact.Options // as Redact leaves them
	ownTimeToLive bool           // TimeToLive was given
}

// DefaultConfig returns the configuration to begin with. It has no detectors, and a
// policy that hides everything.
func DefaultConfig() Config {
	return Config{LookAhead: 300 * time.Millisecond}
}

// maxLookAhead, heldRate and maxHeld bound the memory of the frame pool.
const (
	maxLookAhead = 4 * time.Second
	heldRate     = 60
	maxHeld      = 120
)

// held returns how many frames the look-ahead window holds back at most.
func (c *Config) held() int {
	n := (c.LookAhead*heldRate + time.Second - 1) / time.Second
	return min(int(n), maxHeld)
}

// withDefaults returns the configuration with its defaults filled in.
func (c Config) withDefaults() (Config, error) {
	if c.Policy == nil {
		c.Policy = redact.HideEverything()
	}
	c.Policy = c.Policy.Clone()
	c.Floor = slices.Clone(c.Floor)
	for i, q := range c.Floor {
		if q == nil {
			q = redact.HideEverything()
		}
		if err := q.Validate(); err != nil {
			return c, fmt.Errorf("pipeline: floor: %w", err)
		}
		if c.Floor[i] = q.Clone(); reflect.DeepEqual(q, c.Policy) {
			c.Floor[i] = c.Policy
		}
	}
	if err := c.Policy.Validate(); err != nil {
		return c, fmt.Errorf("pipeline: policy: %w", err)
	}
	if c.LookAhead < 0 || c.LookAhead > maxLookAhead {
		return c, fmt.Errorf("pipeline: look-ahead of %v: must be 0 to %v", c.LookAhead, maxLookAhead)
	}
	if c.Every < 0 || c.Cores < 0 || c.TimeToLive < 0 || c.Timeout < 0 || c.MaxFailures < 0 || c.PlateSpan < 0 {
		return c, errors.New("pipeline: Every, Cores, TimeToLive, Timeout, MaxFailures and PlateSpan must not be negative")
	}
	if c.Cores == 0 {
		c.Cores = 1
	}
	c.ownTimeToLive = c.TimeToLive != 0
	if c.TimeToLive == 0 {
		c.TimeToLive = 600 * time.Millisecond
		if c.Mode == Live && !c.Moving {
			c.TimeToLive = 2 * time.Second
		}
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
		if c.Mode == Live {
			c.Timeout = 2 * time.Second
		}
	}
	if c.PlateSpan == 0 {
		c.PlateSpan = 30 * time.Second
	}
	if c.MaxFailures == 0 {
		c.MaxFailures = 30
	}
	c.redact = redact.DefaultOptions()
	if c.redact.Margin = 0; c.Compressed {
		c.redact.Grow = redact.Residue
	}
	if c.Redact != nil {
		c.Redact(&c.redact)
	}
	if c.OnEvent == nil {
		c.OnEvent = func(Event) {}
	}
	return c, nil
}

// Event is something that the owner may want to know.
type Event struct {
	// Time is the presentation time of the frame concerned.
	Time time.Duration
	// Kind says what happened.
	Kind EventKind
	// Reason says why more is hidden from this frame on. It is NoReason where
	// nothing more is.
	Reason Reason
	// Detector names the detector of DetectorFailed.
	Detector string
	// Size is the picture's new native size in pixels, of FormatChanged.
	Size image.Point
	// Err is the cause, if there is one.
	Err error
}

// EventKind is the kind of an event.
type EventKind uint8

// The kinds of events.
const (
	// DetectorFailed: an inference of Detector erred, panicked, timed out or returned
	// nonsense.
	DetectorFailed EventKind = iota
	// FailedClosed: frames go out with more hidden than the policy asks, for
	// Reason.
	FailedClosed
	// Recovered: the policy alone decides again.
	Recovered
	// FormatChanged: the source changed its size or aspect ratio.
	FormatChanged
	// CameraMoved: the picture has not shown the confirmed view for some seconds. In
	// Live mode it is hidden until Pipeline.Confirm, in File mode until it shows the
	// view again.
	CameraMoved
	// ViewNotSaved: Config.SaveView failed with Err. A restart would not know of
	// Reason.
	ViewNotSaved

	// NumEventKinds is the number of kinds.
	NumEventKinds
)

var eventNames = [NumEventKinds]string{"detector failed", "failed closed", "recovered", "format changed", "camera moved", "view not saved"}

// String returns the kind's name, "" for no kind that there is.
func (k EventKind) String() string {
	if k < NumEventKinds {
		return eventNames[k]
	}
	return ""
}
