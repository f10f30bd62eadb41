package redact

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/hedgecam/hedge/detect"
)

// Bounds of a policy.
const (
	// MaxPolicyBytes is the longest policy that is read.
	MaxPolicyBytes = 1 << 20
	// MaxPolygons is the most polygons that property, strip and mask may each
	// have.
	MaxPolygons = 64
	// MaxPoints is the most points of a polygon.
	MaxPoints = 256
)

// Policy says what of a picture is shown. Its zero values are the closed ones:
// a Policy{Version: 1} hides everything.
type Policy struct {
	// Version of the format. It must be 1.
	Version int
	// Property are the owner's own grounds. They are shown. No polygon means
	// that everything is outside.
	Property []Polygon
	// Strip is scenery that is shown although it is not the owner's, such as a
	// narrow pavement; people, faces and plates in it are always hidden.
	Strip []Polygon
	// Mask is always hidden, even inside Property and Strip.
	Mask []Polygon
	// Outside is what happens outside of the property.
	Outside Outside
	// Found is how who and what is found is hidden.
	Found Found
	// Inside is what happens inside of it.
	Inside Inside
	// Visitors is how an object counts as being on the property. It defaults to
	// VisitorsBox.
	Visitors Visitors
}

// Polygon is a closed line of at least 3 points that neither crosses nor
// touches itself; the last point is joined to the first. A block belongs to a
// set of polygons when it lies wholly inside one of them: polygons that adjoin
// should overlap by a block (8 or 16 pixels), or be drawn as one.
type Polygon []Point

// Point is a place in the picture, in fractions of its width and height, 0..1,
// y down. Coordinates are rounded to a millionth (1/500 pixel at 1080p).
type Point struct{ X, Y float64 }

// Outside is what happens outside of the property.
type Outside struct {
	// Hide is what is hidden. It defaults to HideAll.
	Hide Hide
	// Fill is how what the zones hide is hidden: Frost, Background or Solid. It
	// defaults to Frost. License plates in frost are solid, and Mask never has a
	// background but frost.
	Fill Fill
}

// Found is what happens to faces, people and plates that are found, and to what
// moves, where the zones alone would show them: outside, in a strip and inside.
type Found struct {
	// Fill is how they are hidden: Background or Solid. It defaults to Background.
	Fill Fill
}

// The fills that a policy may ask for.
var (
	outsideFills = []Fill{Frost, Background, Solid}
	foundFills   = []Fill{Background, Solid}
)

// Inside is what happens inside of the property.
type Inside struct {
	// Hide are the classes hidden there: faces, people, plates.
	Hide []detect.Class
}

// Hide is what is hidden outside of the property.
type Hide string

// What is hidden outside of the property.
const (
	// HideAll hides everything there.
	HideAll Hide = "all"
	// HideDetected hides faces, people and plates that were found there, and
	// what moves there without an explanation.
	HideDetected Hide = "detected"
)

// Visitors is how an object counts as being on the property.
type Visitors string

// How an object counts as being on the property.
const (
	// VisitorsBox: when its whole box, with a margin, is on the property.
	VisitorsBox Visitors = "box"
	// VisitorsFeet: also when it is a person, tracked and seen with confidence,
	// whose foot point (bottom centre of the box) is on the property. Their box
	// is shown even where it rises in front of what is outside.
	VisitorsFeet Visitors = "feet"
	// VisitorsSilhouette: as VisitorsFeet, but of the visitor's box only what is the
	// visitor is shown, and not what is behind them. Where their silhouette is not known
	// it is as VisitorsBox.
	VisitorsSilhouette Visitors = "silhouette"
)

// visitorKinds are all ways to count, from what shows least to what shows most.
var visitorKinds = []Visitors{VisitorsBox, VisitorsSilhouette, VisitorsFeet}

// PolicyError says what is wrong with a policy.
type PolicyError struct {
	// File is the policy's file, if it came from one.
	File string
	// Path names the offending field, such as "property[0][3][1]" for the y
	// coordinate of the fourth point of the first polygon. It is empty for what
	// concerns the whole.
	Path string
	// Line is where the policy's text ends to make sense, from 1; 0 when the
	// error is not one of the text.
	Line int
	// Reason says what is wrong and what would be right.
	Reason string

	// incomplete is what makes the error ErrIncomplete.
	incomplete bool
}

