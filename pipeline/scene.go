package pipeline

import (
	"image"
	"slices"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/motion"
	"github.com/hedgecam/hedge/detect/track"
)

// scene is what is known of the place and of those in it: tracked objects, what moves,
// how the camera has shifted, and cuts. It belongs to the event loop.
type scene struct {
	moving bool // the camera moves: moving patches say nothing
	live   bool
	far    bool                // the look-ahead is farAhead or more
	adjust func(*track.Config) // nil: as it is
	// explainer is the class whose inferences say what it was that moved: people, or what is
	// asked for if nobody looks for them.
	explainer detect.Class
	// history is how long after a frame went out the tracker remembers the objects' places
	// at its time: longer than an inference takes to come.
	history time.Duration
	keep    time.Duration // how long an object is kept at least that no inference has missed

	activity   activity // in the newest frame
	day        bool     // the newest frame was taken by day
	tracker    *track.Tracker
	motion     *motion.Model // nil where moving patches are not watched
	pan        motion.Pan    // the shift of a moving camera
	continuity motion.Continuity
	cutAt      time.Duration                  // frame time of the last cut
	movedAt    time.Duration                  // frame time of the newest frame in which something moved
	times      [carriedOver + 1]time.Duration // of the newest frames, by their number

	// Scratch.
	patches  []detect.Box
	sifted   []detect.Detection
	before   []detect.Object // the objects in an earlier frame
	observed []detect.Object // the objects in a frame that was looked at
	outgoing []detect.Object // the objects in the frame that goes out
}

// activity is what goes on in the newest frame.
type activity struct {
	objects     []detect.Object // tracked
	watched     bool            // moving patches are
	static      bool            // nothing moves
	unexplained bool            // something moves that no object explains
	jumped      bool            // it is not what the frame before has become
}

// has reports whether there is an object of the class.
func (a *activity) has(c detect.Class) bool {
	for i := range a.objects {
		if a.objects[i].Class == c {
			return true
		}
	}
	return false
}

// carriedOver is over how many pictures what moves is compared with a vehicle.
const carriedOver = 6

// fixedLow is the score of a person that the tracker begins to take note of
// where moving patches are watched too: what moves is hidden then until it was
// looked at, and weaker detections mostly cost. On PETS09-S2L1 (bench/leak -every
// 2 -compressed=false) the tracker's own 0.05 hides 2.5 points more of the picture
// for the same leak, none. Without moving patches 0.15 leaks 0.1 to 0.3 % of the boxes
// there, and 0.05 none.
const fixedLow = 0.15

const (
	// loosePlate is the score from which a plate counts in Live mode, by day, that lies in
	// no vehicle: signs, windows and shops. Of 248 plates from near by and 133 seen from a
	// dashcam 1 lies in none and has less.
	loosePlate = 0.6
	// fixedFixture is the tracker's Fixture of plates on a fixed camera, by day. A car that
	// stops was seen to move, and its plate stays hidden; that of one that was parked before
	// is left out if neither it is ever found, nor its plate clearly. Of the 248 plates none
	// is such a one, of those seen from a dashcam 12. With both, on PETS09-S2L1 (live), 2.5 %
	// of the picture is hidden for nothing, and 5.4 without: a row of windows, and signs.
	fixedFixture = 5 * time.Second
	// stillFixture is the same of people who are never found confidently: a pole, a statue,
	// a bush without wind. Who has come differs from the place for as long as they are
	// found, which counts as motion, and who was there before is not without any for ten
	// minutes.
	stillFixture = 10 * time.Minute
)

// movingMisses is, for a moving camera in Live mode, how many inferences that do not
// find it end an object that leaves doubt. On a walk through a street with signs and
// lanterns, which the networks take for people and plates now and then, it takes a
// sixth of what is hidden, and on PETS09-S2L1 without motion (bench/leak -mode live
// -moving yes) nothing more leaks.
const movingMisses = 6

// movingShrink is the tracker's Shrink for a moving camera in Live mode, where who
// comes nearer or goes grows and shrinks: a box of seconds ago, moved as its object
// moves now, says little of where that is. It takes 4 points of what is hidden on that
// walk, and 1 on a window of PETS09-S2L1 that pans, zooms and shakes, where 1 of 1,694
// boxes is shown with it and none without.
const movingShrink = 0.5

const (
	// farAhead is the look-ahead from which on, with a moving camera in Live mode, the
	// next observation of who is there is known before a frame goes out: then farMisses
	// stands for movingMisses, and farGrow for MaxGrow of faces and plates, which are
	// twice as large on each side without. They take 3 points of what is hidden on that
	// walk; on PETS09-S2L1 and TUD-Campus, and on windows of them that pan, zoom and shake,
	// nothing more leaks.
	farAhead  = 600 * time.Millisecond
	farMisses = 5
	farGrow   = 0.2
)

