package pipeline

import (
	"image"
	"math"
	"time"

	"github.com/hedgecam/hedge/pipeline/evidence"
)

// summary is what the evidence says of all pictures together.
type summary struct {
	at      []time.Duration
	good    [][]bool // by network: an inference of the whole was good,
	bad     [][]bool // or failed
	view    []int
	covered []bool  // objects fill the picture
	jolt    []bool  // the picture has clearly shifted, or it is not clear how
	shaken  int     // pictures that have clearly shifted
	known   int     // pictures of which it is known
	drift   float64 // furthest that the others have drifted, in pixels
}

func summarise(ev *Evidence) (*summary, error) {
	n := len(ev.header.Networks)
	s := &summary{good: make([][]bool, n), bad: make([][]bool, n)}
	for i := range n {
		s.good[i], s.bad[i] = make([]bool, ev.frames), make([]bool, ev.frames)
	}
	side := float64(max(ev.header.Size.X, ev.header.Size.Y))
	var x, y float64
	filled := false
	err := ev.each(func(i int, f *evidence.Frame) error {
		s.at, s.view = append(s.at, f.Time), append(s.view, f.View)
		if len(f.Inferences) > 0 {
			filled = fills(f, ev.header.Size)
		}
		s.covered = append(s.covered, filled)
		for _, k := range f.Inferences {
			if k.Region.Empty() {
				s.good[k.Network][i] = true
			}
		}
		for _, k := range f.Failed {
			s.bad[k][i] = true
		}
		s.jolt = append(s.jolt, jolt(f, ev.header.Size))
		if f.Clear {
			s.known++
			if math.Hypot(f.DX, f.DY) > shakes*side {
				s.shaken++
				return nil
			}
			x, y = x+f.DX, y+f.DY
			s.drift = max(s.drift, math.Hypot(x, y))
		}
		return nil
	})
	return s, err
}

// jolt reports whether a picture has clearly shifted, or it is not clear how.
func jolt(f *evidence.Frame, size image.Point) bool {
	return !f.Clear || math.Hypot(f.DX, f.DY) > shakes*float64(max(size.X, size.Y))
}

// filling is the least share of the picture, and filled the least score, of one object
// that explains why nothing is seen of the place.
const filling, filled = 0.6, 0.4

// fills reports whether somebody or a vehicle fills the picture.
func fills(f *evidence.Frame, size image.Point) bool {
	for _, k := range f.Inferences {
		for _, o := range k.Found {
			if explains.Has(o.Class) && o.Score >= filled && o.Box.Area() >= filling*float32(size.X*size.Y) {
				return true
			}
		}
	}
	return false
}

const (
	// shakes is the least shift from one picture to the next, as a share of the longer
	// side, that means that the camera has moved. shaking is the least share of such
	// pictures in the recording of a moving camera. drifts is how far the picture of a
	// fixed camera may drift, as a share of the longer side.
	shakes, shaking, drifts = 0.0015, 0.1, 0.1
)

// camera tells a fixed from a moving camera. A recording too short to say counts as
// fixed: that hides more.
func (s *summary) camera(h evidence.Header) Camera {
	side := float64(max(h.Size.X, h.Size.Y))
	switch {
	case s.known < 2:
		return FixedCamera
	case float64(s.shaken) > shaking*float64(s.known), s.drift > drifts*side:
		return MovingCamera
	}
	return FixedCamera
}

const (
	// turning is how long before the first picture that is known to show another place the
	// camera may have begun to turn: it takes some seconds until a small shift is believed.
	turning = 4 * time.Second
	// lost is for how long the picture of a fixed camera must show another place, with
	// nobody before it, until somebody who fills it explains nothing.
	lost = time.Second
)

// Span is a part of a recording: From is in it, To is not. Both are presentation times.
type Span struct{ From, To time.Duration }

// otherViews returns the parts of the recording in which the picture does not show the
// place of the beginning. Each part begins with the first jolt before it. Where somebody
// fills the picture nobody knows what it shows, so that is not one, unless the place was
// lost before.
func (s *summary) otherViews() (spans []Span) {
	away := s.away()
	for i := 0; i < len(s.at); i++ {
		if !away[i] {
			continue
		}
		from := s.at[i]
		for j := i; j > 0 && s.at[i]-s.at[j] <= turning; j-- {
			if s.jolt[j] {
				from = s.at[j]
			}
		}
		for i < len(s.at) && away[i] {
			i++
		}
		to := s.at[min(i, len(s.at)-1)]
		if i == len(s.at) {
			to++ // the last picture too
		}
		spans = append(spans, Span{from, to})
	}
	return spans
}

// away returns in which pictures another place is seen.
func (s *summary) away() []bool {
	away := make([]bool, len(s.at))
	begun, gone := -1, false // the first of the pictures in a row with nobody before it, and whether the place is lost
	for i, view := range s.view {
		switch {
		case view == 0:
			begun, gone = -1, false
		case gone || !s.covered[i]:
			if begun < 0 {
				begun = i
			}
			away[i] = true
			gone = gone || s.at[i]-s.at[begun] >= lost
		default:
			begun = -1
		}
	}
	return away
}
