package redact

import (
	"fmt"
	"image"
	"slices"

	"github.com/hedgecam/hedge/detect"
)

// LooserBy is a way in which a policy may show what another one hides.
type LooserBy uint8

// The ways, in the order in which they are looked for.
const (
	// LooserFill: something is hidden by a fill that keeps more.
	LooserFill LooserBy = iota
	// LooserZones: a block that was hidden because of where it is may be shown, or a
	// place counts as being on the property that did not.
	LooserZones
	// LooserVisitors: who did not count as a visitor may be one, or more is shown of them.
	LooserVisitors
	// LooserClasses: a class that was hidden on the property is not.
	LooserClasses
	// LooserOverEdge: who is partly on the property was hidden as a whole, and is not.
	LooserOverEdge
)

var looserWords = [...]string{
	"something is hidden by a fill that keeps more", "the zones show more", "more people count as visitors, or more of them is shown",
	"less is hidden on the property", "who is partly on the property is hidden less",
}

// String says it in a few words.
func (b LooserBy) String() string {
	if int(b) < len(looserWords) {
		return looserWords[b]
	}
	return fmt.Sprintf("looser(%d)", uint8(b))
}

// Looser says how a policy may show something that another one hides.
type Looser struct {
	By LooserBy
	// Size is that of pictures in which it does, and At, for LooserZones, a block in
	// them, in pixels.
	Size image.Point
	At   image.Rectangle
	// Beside: no more is meant to be shown. As drawn, the zones are none larger, but
	// edges are hidden in steps of a block, so that a zone that was made smaller may
	// show a block beside its edge; or only who is partly on the property is hidden
	// less. With both policies in force (see [Redactor.SetPolicies]) nothing of that
	// remains.
	Beside bool
}

// ReferenceSizes returns the sizes of pictures, in pixels, for which policies are
// compared: those of common cameras, upright and across.
func ReferenceSizes() []image.Point {
	return []image.Point{{640, 360}, {640, 480}, {704, 576}, {1280, 720}, {1280, 960}, {1920, 1080}, {2592, 1944}, {3840, 2160},
		{360, 640}, {720, 1280}, {1080, 1920}}
}

// maxCompared is how many points two policies may have together for their masks to be
// compared: a second or so.
const maxCompared = 4096

// LooserThan returns how p may show, in some picture, something that was, another
// policy, hides; nil if it hides all of that, and by fills that keep no more. The
// masks of both are compared, block by block, for pictures of [ReferenceSizes] and of
// further sizes, such as those of the camera: zones that are drawn in another way and
// hide the same are the same. Beyond 4096 points that would take too long: there only
// the same polygons are the same. A nil policy hides everything. Both must be valid.
func (p *Policy) LooserThan(was *Policy, further ...image.Point) *Looser {
	if p == nil {
		p = HideEverything()
	}
	if was == nil {
		was = HideEverything()
	}
	if p.SHA256() == was.SHA256() {
		return nil
	}
	sizes := ReferenceSizes()
	for _, size := range further {
		if checkSize(size) == nil && !slices.Contains(sizes, size) {
			sizes = append(sizes, size)
		}
	}
	if p.Points()+was.Points() > maxCompared {
		if !holdsAll(was.Property, p.Property) || !holdsAll(was.Strip, p.Strip) || !holdsAll(p.Mask, was.Mask) {
			return &Looser{By: LooserZones, Size: sizes[0], At: image.Rectangle{Max: sizes[0]}}
		}
		sizes = []image.Point{{64, 36}} // the zones are none larger, whatever the size
	}
	return p.looserIn(was, sizes)
}

// looserIn is LooserThan for pictures of these sizes only.
func (p *Policy) looserIn(was *Policy, sizes []image.Point) *Looser {
	var beside *Looser
	for _, size := range sizes {
		c := newComparison(p, size)
		strict := c.looserThan(newRules(was, newZones(was, size), c.options), false)
		if strict == nil {
			continue
		}
		if as := c.looserThan(newRules(was, bareZones(was, size), c.options), true); as != nil {
			return as
		}
		if beside == nil {
			strict.Beside, beside = true, strict
		}
	}
	return beside
}

// bareZones draws zones without what is hidden beside their edges: as they are meant.
func bareZones(p *Policy, size image.Point) *zones {
	z := &zones{size: size, inside: newBlockMask(size), strip: newBlockMask(size), mask: newBlockMask(size)}
	d := newDrawer(size, blockSide)
	for _, poly := range p.Property {
		g := poly.onGrid()
		z.property = append(z.property, g)
		d.draw(g)
		z.inside.add(&d.within)
	}
	for _, poly := range p.Strip {
		d.draw(poly.onGrid())
		z.strip.add(&d.within)
	}
	for _, poly := range p.Mask {
		d.draw(poly.onGrid())
		z.mask.add(&d.touched)
	}
	return z
}

// comparison is a policy, for pictures of a size, that is compared with others.
type comparison struct {
	*rules
	options Options
	tmp     blockMask
}

