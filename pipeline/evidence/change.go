package evidence

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// What Change.Outside may be.
const (
	OutsideAll    = "all"
	OutsidePolicy = "policy"
)

// Change is one change by a reviewer: a line behind the end. One of Strike, Restore, Times
// and Outside is set.
type Change struct {
	// Strike are the numbers of tracks that are taken out, and Restore of those that are
	// hidden again as they were found.
	Strike  []uint64 `json:"strike,omitempty"`
	Restore []uint64 `json:"restore,omitempty"`
	// Times says when a track is hidden.
	Times *ChangedTimes `json:"times,omitempty"`
	// Outside is OutsideAll, to hide all that is not on the property, or OutsidePolicy.
	Outside string `json:"outside,omitempty"`
	// By says who made the change, At when, and Why what for.
	By  string    `json:"by,omitempty"`
	At  time.Time `json:"at,omitzero"`
	Why string    `json:"why,omitempty"`
}

// ChangedTimes are Times in seconds.
type ChangedTimes struct {
	Track uint64  `json:"track"`
	From  float64 `json:"from"`
	To    float64 `json:"to"`
}

// mostText is how many bytes By and Why may have.
const mostText = 400

// Check returns an error that says what is wrong with a change.
func (c *Change) Check() error {
	set := 0
	for _, is := range []bool{len(c.Strike) > 0, len(c.Restore) > 0, c.Times != nil, c.Outside != ""} {
		if is {
			set++
		}
	}
	switch {
	case set != 1:
		return fmt.Errorf("a change has one of strike, restore, times and outside, and this one has %d", set)
	case c.Outside != "" && c.Outside != OutsideAll && c.Outside != OutsidePolicy:
		return fmt.Errorf("outside %q: must be %q or %q", c.Outside, OutsideAll, OutsidePolicy)
	case c.Times != nil && !(c.Times.From >= 0 && c.Times.From <= c.Times.To && c.Times.To <= mostSeconds):
		return fmt.Errorf("track %d from %v to %v: the times must be seconds, and must not fall", c.Times.Track, c.Times.From, c.Times.To)
	case len(c.By) > mostText || len(c.Why) > mostText:
		return fmt.Errorf("by and why may have %d bytes each", mostText)
	}
	return nil
}

// Append writes a change as a line behind evidence that is complete.
func Append(w io.Writer, c Change) error {
	if err := c.Check(); err != nil {
		return err
	}
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// apply takes a change into the edits.
func (e *Edits) apply(c Change) {
	e.Changes = append(e.Changes, c)
	switch {
	case c.Times != nil:
		seconds := func(v float64) time.Duration { return time.Duration(math.Round(v * float64(time.Second))) }
		e.forget([]uint64{c.Times.Track})
		e.Times = append(e.Times, Times{c.Times.Track, seconds(c.Times.From), seconds(c.Times.To)})
	case c.Outside != "":
		e.HideOutside = c.Outside == OutsideAll
	case len(c.Strike) > 0:
		e.Strike = append(e.Strike, c.Strike...)
	default:
		e.Strike = slices.DeleteFunc(e.Strike, func(id uint64) bool { return slices.Contains(c.Restore, id) })
		e.forget(c.Restore)
	}
}

// forget takes back the times of tracks.
func (e *Edits) forget(tracks []uint64) {
	e.Times = slices.DeleteFunc(e.Times, func(t Times) bool { return slices.Contains(tracks, t.Track) })
}

// Apply returns what a list of changes comes to.
func Apply(list []Change) Edits {
	var e Edits
	for _, c := range list {
		e.apply(c)
	}
	return e
}
