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

// isCarried reports whether something carries an object of the class that needs that, or may
// do so unseen.
func isCarried(list []Inference, class detect.Class, b detect.Box) bool {
	_, _, needs := carrier(class)
	return needs && hasCarrier(list, class, b)
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
	box    detect.Box // of the first weak observation that nothing carries,
	placed bool       // which there was
	real   bool       // another one was seen: it is no thing of the place

	stirred time.Duration // when something moved there last
	since   time.Duration // of the first such observation after that,
	n       int           // and how many there were
}

// clearScore is the score from which an object is no fixture: of people that of a confident
// detection, who sit far away and hardly move.
func (c *ClassConfig) clearScore(class detect.Class) float32 {
	if _, _, needs := carrier(class); needs {
		return uncarriedScore
	}
	return c.High
}

// take notes an observation. sure says that its score is that of no fixture, whole that it
// is of an inference on the whole picture.
func (s *spot) take(o *observation, sure, carried, whole bool) {
	switch {
	case s.placed && !s.holds(o.box), sure, carried:
		s.real = true
		return
	case !whole: // what carries it may be cut off
		return
	case !s.placed:
		s.box, s.placed = o.box, true
	}
	switch {
	case o.at <= s.stirred:
	case s.n == 0:
		s.since, s.n = o.at, 1
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

// Stir says that something moves in patches of the picture at time at. What is there is no
// fixture until nothing has moved there for as long as it takes (see ClassConfig.Fixture).
// Without calls of Stir nothing moves.
func (t *Tracker) Stir(at time.Duration, patches []detect.Box) {
	for _, o := range t.objects {
		s := &o.spot
		if !s.placed {
			continue
		}
		for _, b := range patches {
			if !b.Intersect(s.box).Empty() {
				s.stirred, s.n = max(s.stirred, at), 0
				break
			}
		}
	}
}
