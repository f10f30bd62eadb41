package redact

import (
	"time"

	"github.com/hedgecam/hedge/detect"
)

const (
	// thereFor is how long ago an object may have been seen that counts as being
	// there. Detectors of a fixed camera look once a second at least.
	thereFor = time.Second
	// sameObject is the share of the smaller of two boxes of one class that the
	// other holds if both are of one object.
	sameObject = 0.6
)

// count counts the hidden objects. It changes nothing that is hidden.
func (r *rules) count(c *Counts) {
	for i := range r.objects {
		o := &r.objects[i]
		switch {
		case !o.hidden:
			continue
		case !o.there || r.countedBefore(i):
			c.Doubtful++
			continue
		}
		switch o.class {
		case detect.Face:
			c.Faces++
		case detect.Person:
			c.People++
		case detect.Plate:
			c.Plates++
		}
	}
}

// countedBefore reports whether one of the objects before the i-th is the same.
func (r *rules) countedBefore(i int) bool {
	o := &r.objects[i]
	for j := range i {
		p := &r.objects[j]
		if p.hidden && p.there && p.class == o.class &&
			p.box.Intersect(o.box).Area() >= sameObject*min(p.box.Area(), o.box.Area()) {
			return true
		}
	}
	return false
}