// ErrIncomplete says that a policy's text is empty or ends too early, as after a
// power cut: it is damaged, and no policy that somebody wrote wrongly.
var ErrIncomplete = errors.New("policy: incomplete")

// Is reports whether the error is ErrIncomplete.
func (e *PolicyError) Is(target error) bool { return target == ErrIncomplete && e.incomplete }

func (e *PolicyError) Error() string {
	s := "policy"
	if e.File != "" {
		s += " " + e.File
	}
	if e.Line > 0 {
		s += fmt.Sprintf(", line %d", e.Line)
	}
	if e.Path != "" {
		s += ": " + e.Path
	}
	return s + ": " + e.Reason
}

// HideEverything returns the policy in force where there is none: everything
// is hidden, whatever is found.
func HideEverything() *Policy { return &Policy{Version: 1} }

// Clone returns a copy that shares no memory with p; nil for nil.
func (p *Policy) Clone() *Policy {
	if p == nil {
		return nil
	}
	q := *p
	for _, z := range []*[]Polygon{&q.Property, &q.Strip, &q.Mask} {
		*z = slices.Clone(*z)
		for i := range *z {
			(*z)[i] = slices.Clone((*z)[i])
		}
	}
	q.Inside.Hide = slices.Clone(q.Inside.Hide)
	return &q
}

// withDefaults returns p with every empty choice replaced by its default.
func (p *Policy) withDefaults() Policy {
	q := *p
	if q.Outside.Hide == "" {
		q.Outside.Hide = HideAll
	}
	if q.Outside.Fill == Shown {
		q.Outside.Fill = Frost
	}
	if q.Found.Fill == Shown {
		q.Found.Fill = Background
	}
	if q.Visitors == "" {
		q.Visitors = VisitorsBox
	}
	return q
}

// Validate returns nil or a *PolicyError for the first thing that is wrong. There must be a
// policy.
func (p *Policy) Validate() error {
	if p == nil {
		return &PolicyError{Reason: "is nil; HideEverything is one that hides everything"}
	}
	q := p.withDefaults()
	if q.Version != 1 {
		return &PolicyError{Path: "version", Reason: fmt.Sprintf(`is %d; this program knows "version": 1`, q.Version)}
	}
	for _, z := range q.lists() {
		if err := validatePolygons(z.name, z.polygons); err != nil {
			return err
		}
	}
	if q.Outside.Hide != HideAll && q.Outside.Hide != HideDetected {
		return &PolicyError{Path: "outside.hide", Reason: fmt.Sprintf(`is %q; use "all" or "detected"`, q.Outside.Hide)}
	}
	if _, err := fillNamed("outside.fill", q.Outside.Fill.String(), outsideFills...); err != nil {
		return err
	}
	if _, err := fillNamed("found.fill", q.Found.Fill.String(), foundFills...); err != nil {
		return err
	}
	if !slices.Contains(visitorKinds, q.Visitors) {
		return &PolicyError{Path: "visitors", Reason: fmt.Sprintf(`is %q; use "box", "silhouette" or "feet"`, q.Visitors)}
	}
	for i, c := range q.Inside.Hide {
		path := fmt.Sprintf("inside.hide[%d]", i)
		if c != detect.Face && c != detect.Person && c != detect.Plate {
			return &PolicyError{Path: path, Reason: fmt.Sprintf(`is %q; use "face", "person" or "plate"`, c)}
		}
		if slices.Contains(q.Inside.Hide[:i], c) {
			return &PolicyError{Path: path, Reason: fmt.Sprintf("%q is named twice; name it once", c)}
		}
	}
	return nil
}

// zoneList is one of the policy's lists of polygons.
type zoneList struct {
	name     string
	polygons []Polygon
}

func (p *Policy) lists() [3]zoneList {
	return [3]zoneList{{"property", p.Property}, {"strip", p.Strip}, {"mask", p.Mask}}
}

// Points returns the number of points of all polygons. The time that it takes to
// draw the zones grows with it.
func (p *Policy) Points() int {
	n := 0
	for _, z := range p.lists() {
		for _, poly := range z.polygons {
			n += len(poly)
		}
	}
	return n
}

