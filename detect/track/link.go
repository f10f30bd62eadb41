package track

import (
	"math"
	"slices"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// sceneObservation is one observation of a tracklet. Boxes are in scene coordinates:
// those of the first picture, as if the camera had not moved since.
type sceneObservation struct {
	frame     int32
	box       detect.Box
	score     float32
	ownShare  uint8 // share of the box, of 255, that no more confident detection covers
	moved     bool  // a moving patch is part of that share
	enlarged  bool  // seen in an inference on a part, larger than in the whole picture
	uncarried bool  // a face or plate that lies in nothing that carries one
}

// tracklet is a track in the making.
type tracklet struct {
	class detect.Class
	seen  []sceneObservation
	peak  float32 // highest score
	// enlargedMisses counts inferences on a part of the picture, larger than the whole
	// shows it, that did not find it.
	enlargedMisses int
}

const (
	// linkGap is how long a tracklet goes on without an observation before it waits for
	// bridge to find its continuation.
	linkGap = 700 * time.Millisecond
	// speedNearby and speedObservations bound the observations that a speed is made of.
	speedNearby       = time.Second
	speedObservations = 8
	// drift is by how much of its size, per second, an object's place becomes
	// uncertain out of sight.
	drift = 0.8
	// movedShare is the share of a box that moving patches must cover.
	movedShare = 0.1
)

// link takes in the detections of one class in one picture.
func (l *Linker) link(class detect.Class, frame int32, o *Observed) {
	a := &l.assoc
	a.load(l, class, frame, o)
	live := l.live[class]
	now := l.times[frame]
	// A tracklet that was not seen for a while waits to be bridged.
	kept := live[:0]
	for _, c := range live {
		if now-l.times[c.last().frame] > linkGap {
			l.done = append(l.done, c)
			continue
		}
		kept = append(kept, c)
	}
	live = kept
	a.match(l, class, frame, live)
	for i, c := range live {
		if d := a.matched[i]; d >= 0 {
			c.add(a.detections[d])
			l.stored++
		} else if shownEnlarged(o, class, l.toPicture(a.places[i], frame)) {
			c.enlargedMisses++
		}
	}
	for d := range a.detections {
		if a.taken[d] {
			continue
		}
		if l.following() >= l.cfg.MaxTracks {
			if n := len(l.overflowed); n == 0 || l.overflowed[n-1] != frame {
				l.overflowed = append(l.overflowed, frame)
			}
			break
		}
		c := &tracklet{class: class}
		c.add(a.detections[d])
		l.stored++
		live = append(live, c)
		l.live[class] = live
	}
	l.live[class] = live
}

func (l *Linker) following() (n int) {
	for c := range l.live {
		n += len(l.live[c])
	}
	return n
}

// shownEnlarged reports whether an inference on a part of the picture would have shown an
// object at b.
func shownEnlarged(o *Observed, class detect.Class, b detect.Box) bool {
	for i := range o.Inferences {
		k := &o.Inferences[i]
		if !k.Region.Empty() && k.Classes.Has(class) && k.shows(b) {
			return true
		}
	}
	return false
}

// shows reports whether an inference would have shown an object at b.
func (k *Inference) shows(b detect.Box) bool {
	return k.Region.Empty() || k.Region.Intersect(b).Area() >= 0.9*b.Area()
}

func (c *tracklet) last() *sceneObservation { return &c.seen[len(c.seen)-1] }

func (c *tracklet) add(m sceneObservation) {
	c.seen = append(c.seen, m)
	c.peak = max(c.peak, m.score)
}

// trackletAssociator matches the detections of one picture with tracklets. Its memory is
// reused.
type trackletAssociator struct {
	detections []sceneObservation
	taken      []bool
	places     []detect.Box // per tracklet
	matched    []int        // per tracklet: the detection, or -1
	pairs      []pair
	dets       []detect.Detection
	moved      []detect.Box // moving patches, in scene coordinates
	nms        detect.NMS
}

// load takes the sensible detections of a class, each object once however many
// inferences found it.
func (a *trackletAssociator) load(l *Linker, class detect.Class, frame int32, o *Observed) {
	a.detections, a.taken, a.dets = a.detections[:0], a.taken[:0], a.dets[:0]
	low := l.cfg.Class[class].Low
	whole := 0
	for pass := range 2 {
		for i := range o.Inferences {
			if o.Inferences[i].Region.Empty() != (pass == 0) {
				continue
			}
			for _, d := range o.Inferences[i].Detections {
				if d.Class != class || !(d.Score >= low) || !d.Box.Finite() {
					continue
				}
				d.Box, d.Score = d.Box.Intersect(l.whole), min(d.Score, 1)
				if !d.Box.Empty() {
					a.dets = append(a.dets, d)
				}
			}
		}
		if pass == 0 {
			whole = len(a.dets)
		}
	}
	if whole < len(a.dets) {
		// Inferences on parts show the same objects again, some of them cut off.
		a.dets = a.nms.Apply(a.dets, detect.DefaultMaxIoU)
	}
	for _, d := range a.dets {
		a.detections = append(a.detections, sceneObservation{
			frame: frame, score: d.Score, ownShare: 255,
			box:       l.toScene(d.Box, frame),
			enlarged:  shownEnlarged(o, class, d.Box),
			uncarried: !hasCarrier(o.Inferences, class, d.Box),
		})
		a.taken = append(a.taken, false)
	}
	a.overlap()
	a.moved = a.moved[:0]
	for _, b := range o.Moved {
		a.moved = append(a.moved, l.toScene(b, frame))
	}
	for i := range a.detections {
		a.detections[i].moved = a.moves(i, a.moved)
	}
}

// moves reports whether moving patches are part of what a detection has of its own: who
// passes before a bush moves, and not the bush.
func (a *trackletAssociator) moves(i int, moved []detect.Box) bool {
	f := &a.detections[i]
	own := f.box.Area() * float32(f.ownShare) / 255
	if float32(f.ownShare) < ownNothing*255 {
		return false
	}
	area := float32(0)
	for _, m := range moved {
		m = m.Intersect(f.box)
		if m.Empty() {
			continue
		}
		rest := m.Area()
		for j := range a.detections {
			if a.moreConfident(j, i) {
				rest -= m.Intersect(a.detections[j].box).Area()
			}
		}
		area += max(rest, 0)
	}
	return area >= movedShare*own
}

// moreConfident reports whether detection j is more confident than i.
func (a *trackletAssociator) moreConfident(j, i int) bool {
	o, f := &a.detections[j], &a.detections[i]
	return o.score > f.score || o.score == f.score && j < i
}

// overlap works out what share of each detection is its own.
func (a *trackletAssociator) overlap() {
	for i := range a.detections {
		f := &a.detections[i]
		rest := f.box.Area()
		for j := range a.detections {
			if a.moreConfident(j, i) {
				rest -= f.box.Intersect(a.detections[j].box).Area()
			}
		}
		f.ownShare = uint8(255 * max(rest, 0) / f.box.Area())
	}
}

// match decides which tracklet each detection belongs to: confident detections and confident
// tracklets first, the best overlap of buffered boxes first among these.
func (a *trackletAssociator) match(l *Linker, class detect.Class, frame int32, live []*tracklet) {
	a.places, a.matched, a.pairs = a.places[:0], a.matched[:0], a.pairs[:0]
	cfg := &l.cfg.Class[class]
	for i, c := range live {
		place := l.predict(c, frame)
		a.places, a.matched = append(a.places, place), append(a.matched, -1)
		dt := seconds(l.times[frame] - l.times[c.last().frame])
		grow := buffer + 0.3*drift*dt
		near := outset(place, grow*size(place))
		for d := range a.detections {
			f := &a.detections[d]
			aff := near.IoU(outset(f.box, grow*size(f.box)))
			if aff < minAffinity {
				continue
			}
			stage := 0
			if f.score < cfg.High {
				stage++
			}
			if c.peak < cfg.High {
				stage += 2
			}
			a.pairs = append(a.pairs, pair{stage, aff, i, d})
		}
	}
	slices.SortFunc(a.pairs, comparePairs)
	for _, p := range a.pairs {
		if a.matched[p.track] < 0 && !a.taken[p.detection] {
			a.matched[p.track], a.taken[p.detection] = p.detection, true
		}
	}
}

// predict returns where a tracklet's object is in a later picture.
func (l *Linker) predict(c *tracklet, frame int32) detect.Box {
	m := c.last()
	vx, vy := l.speed(c.seen, len(c.seen)-1, -1)
	return m.box.Shift(l.travel(vx, vy, l.times[frame]-l.times[m.frame]))
}

// travel returns how far an object with that speed comes in dt: the speed fades.
func (l *Linker) travel(vx, vy float32, dt time.Duration) (x, y float32) {
	const fade = 1.5 // seconds
	s := seconds(dt)
	run := fade * (1 - float32(math.Exp(-math.Abs(float64(s))/fade)))
	if s < 0 {
		run = -run
	}
	return vx * run, vy * run
}

// speed is the slope, in pixels per second, of lines through the sides of the observations
// from i on backwards (step -1) or forwards (step 1), drawn to 0 where few observations
// tell of it. A side at the picture's edge shows the edge, and is left out.
func (l *Linker) speed(seen []sceneObservation, i, step int) (vx, vy float32) {
	at := l.times[seen[i].frame]
	inner := outset(l.whole, -atEdge)
	var x, y regression
	for k := range speedObservations {
		j := i + k*step
		if j < 0 || j >= len(seen) {
			break
		}
		m := &seen[j]
		t := l.times[m.frame] - at
		if t > speedNearby || t < -speedNearby {
			break
		}
		b := l.toPicture(m.box, m.frame)
		x.add(1, seconds(t), m.box.X0, m.box.X1, b.X0 > inner.X0, b.X1 < inner.X1)
		y.add(1, seconds(t), m.box.Y0, m.box.Y1, b.Y0 > inner.Y0, b.Y1 < inner.Y1)
	}
	// As much ridge as two observations a tenth of a second apart give.
	const ridge = 0.01
	noise := 0.05 * size(seen[i].box)
	vx, _ = x.slope(ridge, noise)
	vy, _ = y.slope(ridge, noise)
	return vx, vy
}
