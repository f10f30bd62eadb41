package track

import (
	"time"

	"github.com/hedgecam/hedge/detect"
)

const (
	// uncarriedScore is the score from which a face or plate is believed that nothing
	// carries: a poster, a face close to the camera.
	uncarriedScore = 0.75
	// fixtureObservations is how many observations a fixture takes at least. The middle of
	// each lies no further from that of the first than spotReach sizes, three times what
	// detections jitter, and they overlap by spotOverlap.
	fixtureObservations, spotReach, spotOverlap = 8, 0.15, 0.5
	// fixtureHold is how long after its last observation a fixture is still known, so that
	// it is not hidden anew when it is seen again.
	fixtureHold = 10 * time.Minute
)

// carrier returns what carries a class, and the least score that it counts from; false if
// the class needs nothing to carry it.
func carrier(c detect.Class) (by detect.Class, least float32, ok bool) {
	switch c {
	case detect.Face:
		return detect.Person, 0.3, true
	case detect.Plate:
		return detect.Vehicle, 0.2, true
	}
	return c, 0, false
}

// hasCarrier reports whether a face lies in somebody who was found, or a plate in a
// vehicle; true if nobody looked for these, or if it needs no carrier.
func hasCarrier(list []Inference, class detect.Class, b detect.Box) bool {
	by, least, ok := carrier(class)
	if !ok {
		return true
	}
	x, y := b.Center()
	searched := false
	for i := range list {
		k := &list[i]
		searched = searched || k.Classes.Has(by)
		for _, d := range k.Detections {
			// Somewhat larger: boxes of what is cut off or turned are narrow.
			if c := d.Box.Grow(0.1, 0.1); d.Class == by && d.Score >= least && x >= c.X0 && x < c.X1 && y >= c.Y0 && y < c.Y1 {
				return true
			}
		}
	}
	return !searched
}

// spot is where an object is that may be a thing of the place.
type spot struct {
	box   detect.Box // of the first weak observation that nothing carries
	since time.Duration
	n     int  // of such observations
	real  bool // another one was seen: it is no thing of the place
}

// take notes an observation. whole says that it is of an inference on the whole picture.
func (s *spot) take(o *observation, carried, whole bool) {
	switch {
	case s.n > 0 && !s.holds(o.box), o.score >= uncarriedScore, carried:
		s.real = true
	case !whole: // what carries it may be cut off
	case s.n == 0:
		s.box, s.since, s.n = o.box, o.at, 1
	default:
		s.since = min(s.since, o.at)
		s.n++
	}
}

// holds reports whether a box is of the same spot.
func (s *spot) holds(b detect.Box) bool {
	return centerDistance(b, s.box) <= spotReach*size(s.box) && b.IoU(s.box) >= spotOverlap
}

// fixture reports whether an object is a thing of the place.
func (o *object) fixture(c *ClassConfig) bool {
	s := &o.spot
	return c.Fixture > 0 && !s.real && s.n >= fixtureObservations && o.seen[len(o.seen)-1].at-s.since >= c.Fixture
}
