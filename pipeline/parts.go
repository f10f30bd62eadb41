package pipeline

import (
	"image"

	"github.com/hedgecam/hedge/detect"
)

// smallPerson and smallVehicle are the sizes, in pixels of the network's input,
// below which a carrier's face or plate is looked for at native size: YuNet and
// LPD-YuNet miss most faces under 10 px and plates under 48 px of width.
const (
	smallPerson  = 80 // a person's shorter side; the face is about a third
	smallVehicle = 240
)

// edge is how near to the picture's edge, as a share of its width, a moving patch
// must be to be somebody who comes in.
const edge = 0.02

// aim chooses the part of the frame for detector k's next look: the whole, or, every
// second time, a part at native size where the whole shows too little. Empty means
// the whole. Parts are what moves and nothing explains, at the picture's edges
// before elsewhere, and in turn with it the surroundings of people (for faces) and
// vehicles (for plates).
func (r *run) aim(k *looker, f *frame) image.Rectangle {
	frame := f.buf.pic.Rect
	size := k.inputSize(frame.Size())
	// Less than twice the detail is not worth a look.
	if frame.Dx() < 2*size.X || k.plan.crops > 0 || !r.sparesParts(k) {
		k.plan.crops = 0
		return image.Rectangle{}
	}
	k.plan.next++
	b, ok := r.comer(k, f)
	if carrier, found := r.carrier(k, frame.Dx(), size.X); found && (!ok || k.plan.next%2 == 0) {
		b, ok = carrier, true
	}
	if !ok {
		return image.Rectangle{}
	}
	k.plan.crops++
	return cropAround(b, size, frame)
}

// sparesParts reports whether looks at the whole, with one at a part between them,
// still come often enough to stand for the frames between them.
func (r *run) sparesParts(k *looker) bool {
	return k.support.backed || 2*max(k.plan.beat, k.plan.cost) <= k.support.apart*3/4
}

// comer returns a moving patch that nothing explains: two times of three one at the
// picture's edge, if there is any, so that the others are not forgotten.
func (r *run) comer(k *looker, f *frame) (detect.Box, bool) {
	if !k.wants.Has(detect.Person) {
		return detect.Box{}, false
	}
	full := rectBox(f.buf.pic.Rect)
	near := edge * full.W()
	inner := detect.Box{X0: full.X0 + near, Y0: full.Y0 + near, X1: full.X1 - near, Y1: full.Y1 - near}
	var lists [2][]detect.Box
	for i := range lists {
		lists[i] = r.comers[i][:0]
	}
	for _, b := range f.moved {
		if covered(b, r.now, true) {
			continue
		}
		i := 1
		if b.X0 < inner.X0 || b.Y0 < inner.Y0 || b.X1 > inner.X1 || b.Y1 > inner.Y1 {
			i = 0
		}
		lists[i] = append(lists[i], b)
	}
	r.comers = lists
	first := 0
	if k.plan.next%3 == 0 || len(lists[0]) == 0 {
		first = 1
	}
	for _, list := range [2][]detect.Box{lists[first], lists[1-first]} {
		if len(list) > 0 {
			return list[k.plan.next%len(list)], true
		}
	}
	return detect.Box{}, false
}

// carrier returns, of the people and vehicles too small in the scaled picture, the
// one whose turn it is.
func (r *run) carrier(k *looker, full, scaled int) (detect.Box, bool) {
	n := 0
	for _, o := range r.now {
		if r.wantsCrop(k, o, full, scaled) {
			n++
		}
	}
	if n == 0 {
		return detect.Box{}, false
	}
	k.plan.carrier++
	pick := k.plan.carrier % n
	for _, o := range r.now {
		if !r.wantsCrop(k, o, full, scaled) {
			continue
		}
		if pick == 0 {
			return o.Box, true
		}
		pick--
	}
	return detect.Box{}, false
}

func (r *run) wantsCrop(k *looker, o detect.Object, full, scaled int) bool {
	short := o.Box.Short() * float32(scaled) / float32(full)
	return k.wants.Has(detect.Plate) && o.Class == detect.Vehicle && short < smallVehicle ||
		k.wants.Has(detect.Face) && o.Class == detect.Person && short < smallPerson
}

// cropAround returns a rectangle of the given size inside the frame, as near to
// the middle of b as the frame's edges allow. Its corners are even.
func cropAround(b detect.Box, size image.Point, frame image.Rectangle) image.Rectangle {
	cx, cy := b.Center()
	size.X, size.Y = min(size.X, frame.Dx()), min(size.Y, frame.Dy())
	x := min(max(int(cx)-size.X/2, 0), frame.Dx()-size.X) &^ 1
	y := min(max(int(cy)-size.Y/2, 0), frame.Dy()-size.Y) &^ 1
	return image.Rect(x, y, x+size.X, y+size.Y)
}
