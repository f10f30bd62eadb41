package redact

import (
	"image"

	"github.com/hedgecam/hedge/detect"
)

// rules decides which blocks of a picture are hidden.
type rules struct {
	of     *Policy // as it was given
	opts   Options
	grow   int // of all hidden regions, in blocks
	size   image.Point
	zones  *zones
	policy blockMask // hidden by the zones alone, at HidePolicy
	failed blockMask // the same at HideOutside
	// judges: objects that are not on the property are hidden where the zones
	// would show them.
	judges     bool
	feet       bool // visitors are shown, by the rest of the policy
	outlined   bool // and of them the silhouette only
	hideInside detect.ClassSet
	// How what is hidden because of where it is, and what was found, is hidden.
	placeFill, foundFill Fill

	// What the last decision leaves for frost: the blocks that are hidden
	// because of where they are and nothing else (none while the picture is not
	// trusted), and the blocks of everything that was found, hidden or not.
	place blockMask
	found []blockRect

	objects []judged // scratch
	tmp     blockMask
	who     blockMask // blocks of what was found and is hidden
	plates  blockMask // blocks of license plates, hidden or not
	outline outline
}

// judged is an object of the scene while it is being judged.
type judged struct {
	class  detect.Class
	box    detect.Box // the estimate
	padded detect.Box // what must be hidden to hide it, with its margin
	inside bool       // it counts as being on the property
	guest  bool       // a visitor, whose box is shown
	there  bool       // it is no doubt there
	hidden bool       // it is hidden for itself
	known  bool       // its silhouette is known
	body   detect.Silhouette
}

// newRules returns the rules of a policy that is valid, with its zones.
func newRules(of *Policy, z *zones, o Options) *rules {
	size := z.size
	full := of.withDefaults()
	p := &full
	r := &rules{
		of:   of,
		opts: o, grow: (o.Grow + blockSide - 1) / blockSide, size: size, zones: z,
		policy: newBlockMask(size), failed: newBlockMask(size), tmp: newBlockMask(size), place: newBlockMask(size),
		who: newBlockMask(size), plates: newBlockMask(size), outline: outline{size: size},
		judges: p.judgesObjects(), feet: p.Visitors != VisitorsBox, outlined: p.Visitors == VisitorsSilhouette,
		hideInside: p.hidesInside(),
		placeFill:  p.Outside.Fill, foundFill: p.Found.Fill,
	}
	if p.Outside.Hide == HideDetected {
		r.policy.fill()
	} else {
		r.policy.add(&r.zones.inside)
		r.policy.add(&r.zones.strip)
	}
	r.policy.invert()
	r.policy.add(&r.zones.mask)
	if r.hideInside == 0 {
		r.failed.add(&r.zones.inside)
	}
	r.failed.invert()
	r.failed.add(&r.zones.mask)
	r.policy.compact()
	r.failed.compact()
	return r
}

// decide fills in st.hidden, st.by, st.whole and st.counts. origin is the
// picture's corner in the scene's coordinates.
func (r *rules) decide(st *frameState, s Scene, origin image.Point) {
	st.counts = Counts{}
	sane := r.judge(s, origin)
	level := s.Level
	if !sane {
		level = max(level, HideOutside)
	}
	st.counts.Failed = level != HidePolicy

	switch level {
	case HidePolicy:
		st.hidden.copyFrom(&r.policy)
	case HideOutside:
		st.hidden.copyFrom(&r.failed)
	default:
		st.hidden.fill()
	}
	for i := range r.objects {
		switch o := &r.objects[i]; {
		case !o.guest || level != HidePolicy:
		case r.outlined:
			r.outline.show(&st.hidden, &o.body, o.box)
		default:
			st.hidden.unset(within(o.box, r.size))
		}
	}
	// A mask wins over visitors.
	st.hidden.add(&r.zones.mask)
	st.counts.Outside = st.hidden.count()
	r.place.clear()
	if level == HidePolicy {
		r.place.copyFrom(&st.hidden)
	}

	r.who.clear()
	r.plates.clear()
	r.found = r.found[:0]
	for i := range r.objects {
		r.hide(&r.objects[i])
	}
	r.count(&st.counts)
	for _, b := range s.Motion {
		r.hideMotion(st, shift(b, origin))
	}
	st.hidden.grow(r.grow, &r.tmp)
	r.who.grow(r.grow, &r.tmp)
	r.plates.grow(r.grow, &r.tmp)
	r.choose(st, level)
	st.hidden.add(&r.who)
	st.whole = st.hidden.holds(blockRect{0, 0, st.hidden.w, st.hidden.h})
}

// choose says how everything is hidden: st.hidden because of where it is, r.who
// because it was found.
func (r *rules) choose(st *frameState, level Level) {
	for f := range st.by {
		st.by[f].clear()
	}
	fill := r.placeFill
	if fill == Background && level == HideFrame {
		fill = Frost // the plate may be of another view
	}
	st.by[fill].copyFrom(&st.hidden)
	if fill == Background {
		// A mask hides the place itself, whoever is in it.
		st.by[Frost].copyFrom(&r.zones.mask)
		st.by[Frost].grow(r.grow, &r.tmp)
		st.by[Background].remove(&st.by[Frost])
	}
	st.coverText(&r.plates, &r.tmp)
	r.who.remove(&st.hidden)
	st.by[r.foundFill].add(&r.who)
}