// newScene returns a scene for a window of so many frames.
func newScene(c *Config, held int) scene {
	return scene{
		moving: c.Moving, live: c.Mode == Live, far: c.LookAhead >= farAhead, adjust: c.Track,
		history: max(keepHistory, c.Timeout+2*grace), keep: c.TimeToLive,
		explainer: detect.Person, continuity: motion.Continuity{Keep: held + 2 + carriedOver},
	}
}

// restart forgets what was known of frames of another size.
func (s *scene) restart(size image.Point) {
	c := track.DefaultConfig()
	c.Size = size
	if !s.moving {
		c.Class[detect.Person].Low = fixedLow
		c.Class[detect.Plate].Fixture, c.Class[detect.Person].Fixture = fixedFixture, stillFixture
	}
	if s.moving && s.live {
		for i := range c.Class {
			c.Class[i].Misses, c.Class[i].Shrink = movingMisses, movingShrink
			if s.far {
				c.Class[i].Misses = farMisses
			}
		}
		if s.far {
			c.Class[detect.Face].MaxGrow, c.Class[detect.Plate].MaxGrow = farGrow, farGrow
		}
	}
	if s.adjust != nil {
		s.adjust(&c)
	}
	// Each has its turn, see turns.object.
	c.AwaitRegions = s.live && !s.moving
	c.Keep = max(c.Keep, s.history, s.keep)
	s.tracker = track.New(c)
	s.motion = nil
}

// forgetBackground has moving patches watched anew: the camera shows another place.
func (s *scene) forgetBackground() { s.motion = nil }

// watch says whether moving patches are watched, and which class explains them: with another
// one what was known of the background says nothing. Those of a camera that moves are not.
func (s *scene) watch(on bool, explainer detect.Class) {
	if s.explainer != explainer {
		s.explainer = explainer
		s.forgetBackground()
	}
	switch {
	case s.moving || !on:
		s.motion = nil
	case s.motion == nil:
		s.motion = motion.New(motion.DefaultConfig())
	}
}

// watches reports whether moving patches are watched.
func (s *scene) watches() bool { return s.motion != nil }

// update takes in the newest frame, of which small is a copy, and notes in it what moves
// unexplained. It reports how the frame follows the one before.
func (s *scene) update(f *frame, small *image.YCbCr) (motion.Transition, error) {
	f.moved = f.moved[:0]
	full := f.buf.pic.Rect.Size()
	a := &s.activity
	a.watched = s.motion != nil
	s.day = daylight(small)
	if s.moving {
		return s.follow(f, small, full)
	}
	transition := s.continuity.Update(small, 0, 0)
	s.transition(f, transition)
	a.objects = s.tracker.At(f.at, a.objects[:0])
	if s.motion != nil {
		s.motion.Update(f.at, small, full)
		s.patches = s.motion.Patches(s.patches[:0])
	}
	differs := len(s.patches) > 0 && s.motion != nil
	if s.motion == nil || !s.day {
		// Nobody knows what moves, or all is uncertain.
		s.patches = append(s.patches[:0], detect.Box{X1: float32(full.X), Y1: float32(full.Y)})
	}
	s.tracker.Stir(f.at, s.patches)
	if s.motion == nil {
		return transition, nil
	}
	f.moved = s.motion.Unexplained(f.moved, nil)
	// Somebody who turns to the camera may have moved for long as a tree does, and no face was seen.
	if a.static = s.motion.Static() && (s.explainer == detect.Person || !differs); a.static {
		f.movedAt = s.movedAt
	} else {
		s.movedAt = f.at
	}
	a.unexplained = slices.ContainsFunc(f.moved, func(b detect.Box) bool { return !explainedBy(b, a.objects, true) })
	return transition, nil
}

// follow tells the tracker how a moving camera's picture has shifted.
func (s *scene) follow(f *frame, small *image.YCbCr, full image.Point) (motion.Transition, error) {
	size := small.Rect.Size()
	dx, dy, _ := s.pan.Update(small, size)
	transition := s.continuity.Update(small, dx, dy)
	s.transition(f, transition)
	if dx != 0 || dy != 0 {
		dx, dy = dx*float64(full.X)/float64(size.X), dy*float64(full.Y)/float64(size.Y)
		if err := s.tracker.Warp(f.at, track.Translation(dx, dy)); err != nil {
			return transition, &StageError{Stage: "inspect", Count: 1, Err: err}
		}
	}
	s.activity.objects = s.tracker.At(f.at, s.activity.objects[:0])
	return transition, nil
}

// transition notes how f follows the frame before it. After a cut nothing that was seen
// before holds.
func (s *scene) transition(f *frame, transition motion.Transition) {
	s.activity.jumped = transition != motion.Continues
	if transition == motion.Cut {
		s.cutAt = f.at
	}
	f.cut = s.cutAt
	f.number = s.continuity.Number()
	f.earlier = s.times[(f.number+1)%len(s.times)] // carriedOver before
	s.times[f.number%len(s.times)] = f.at
}

