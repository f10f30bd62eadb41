package pipeline

import (
	"image"

	"github.com/hedgecam/hedge/detect"
)

// smallPerson and smallVehicle are the sizes, in pixels of the network's input,
// below which a carrier's face or plate is looked for at native size, and smallFace and
// smallPlate those of what has no carrier: YuNet and LPD-YuNet miss most faces under 10 px and
// plates under 48 px of width.
const (
	smallPerson  = 80 // a person's shorter side; the face is about a third
	smallVehicle = 240
	smallFace    = 10
	smallPlate   = 48 // its width
)

// edge is how near to the picture's edge, as a share of its width, a moving patch
// must be to be somebody who comes in.
const edge = 0.02

// turns say whose turn it is to be a detector's next region of interest.
type turns struct {
	regions int    // inferences at regions since the last one at the whole
	choice  int    // counts the choices of a region
	carrier int    // counts the choices among people and vehicles,
	patches [2]int // and among what moves unexplained, at the picture's edges and elsewhere
	edges   int    // choices at the edges since the last one elsewhere
	tile    int    // counts the choices among the tiles
}

// selectRegion chooses the part of the frame for detector k's next inference: the whole,
// or, every second time, a region at native size where the whole shows too little. Empty
// means the whole. Regions are what moves and nothing explains, at the picture's edges
// before elsewhere, and in turn with it the surroundings of people (for faces) and
// vehicles (for plates). Where nobody looks for these carriers, for a policy that asks for
// faces or plates alone, it is the turn of small ones that are known, and of the frame's tiles.
func (s *scheduler) selectRegion(k *slot, f *frame, a *activity) image.Rectangle {
	frame := f.buf.pic.Rect
	size := k.inputSize(frame.Size())
	spared := s.trust.sparesRegions(k.index, max(k.interval, k.cost)) || a.static && s.settled(k, f)
	if !detailed(k, frame.Size()) || k.turns.regions > 0 || !spared {
		k.turns.regions = 0
		return image.Rectangle{}
	}
	kinds := 2
	if k.sweeps {
		kinds = 3
	}
	k.turns.choice++
	for n := range kinds {
		var b detect.Box
		ok := false
		switch (k.turns.choice - 1 + n) % kinds {
		case 0:
			b, ok = s.unexplainedRegion(k, f, a)
		case 1:
			b, ok = k.carrierRegion(a.objects, frame.Dx(), size)
		case 2:
			b, ok = k.tileRegion(frame.Size(), size)
		}
		if ok {
			k.turns.regions++
			return regionAround(b, size, frame)
		}
	}
	return image.Rectangle{}
}

// settled reports whether detector k looked at the whole of a frame like f, in which nothing has
// moved since, so short a time ago that it stands for the frames until the next time, after a region.
func (s *scheduler) settled(k *slot, f *frame) bool {
	return k.begun && s.trust.healthy(k.index) && k.lastAt >= f.movedAt && f.at-k.lastAt+2*max(k.cost, s.affordable()) <= staticFor
}

// detailed reports whether a frame has so much more detail than the detector sees that a region
// is worth an inference: twice as much.
func detailed(k *slot, frame image.Point) bool { return frame.X >= 2*k.inputSize(frame).X }

// unexplainedRegion returns a moving patch that nothing explains: two times of three one
// at the picture's edge, if there is any, so that the others are not forgotten.
func (s *scheduler) unexplainedRegion(k *slot, f *frame, a *activity) (detect.Box, bool) {
	if !k.classes.Has(detect.Person) && !k.sweeps {
		return detect.Box{}, false
	}
	full := rectBox(f.buf.pic.Rect)
	near := edge * full.W()
	inner := detect.Box{X0: full.X0 + near, Y0: full.Y0 + near, X1: full.X1 - near, Y1: full.Y1 - near}
	var lists [2][]detect.Box
	for i := range lists {
		lists[i] = s.entering[i][:0]
	}
	for _, b := range f.moved {
		if explainedBy(b, a.objects, true) {
			continue
		}
		i := 1
		if b.X0 < inner.X0 || b.Y0 < inner.Y0 || b.X1 > inner.X1 || b.Y1 > inner.Y1 {
			i = 0
		}
		lists[i] = append(lists[i], b)
	}
	s.entering = lists
	which := 0
	if len(lists[0]) == 0 || len(lists[1]) > 0 && k.turns.edges == 2 {
		which = 1
	}
	list := lists[which]
	if len(list) == 0 {
		return detect.Box{}, false
	}
	if k.turns.edges++; which == 1 {
		k.turns.edges = 0
	}
	k.turns.edges = min(k.turns.edges, 2)
	k.turns.patches[which]++
	return list[k.turns.patches[which]%len(list)], true
}

// carrierRegion returns, of the people and vehicles too small in the scaled picture, the
// one whose turn it is: of somebody taller than the region, at its size, the upper part.
func (k *slot) carrierRegion(objects []detect.Object, full int, size image.Point) (detect.Box, bool) {
	n := k.wanting(objects, full, size.X)
	if n == 0 {
		return detect.Box{}, false
	}
	k.turns.carrier++
	pick := k.turns.carrier % n
	for i := range objects {
		if !k.wantsRegion(&objects[i], full, size.X) {
			continue
		}
		if pick == 0 {
			b := objects[i].Box
			if objects[i].Class == detect.Person {
				b.Y1 = min(b.Y1, b.Y0+0.9*float32(size.Y))
			}
			return b, true
		}
		pick--
	}
	return detect.Box{}, false
}

// tileRegion returns the tile of the frame whose turn it is.
func (k *slot) tileRegion(full, size image.Point) (detect.Box, bool) {
	if k.tiled != [2]image.Point{full, size} {
		k.tiled, k.tiles = [2]image.Point{full, size}, tilesOf(full, size)
	}
	if len(k.tiles) == 0 {
		return detect.Box{}, false
	}
	k.turns.tile++
	return rectBox(k.tiles[k.turns.tile%len(k.tiles)]), true
}

// wanting returns how many objects there are for which, or for whose faces and plates, the scaled
// picture is too small.
func (k *slot) wanting(objects []detect.Object, full, scaled int) (n int) {
	for i := range objects {
		if k.wantsRegion(&objects[i], full, scaled) {
			n++
		}
	}
	return n
}

func (k *slot) wantsRegion(o *detect.Object, full, scaled int) bool {
	short := o.Box.Short() * float32(scaled) / float32(full)
	return k.classes.Has(detect.Plate) && o.Class == detect.Vehicle && short < smallVehicle ||
		k.classes.Has(detect.Face) && o.Class == detect.Person && short < smallPerson ||
		k.sweeps && k.classes.Has(o.Class) &&
			(o.Class == detect.Face && short < smallFace || o.Class == detect.Plate && o.Box.W()*float32(scaled)/float32(full) < smallPlate)
}

// regionAround returns a rectangle of the given size inside the frame, as near to
// the middle of b as the frame's edges allow. Its corners are even.
func regionAround(b detect.Box, size image.Point, frame image.Rectangle) image.Rectangle {
	cx, cy := b.Center()
	size.X, size.Y = min(size.X, frame.Dx()), min(size.Y, frame.Dy())
	x := min(max(int(cx)-size.X/2, 0), frame.Dx()-size.X) &^ 1
	y := min(max(int(cy)-size.Y/2, 0), frame.Dy()-size.Y) &^ 1
	return image.Rect(x, y, x+size.X, y+size.Y)
}