// coverText has what frost hides of license plates solid: text can be read back from
// averages.
func (st *frameState) coverText(plates, tmp *blockMask) {
	tmp.copyFrom(plates)
	tmp.keep(&st.by[Frost])
	st.by[Frost].remove(tmp)
	st.by[Solid].add(tmp)
}

// soften draws a soft edge around what the background hides: each of its steps is that,
// and a ring of blocks further outwards, of which less is fill.
func (st *frameState) soften(width int, tmp *blockMask) {
	inner := &st.by[Background]
	for i := range st.soft {
		st.soft[i].copyFrom(inner)
		if width > 0 {
			st.soft[i].grow(width, tmp)
		}
		inner = &st.soft[i]
	}
	for f := int(Background) + 1; f < numFills; f++ {
		for i := range st.soft {
			st.soft[i].remove(&st.by[f])
		}
	}
}

func shift(b detect.Box, origin image.Point) detect.Box {
	return b.Shift(-float32(origin.X), -float32(origin.Y))
}

// judge fills in r.objects. It reports false if anything in the scene makes no
// sense.
func (r *rules) judge(s Scene, origin image.Point) bool {
	r.objects = r.objects[:0]
	sane := true
	for _, b := range s.Motion {
		sane = sane && b.Finite() && !b.Empty()
	}
	for i := range s.Objects {
		o := &s.Objects[i]
		if o.Class >= detect.NumClasses || !(o.Score >= 0 && o.Score <= 1) ||
			!o.Box.Finite() || o.Box.Empty() || !o.Padded.Finite() || o.Padded.Empty() {
			sane = false
			continue
		}
		box := shift(o.Box, origin)
		padded := shift(o.Padded, origin).Union(box).Grow(r.opts.Margin, r.opts.Margin)
		if !padded.Finite() {
			sane = false
			continue
		}
		j := judged{class: o.Class, box: box, padded: padded, there: o.Confirmed && o.Age <= thereFor}
		j.inside = r.zones.inside.holds(touched(padded, r.size))
		if j.known = o.Class == detect.Person && o.Silhouette.Valid(); j.known {
			j.body = *o.Silhouette
			j.body.Region = shift(j.body.Region, origin)
		}
		if r.feet && (j.known || !r.outlined) && o.Class == detect.Person && o.Confirmed && o.Score >= r.opts.VisitorScore &&
			o.Age <= r.opts.VisitorAge && r.zones.stands(box) {
			j.inside, j.guest = true, true
		}
		r.objects = append(r.objects, j)
	}
	for i := range r.objects {
		if o := &r.objects[i]; o.class == detect.Face || o.class == detect.Plate {
			r.follow(o)
		}
	}
	return sane
}

// follow lets a face or plate count as inside where those that may carry it do.
// With more than one candidate, one outside is enough to put it outside; with
// none its own box has decided.
func (r *rules) follow(o *judged) {
	found, inside := false, true
	for i := range r.objects {
		if c := &r.objects[i]; carries(c, o) {
			found = true
			inside = inside && c.inside
		}
	}
	if found {
		o.inside = inside
	}
}

// carries reports whether c may carry o: a person, in the upper half of whose
// box the centre of the face lies, or a vehicle, in whose box the centre of the
// plate lies.
func carries(c, o *judged) bool {
	x, y := o.box.Center()
	box := c.box
	switch {
	case o.class == detect.Face && c.class == detect.Person:
		box.Y1 -= box.H() / 2
	case o.class == detect.Plate && c.class == detect.Vehicle:
	default:
		return false
	}
	return x >= box.X0 && x < box.X1 && y >= box.Y0 && y < box.Y1
}

// hide hides one object if the policy wants it hidden.
func (r *rules) hide(o *judged) {
	if o.class == detect.Vehicle {
		return
	}
	blocks := touched(o.padded, r.size)
	if blocks.empty() {
		return
	}
	r.find(blocks)
	if o.class == detect.Plate {
		r.plates.set(blocks)
	}
	if !r.hideInside.Has(o.class) && (!r.judges || o.inside) {
		return
	}
	r.who.setShape(o.box, o.padded, o.class, r.size)
	o.hidden = true
}

// hideMotion hides a moving patch that nothing explains.
func (r *rules) hideMotion(st *frameState, b detect.Box) {
	blocks := touched(b, r.size)
	if blocks.empty() {
		return
	}
	r.find(blocks)
	if r.hideInside.Has(detect.Person) || r.judges && !r.zones.inside.holds(blocks) {
		r.who.set(blocks)
		st.counts.Motion++
	}
}

// find notes blocks of something found, grown as what is hidden is.
func (r *rules) find(b blockRect) {
	g := r.grow
	r.found = append(r.found, blockRect{max(b.x0-g, 0), max(b.y0-g, 0),
		min(b.x1+g, r.place.w), min(b.y1+g, r.place.h)})
}