// Needs returns the classes whose detection can change the picture. When it is
// empty no network has to run. Vehicles are among them where a plate is shown
// or hidden depending on the vehicle that carries it.
func (p *Policy) Needs() detect.ClassSet {
	q := p.withDefaults()
	if q.judgesObjects() {
		s := detect.Classes(detect.Face, detect.Person, detect.Plate)
		if len(q.Property) > 0 && !q.hidesInside().Has(detect.Plate) {
			s |= detect.Classes(detect.Vehicle)
		}
		return s
	}
	if len(q.Property) == 0 {
		return 0
	}
	return q.hidesInside()
}

// NeedsBackground returns the classes that must be found for a background plate
// to be empty of what the policy hides (see [BackgroundPlate]); none where no
// plate is painted. Where the zones are filled with it, that is everybody.
func (p *Policy) NeedsBackground() detect.ClassSet {
	q := p.withDefaults()
	all := detect.Classes(detect.Face, detect.Person, detect.Plate)
	switch {
	case q.Outside.Fill == Background && q.Outside.Hide == HideAll:
		return all
	case q.Found.Fill == Background:
		return q.Needs() & all
	}
	return 0
}

// NeedsMotion reports whether unexplained motion can change the picture.
func (p *Policy) NeedsMotion() bool {
	q := p.withDefaults()
	return q.judgesObjects() || len(q.Property) > 0 && q.hidesInside().Has(detect.Person)
}

// MotionGuards returns the classes for which unexplained motion stands in: wherever one
// of them is to be hidden, what moves is hidden until it was explained.
func (p *Policy) MotionGuards() detect.ClassSet {
	all := detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle)
	switch q := p.withDefaults(); {
	case !q.NeedsMotion():
		return 0
	case q.hidesInside().Has(detect.Person) || len(q.Property) == 0:
		return all
	default:
		return all &^ q.hidesInside()
	}
}

// judgesObjects reports whether a face, person or plate that is not on the
// property must be hidden where the zones alone would show it. p has its
// defaults filled in.
func (p *Policy) judgesObjects() bool {
	return p.Outside.Hide == HideDetected || len(p.Strip) > 0 ||
		p.Visitors != VisitorsBox && len(p.Property) > 0
}

// hidesInside returns Inside.Hide as a set.
func (p *Policy) hidesInside() detect.ClassSet { return detect.Classes(p.Inside.Hide...) }

// Canonical returns the policy as JSON in the one form that all policies of the
// same meaning share: all fields present, in the order of the format, without
// spaces, coordinates with at most 6 decimals, classes in the order face,
// person, plate. It does not check the policy.
func (p *Policy) Canonical() []byte {
	q := p.withDefaults()
	b := fmt.Appendf(nil, `{"version":%d`, q.Version)
	for _, z := range q.lists() {
		b = fmt.Appendf(b, `,%q:[`, z.name)
		for i, poly := range z.polygons {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, '[')
			for j, pt := range poly {
				if j > 0 {
					b = append(b, ',')
				}
				b = append(b, '[')
				b = appendCoordinate(b, pt.X)
				b = append(b, ',')
				b = appendCoordinate(b, pt.Y)
				b = append(b, ']')
			}
			b = append(b, ']')
		}
		b = append(b, ']')
	}
	b = fmt.Appendf(b, `,"outside":{"hide":%q,"fill":%q},"found":{"fill":%q},"inside":{"hide":[`,
		q.Outside.Hide, q.Outside.Fill, q.Found.Fill)
	classes := slices.Clone(q.Inside.Hide)
	slices.Sort(classes)
	for i, c := range classes {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "%q", c)
	}
	return fmt.Appendf(b, `]},"visitors":%q}`, q.Visitors)
}

// SHA256 returns the checksum of the canonical form, in hexadecimal.
func (p *Policy) SHA256() string {
	sum := sha256.Sum256(p.Canonical())
	return hex.EncodeToString(sum[:])
}

// MarshalJSON returns the canonical form. It is that of a value, so that a policy within
// another one is written by it too.
func (p Policy) MarshalJSON() ([]byte, error) { return p.Canonical(), nil }

// UnmarshalJSON is ParsePolicy.
func (p *Policy) UnmarshalJSON(data []byte) error {
	q, err := ParsePolicy(data)
	if err != nil {
		return err
	}
	*p = *q
	return nil
}
