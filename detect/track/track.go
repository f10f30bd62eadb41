// Package track follows objects through time, so that one that a detector
// misses once is not shown once.
//
// It associates detections with tracks the way ByteTrack does (Zhang et al.,
// "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV
// 2022): confident detections first, then the others, on buffered boxes (Yang et
// al., "Hard to Track Objects with Irregular Motions and Similar Appearances?
// Make It Easier by Buffering the Matching Space", WACV 2023), which bridges
// the distance that small objects move between sparse inferences. Motion is taken
// from the observations themselves, not from a recursive filter, and a gap is
// joined by a line when the object is found again, after Cao et al.,
// "Observation-Centric SORT", CVPR 2023.
//
// Unlike those, a [Tracker] answers for any time, also one between inferences or before the
// first: [Tracker.At] says what must be hidden then. A [Linker] does so for recordings, of
// which all inferences are in: it judges whole tracks.
package track

import (
	"image"
	"math"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// Inference is what one detector found in one picture, or in a part of one.
type Inference struct {
	// Time is the presentation time of the picture.
	Time time.Duration
	// Classes is what was looked for. That an object of another class was not
	// found means nothing.
	Classes detect.ClassSet
	// Region is where it was looked for; an empty one is the whole picture.
	Region detect.Box
	// Detections is what was found, in pixels of the whole picture. Update
	// borrows it.
	Detections []detect.Detection
}

// Tracker holds the tracks. It is used by one goroutine at a time.
type Tracker struct {
	cfg   Config
	whole detect.Box // the picture
	inner detect.Box // the picture without its border

	lastID  uint64
	objects []*object
	spare   []*object
	cam     camera

	queries  [64]query // ring of the last inferences
	asked    int
	newest   time.Duration
	horizon  time.Duration // what was before is forgotten
	overflow overflow

	assoc associator
	one   [1]Inference // scratch
	// Work counts the comparisons of tracks with detections, for tests.
	work int
}

// query is what is remembered of an inference.
type query struct {
	at      time.Duration
	classes detect.ClassSet
	region  detect.Box
}

// overflow is a time in which there were too many objects to keep apart.
type overflow struct {
	id         uint64
	at         time.Duration
	from, till time.Duration
}

const (
	// maxTime bounds times, so that differences do not overflow.
	maxTime = time.Duration(1) << 61
	// maxCoordinate bounds coordinates, in pixels.
	maxCoordinate = 1 << 20
)

// New returns a tracker without tracks.
func New(cfg Config) *Tracker {
	t := &Tracker{cfg: cfg.bounded(), newest: -maxTime, horizon: -maxTime}
	t.whole = detect.Box{X0: -maxCoordinate, Y0: -maxCoordinate, X1: maxCoordinate, Y1: maxCoordinate}
	if cfg.Size != (image.Point{}) {
		t.whole = detect.Box{X1: float32(cfg.Size.X), Y1: float32(cfg.Size.Y)}
	}
	t.inner = outset(t.whole, -atEdge)
	t.overflow.till = -maxTime
	t.preallocate()
	return t
}

const (
	// objectRoom is the number of objects that a new Tracker has memory for. More objects
	// allocate theirs, which later ones use again.
	objectRoom = 32
	// observationRoom is the number of observations that each has memory for: 6 s of 10
	// inferences a second.
	observationRoom = 64
)

// preallocate gives the tracker its first spare objects.
func (t *Tracker) preallocate() {
	objects, seen := make([]object, objectRoom), make([]observation, objectRoom*observationRoom)
	t.spare, t.objects = make([]*object, objectRoom), make([]*object, 0, objectRoom)
	for i := range objects {
		objects[i].seen = seen[i*observationRoom : i*observationRoom : (i+1)*observationRoom]
		t.spare[i] = &objects[i]
	}
}

// Update takes in an inference. It reports false, and takes nothing in, if that is of a time
// that is forgotten. Inferences may come late and in any order. Detections
// below the class's Low score and such as make no sense (coordinates or scores
// that are not finite, empty boxes, boxes outside of the picture, unknown
// classes) are ignored.
func (t *Tracker) Update(l Inference) bool {
	l.Time = min(max(l.Time, -maxTime), maxTime)
	if l.Time < t.horizon {
		return false
	}
	for c := range detect.Class(detect.NumClasses) {
		t.assoc.load(t, c, l.Detections)
		if len(t.assoc.detections) > 0 || l.Classes.Has(c) {
			t.update(c, l)
		}
	}
	t.queries[t.asked%len(t.queries)] = query{l.Time, l.Classes, l.Region}
	t.asked++
	if l.Time > t.newest {
		t.newest = l.Time
		t.Forget(max(l.Time-t.cfg.Keep, -maxTime))
	}
	for _, o := range t.objects {
		if len(o.seen) > maxObservations {
			t.Forget(o.seen[maxObservations/2].at)
			break
		}
	}
	return true
}

func (t *Tracker) update(class detect.Class, l Inference) {
	c := &t.cfg.Class[class]
	a := &t.assoc
	a.match(t, class, l.Time)
	for i, o := range a.tracks {
		if d := a.matched[i]; d >= 0 {
			s := a.detections[d].observation(&l)
			s.box = uncut(s.box, l.Region, a.places[i].box)
			t.observe(o, &l, s)
			o.span(t)
		} else if l.Classes.Has(class) && shows(l.Region, a.places[i].box.Intersect(t.whole)) {
			weight := overlooked
			if judges(class, l.Region, &o.seen[len(o.seen)-1]) {
				o.miss(l.Time)
				weight = missed
			}
			o.countMiss(l.Time, weight, c)
			o.span(t)
		}
	}
	for d := range a.detections {
		if !a.taken[d] {
			t.begin(class, &l, a.detections[d].observation(&l))
		}
	}
}

// observe gives an object an observation, which is of the inference l.
func (t *Tracker) observe(o *object, l *Inference, s observation) {
	c := &t.cfg.Class[o.class]
	if c.Fixture > 0 {
		t.one[0] = *l
		o.spot.take(&s, s.score >= c.clearScore(o.class), isCarried(t.one[:], o.class, s.box), l.Region.Empty())
		t.one[0] = Inference{}
	}
	o.add(s, c)
}

// shows reports whether an inference on region would have shown an object at b.
func shows(region, b detect.Box) bool {
	return region.Empty() || region.Intersect(b).Area() >= b.Area()/2
}

// judges reports whether an inference on region can have missed an object of the class that was
// observed as in s. Who was seen in the whole picture is missed by that only: of somebody who
// is seen weakly in every one, a region in turn with it often shows less than Low. A face or
// plate that a region showed may be too small for the whole, and is missed by a region only.
func judges(class detect.Class, region detect.Box, s *observation) bool {
	if !region.Empty() {
		return !s.whole
	}
	_, _, carried := carrier(class)
	return s.whole || !carried
}

// uncut moves the sides of a box that lie on a region's edge outwards to where they are
// expected: the region shows a part of the object.
func uncut(b, region, expected detect.Box) detect.Box {
	if region.Empty() {
		return b
	}
	if b.X0 < region.X0+atEdge {
		b.X0 = min(b.X0, expected.X0)
	}
	if b.Y0 < region.Y0+atEdge {
		b.Y0 = min(b.Y0, expected.Y0)
	}
	if b.X1 > region.X1-atEdge {
		b.X1 = max(b.X1, expected.X1)
	}
	if b.Y1 > region.Y1-atEdge {
		b.Y1 = max(b.Y1, expected.Y1)
	}
	return b
}

// missApart is how far apart inferences must be to count as two that have missed an object:
// pictures that are nearer are too much alike.
const missApart = 60 * time.Millisecond

// missed and overlooked are what an inference counts that could have found an object and has
// not, and one that can say little: it takes three of these to end what leaves doubt.
const missed, overlooked = 3, 1

// countMiss counts an inference after the last observation that has missed or overlooked
// the object.
func (o *object) countMiss(at time.Duration, weight int, c *ClassConfig) {
	last := o.seen[len(o.seen)-1].at
	if o.misses > 0 {
		last = o.lastMiss
	}
	if at < last+missApart {
		return
	}
	o.lastMiss = at
	if weight == missed {
		if o.judged++; o.judged == 2 {
			o.twiceAt = at
		}
	}
	before := o.misses
	if o.misses += weight; before < c.Misses*missed && o.misses >= c.Misses*missed {
		o.goneAt = at
	}
}

func (o *object) miss(at time.Duration) {
	if at > o.seen[len(o.seen)-1].at && (!o.missed || at < o.missedAt) {
		o.missed, o.missedAt = true, at
	}
	if at < o.seen[0].at && (!o.unseen || at > o.unseenAt) {
		o.unseen, o.unseenAt = true, at
	}
}

// begin starts a track.
func (t *Tracker) begin(class detect.Class, l *Inference, s observation) {
	c := &t.cfg.Class[class]
	if len(t.objects) >= t.cfg.MaxTracks {
		t.overflowed(class, s.at)
		return
	}
	var o *object
	if n := len(t.spare); n > 0 {
		o, t.spare = t.spare[n-1], t.spare[:n-1]
		*o = object{seen: o.seen[:0]}
	} else {
		o = &object{}
	}
	t.lastID++
	o.id, o.class, o.uncertainty, o.begun, o.spot.stirred = t.lastID, class, 1, true, -maxTime
	t.observe(o, l, s)
	for i := range min(t.asked, len(t.queries)) {
		if g := &t.queries[i]; g.classes.Has(class) && shows(g.region, s.box) && judges(class, g.region, &s) {
			o.miss(g.at)
		}
	}
	if o.cameAt = -maxTime; c.Misses > 0 {
		o.cameAt = t.nthMissBefore(c.Misses, class, s)
	}
	o.span(t)
	t.objects = append(t.objects, o)
}

// nthMissBefore returns the time of the n-th inference back from an observation, of those
// that count and would have found the object: far in the past if there are fewer.
func (t *Tracker) nthMissBefore(n int, class detect.Class, s observation) time.Duration {
	at := s.at
	for range n {
		last := -maxTime
		for i := range min(t.asked, len(t.queries)) {
			if g := &t.queries[i]; g.at <= at-missApart && g.at > last && g.classes.Has(class) && shows(g.region, s.box) && judges(class, g.region, &s) {
				last = g.at
			}
		}
		at = last
	}
	return at
}

// overflowed notes that there was one object too many at a time.
func (t *Tracker) overflowed(class detect.Class, at time.Duration) {
	c, k := &t.overflow, &t.cfg.Class[class]
	from, till := at-k.BackFill, at+k.Hold
	if c.till < t.horizon {
		t.lastID++
		*c = overflow{id: t.lastID, from: from, till: till}
	}
	c.at = at
	c.from, c.till = min(c.from, from), max(c.till, till)
}

// At appends to dst every object that may be in the picture at time tm, and
// returns the extended slice; fixtures are left out (see ClassConfig.Fixture). Between
// two observations its place is interpolated, after the last and before the first
// extrapolated, and its padded box is grown by how far that may be wrong. Padded is
// clipped to the picture, Box is not.
//
// For a time that has been forgotten, and when there were more than
// Config.MaxTracks objects, whatever their class, the answer holds the whole picture
// as a face, as a person and as a plate.
func (t *Tracker) At(tm time.Duration, dst []detect.Object) []detect.Object {
	tm = min(max(tm, -maxTime), maxTime)
	if tm < t.horizon {
		return appendWhole(dst, t.whole, 0, 0)
	}
	for _, o := range t.objects {
		c := &t.cfg.Class[o.class]
		if o.fixture(c) {
			continue
		}
		p, ok := o.at(tm, t)
		if !ok || p.box.Intersect(t.whole).Empty() && p.age > 0 {
			continue
		}
		padded := p.padded.Intersect(t.whole)
		if !padded.Finite() || !p.box.Finite() {
			dst = appendWhole(dst, t.whole, o.id, p.age)
			continue
		}
		dst = append(dst, detect.Object{
			ID: o.id, Class: o.class, Box: p.box, Padded: padded, Score: p.best, Age: p.age,
			Confirmed: o.confirmed(c), InRegion: !o.seen[len(o.seen)-1].whole,
		})
	}
	if c := &t.overflow; tm >= c.from && tm <= c.till {
		dst = appendWhole(dst, t.whole, c.id, time.Duration(math.Abs(float64(tm-c.at))))
	}
	return dst
}

// hidable are the classes that a policy may hide, each for itself: a vehicle is none
// of them.
var hidable = [...]detect.Class{detect.Face, detect.Person, detect.Plate}

// appendWhole appends the whole picture as an object of each class that may have to be
// hidden, for when nobody knows who is where.
func appendWhole(dst []detect.Object, whole detect.Box, id uint64, age time.Duration) []detect.Object {
	for _, c := range hidable {
		dst = append(dst, detect.Object{ID: id, Class: c, Box: whole, Padded: whole, Age: age})
	}
	return dst
}

// Forget drops what is not needed for times from before on. At answers for an
// earlier time with the whole picture.
func (t *Tracker) Forget(before time.Duration) {
	before = min(max(before, -maxTime), maxTime)
	if before <= t.horizon {
		return
	}
	t.horizon = before
	oldest := before
	kept := t.objects[:0]
	for _, o := range t.objects {
		if o.till < before || o.left(before, t) {
			t.spare = append(t.spare, o)
			continue
		}
		o.forget(before)
		oldest = min(oldest, o.seen[0].at)
		kept = append(kept, o)
	}
	t.objects = kept
	t.cam.forget(oldest)
}

// forget drops observations that no answer for a time from before on uses.
func (o *object) forget(before time.Duration) {
	// The last one before is the start of a line, and what is around that one
	// takes part in its speed and padded box.
	n := len(o.seen) - 1
	for n > 0 && o.seen[n].at > before {
		n--
	}
	n, _ = o.around(n)
	if n > 0 {
		o.seen = o.seen[:copy(o.seen, o.seen[n:])]
		o.begun = false
		o.from = o.seen[0].at
	}
}

// Warp says that the camera moved just before the picture at time at: m takes a
// point of the picture before to its place in that one. What was seen before is
// then answered for in the frame of the time asked for.
func (t *Tracker) Warp(at time.Duration, m Affine) error {
	if !m.sane() {
		return ErrWarp
	}
	at = min(max(at, -maxTime), maxTime)
	t.cam.add(at, m)
	for _, o := range t.objects {
		for i := range o.seen {
			o.seen[i].derived = false
		}
	}
	return nil
}

// warp takes a box in the picture at time from into that at time to.
func (t *Tracker) warp(b detect.Box, from, to time.Duration) detect.Box {
	if t.cam.unmoved(from, to) {
		return b
	}
	return t.cam.between(from, to).Box(b)
}