// observe takes in what an inference has found. It reports false if that was so long ago
// that it is too late. newest is the newest frame held back, or
// nil: if the inference was of it, its patches are noted anew. They were noted before:
// all of the first picture is one, because nobody had looked anywhere yet.
func (s *scene) observe(job *inference, size image.Point, newest *frame) bool {
	found := job.found
	if s.live && s.day {
		s.sifted = appendSifted(s.sifted[:0], job)
		found = s.sifted
	}
	if !s.tracker.Update(track.Inference{Time: job.at, Classes: job.classes, Region: job.region, Detections: found}) {
		return false
	}
	if s.motion == nil || !job.classes.Has(s.explainer) {
		return true
	}
	// A vehicle is not hidden for itself: where one stands or drives, nothing
	// was found.
	s.observed = slices.DeleteFunc(s.tracker.At(job.at, s.observed[:0]), isVehicle)
	region := job.region
	if region.Empty() {
		region = detect.Box{X1: float32(size.X), Y1: float32(size.Y)}
	}
	s.motion.Observe(job.at, region, s.observed)
	if newest != nil && newest.at == job.at {
		newest.moved = s.motion.Unexplained(newest.moved[:0], nil)
	}
	return true
}

// appendSifted appends what an inference has found, but for uncertain plates in no vehicle. In
// a region of interest the vehicle may be cut off: there every plate counts.
func appendSifted(dst []detect.Detection, job *inference) []detect.Detection {
	all := !job.region.Empty() || !job.classes.Has(detect.Vehicle)
	for _, d := range job.found {
		if all || d.Class != detect.Plate || d.Score >= loosePlate || inVehicle(d.Box, job.found) {
			dst = append(dst, d)
		}
	}
	return dst
}

// inVehicle reports whether the middle of a plate lies in a vehicle, or beside it by a tenth
// of its size: boxes of what is cut off or turned are narrow.
func inVehicle(plate detect.Box, found []detect.Detection) bool {
	x, y := plate.Center()
	for i := range found {
		b := found[i].Box.Grow(0.1, 0.1)
		if found[i].Class == detect.Vehicle && x >= b.X0 && x < b.X1 && y >= b.Y0 && y < b.Y1 {
			return true
		}
	}
	return false
}

func isVehicle(o detect.Object) bool { return o.Class == detect.Vehicle }

// explained is the share of a moving patch that the padded box of one object must
// hold to explain it: what sticks out is its shadow, or the model's coarse grid.
const explained = 0.75

// explainedBy reports whether the patch b is explained by one of objects.
func explainedBy(b detect.Box, objects []detect.Object, vehicles bool) bool {
	for i := range objects {
		if (vehicles || objects[i].Class != detect.Vehicle) && objects[i].Padded.Intersect(b).Area() >= explained*b.Area() {
			return true
		}
	}
	return false
}

// objects returns the tracked objects in f, which is about to go out. They are valid
// until the next call.
func (s *scene) objects(f *frame) []detect.Object {
	s.outgoing = s.tracker.At(f.at, s.outgoing[:0])
	return s.outgoing
}

// explain takes out of f.moved what the objects explain by now. People are hidden, or
// may be seen, and so may what moves where they are. A vehicle is shown: it explains
// only what moves as it does, and nothing as long as nobody has looked for its plate.
func (s *scene) explain(f *frame, objects []detect.Object, platesSeen bool) {
	if len(f.moved) > 0 && platesSeen {
		s.before = s.tracker.At(f.earlier, s.before[:0])
	}
	kept := f.moved[:0]
	for _, b := range f.moved {
		if !explainedBy(b, objects, false) && !(platesSeen && s.carried(f, b, objects)) {
			kept = append(kept, b)
		}
	}
	f.moved = kept
}

// carried reports whether the patch b is part of a vehicle, and has moved as that has.
func (s *scene) carried(f *frame, b detect.Box, objects []detect.Object) bool {
	for i := range objects {
		o := &objects[i]
		if o.Class != detect.Vehicle || o.Padded.Intersect(b).Area() < explained*b.Area() {
			continue
		}
		// What sticks out of it is its shadow, and the place that it uncovers.
		part := b.Intersect(o.Box)
		dx, dy, ok := s.shift(o)
		if ok && !part.Empty() && s.continuity.MovesAs(f.number, carriedOver, part, dx, dy, f.buf.pic.Rect.Size()) {
			return true
		}
	}
	return false
}

// shift returns how far an object has moved since s.before.
func (s *scene) shift(o *detect.Object) (dx, dy float64, ok bool) {
	for i := range s.before {
		if was := &s.before[i]; was.ID == o.ID {
			x, y := o.Box.Center()
			wx, wy := was.Box.Center()
			return float64(x - wx), float64(y - wy), true
		}
	}
	return 0, 0, false
}

// forget drops what was known of the objects before the frame time at.
func (s *scene) forget(at time.Duration) { s.tracker.Forget(at) }