func newComparison(p *Policy, size image.Point) *comparison {
	o := DefaultOptions()
	return &comparison{rules: newRules(p, newZones(p, size), o), options: o, tmp: newBlockMask(size)}
}

// guests reports whether there are visitors, who are shown wherever they reach.
func (r *rules) guests() bool { return r.feet && len(r.zones.property) > 0 }

// finds reports whether somebody who is found may be hidden for that.
func (r *rules) finds() bool { return r.judges || r.hideInside != 0 }

// shows reports whether anything is ever shown.
func (r *rules) shows() bool {
	return r.guests() || !r.policy.holds(blockRect{0, 0, r.policy.w, r.policy.h})
}

// looserThan compares with the rules of another policy. beside leaves out what is
// nothing while both are in force.
func (c *comparison) looserThan(w *rules, beside bool) *Looser {
	if by, at, is := c.fills(w, beside); is {
		return c.looser(by, at)
	}
	if at, is := c.places(w); is {
		return c.looser(LooserZones, at)
	}
	if c.guests() && !(w.guests() && (c.outlined || !w.outlined) && standsWithin(c.zones.property, w.zones.property)) {
		return c.looser(LooserVisitors, blockRect{})
	}
	return c.classes(w, beside)
}

func (c *comparison) looser(by LooserBy, at blockRect) *Looser {
	l := &Looser{By: by, Size: c.size}
	if by == LooserZones {
		l.At = image.Rect(at.x0*blockSide, at.y0*blockSide, at.x1*blockSide, at.y1*blockSide).Intersect(image.Rectangle{Max: c.size})
	}
	return l
}

// without finds a block of a that is not in b.
func (c *comparison) without(a, b *blockMask) (blockRect, bool) {
	c.tmp.copyFrom(a)
	c.tmp.remove(b)
	return c.tmp.first()
}

// first returns a block of the mask.
func (m *blockMask) first() (blockRect, bool) {
	for y := m.lo; y < m.hi; y = m.end(y) {
		if a, b := nextSpan(m.band(y), 0); a < b {
			return blockRect{a, y, a + 1, y + 1}, true
		}
	}
	return blockRect{}, false
}

// fills compares what hides with what.
func (c *comparison) fills(w *rules, beside bool) (by LooserBy, at blockRect, is bool) {
	if c.placeFill < w.placeFill {
		return LooserFill, at, true
	}
	if c.placeFill == Background { // a mask is frost all the same
		if at, is := c.without(&w.zones.mask, &c.zones.mask); is {
			return LooserZones, at, true
		}
	}
	if !w.finds() || !c.shows() && beside {
		return 0, at, false
	}
	if c.foundFill < w.foundFill && c.shows() {
		return LooserFill, at, true
	}
	if beside || c.placeFill >= w.foundFill {
		return 0, at, false
	}
	// Who was found where the old zones show the place was hidden by another fill than
	// the place is now, or than all of it is when a detector fails.
	if at, is := c.without(&c.failed, &w.failed); is {
		return LooserFill, at, true
	}
	switch {
	case !w.guests():
		at, is = c.without(&c.policy, &w.policy)
	case c.guests() && c.outlined == w.outlined && standsWithin(w.zones.property, c.zones.property): // the same visitors
		if at, is = c.without(&c.policy, &w.policy); !is {
			at, is = c.without(&c.zones.mask, &w.zones.mask)
		}
	default:
		at, is = c.without(&c.policy, &w.zones.mask)
	}
	return LooserFill, at, is
}

// places compares what is hidden because of where it is.
func (c *comparison) places(w *rules) (blockRect, bool) {
	if at, is := c.without(&w.policy, &c.policy); is {
		return at, true
	}
	if at, is := c.without(&w.failed, &c.failed); is && c.shows() {
		return at, true
	}
	if c.guests() { // whose box is shown where no mask is
		return c.without(&w.zones.mask, &c.zones.mask)
	}
	return blockRect{}, false
}

// classes compares who is hidden for who they are.
func (c *comparison) classes(w *rules, beside bool) *Looser {
	if !c.shows() {
		return nil
	}
	nobodyInside := c.judges && c.zones.inside.empty() && !c.guests()
	if w.hideInside&^c.hideInside != 0 && !nobodyInside {
		return c.looser(LooserClasses, blockRect{})
	}
	all := detect.Classes(detect.Face, detect.Person, detect.Plate)
	if !w.judges || c.hideInside&all == all {
		return nil
	}
	if c.judges {
		if at, is := c.without(&c.zones.inside, &w.zones.inside); is {
			return c.looser(LooserZones, at)
		}
		return nil
	}
	if whole := (blockRect{0, 0, c.policy.w, c.policy.h}); !beside && !w.zones.inside.holds(whole) {
		return c.looser(LooserOverEdge, blockRect{})
	}
	return nil
}

// standsWithin reports whether each of a set of polygons lies within one of another.
func standsWithin(ps, ws [][]gridPoint) bool {
	for _, p := range ps {
		if !slices.ContainsFunc(ws, func(w []gridPoint) bool { return slices.Equal(p, w) || liesWithin(p, w) }) {
			return false
		}
	}
	return true
}
