package pipeline

import (
	"image"
	"slices"

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
	kind    int    // of region, the next: see selectRegion
	object  uint64 // the ID of the object whose turn was last
	patches [2]int // counts the choices among what moves unexplained, at the picture's edges and elsewhere
	edges   int    // choices at the edges since the last one elsewhere
	tile    int    // counts the choices among the tiles
}

// selectRegion chooses the part of the frame for detector k's next inference: the whole,
// or, every second time, a region at native size where the whole shows too little. Empty
// means the whole. Regions are what moves and nothing explains, at the picture's edges
// before elsewhere, and in turn with it the surroundings of people (for faces) and
// vehicles (for plates), and of faces and plates that a region alone has shown. Where nobody
// looks for carriers, for a policy that asks for faces or plates alone, it is the turn of small
// ones that are known, and of the frame's tiles.
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
	for n := range kinds {
		var b detect.Box
		ok := false
		kind := (k.turns.kind + n) % kinds
		switch kind {
		case 0:
			b, ok = s.unexplainedRegion(k, f, a)
		case 1:
			b, ok = k.objectRegion(a.objects, frame, size)
		case 2:
			b, ok = k.tileRegion(frame.Size(), size)
		}
		if ok {
			k.turns.regions++
			k.turns.kind = (kind + 1) % kinds
			return regionAround(b, size, frame)
		}
	}
	return image.Rectangle{}
}

// settled reports whether detector k began to look at the whole of a frame like f, in which nothing
// has moved since, so short a time ago that it stands for the frames until the next time, after a region.
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

// objectRegion returns, of the objects that want a region, the one whose turn it is: the next by
// ID, so that each has its turn, whoever comes and goes.
func (k *slot) objectRegion(objects []detect.Object, frame image.Rectangle, size image.Point) (detect.Box, bool) {
	k.wanting(objects, frame, size)
	if len(k.wanted) == 0 {
		return detect.Box{}, false
	}
	pick := k.wanted[0]
	for _, o := range k.wanted[1:] {
		// Those after the last one come before those up to it.
		if late, is := pick.ID <= k.turns.object, o.ID <= k.turns.object; late != is && late || late == is && o.ID < pick.ID {
			pick = o
		}
	}
	k.turns.object = pick.ID
	return aim(pick, size), true
}

// aim returns what a region of a size for an object is to show the middle of: of somebody taller
// than the region the upper part.
func aim(o *detect.Object, size image.Point) detect.Box {
	b := o.Box
	if o.Class == detect.Person {
		b.Y1 = min(b.Y1, b.Y0+0.9*float32(size.Y))
	}
	return b
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

// mostCarriers bounds how many carriers are compared with what they may carry.
const mostCarriers = 64

// wanting notes in k.wanted the objects for which, or for whose faces and plates, the scaled picture
// is too small, and reports whether there are any.
func (k *slot) wanting(objects []detect.Object, frame image.Rectangle, size image.Point) bool {
	k.wanted = k.wanted[:0]
	for i := range objects {
		if k.carries(&objects[i], frame.Dx(), size.X) {
			k.wanted = append(k.wanted, &objects[i])
		}
	}
	carriers := k.wanted[:min(len(k.wanted), mostCarriers)]
	for i := range objects {
		o := &objects[i]
		if k.small(o, frame.Dx(), size.X) && !slices.ContainsFunc(carriers, func(c *detect.Object) bool {
			region := rectBox(regionAround(aim(c, size), size, frame))
			return o.Box.Intersect(region) == o.Box
		}) {
			k.wanted = append(k.wanted, o)
		}
	}
	return len(k.wanted) > 0
}

// carries reports whether an object may carry a face or plate that is looked for, and is too
// small for it in the scaled picture.
func (k *slot) carries(o *detect.Object, full, scaled int) bool {
	short := o.Box.Short() * float32(scaled) / float32(full)
	return k.classes.Has(detect.Plate) && o.Class == detect.Vehicle && short < smallVehicle ||
		k.classes.Has(detect.Face) && o.Class == detect.Person && short < smallPerson
}

// small reports whether an object is a face or plate that a region has shown, or, where carriers
// are not looked for, one too small for the scaled picture.
func (k *slot) small(o *detect.Object, full, scaled int) bool {
	if !k.classes.Has(o.Class) {
		return false
	}
	by := float32(scaled) / float32(full)
	switch o.Class {
	case detect.Face:
		return o.InRegion || k.sweeps && o.Box.Short()*by < smallFace
	case detect.Plate:
		return o.InRegion || k.sweeps && o.Box.W()*by < smallPlate
	}
	return false
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
