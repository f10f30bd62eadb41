package track

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/hedgecam/hedge/detect"
)

const (
	// buffer is by how much of its size each side of a box is moved outwards
	// before boxes are compared.
	buffer = 0.35
	// slack is the share of the uncertainty of a track's position by which the
	// boxes are moved outwards, too.
	slack = 0.3
	// minAffinity is the IoU of buffered boxes below which they are of two
	// objects.
	minAffinity = 0.3
	// maxCandidates is how many detections are considered for one track.
	maxCandidates = 8
)

// detection is one detection of an inference.
type detection struct {
	box      detect.Box
	score    float32
	ownShare float32 // share of the box that no more confident detection covers
	cell     int
}

func (f *detection) observation(l *Inference) observation {
	return observation{at: l.Time, box: f.box, score: f.score, ownShare: f.ownShare, whole: l.Region.Empty()}
}

// pair is a track and a detection that may be of the same object.
type pair struct {
	stage            int // lower is matched first
	affinity         float32
	track, detection int
}

func comparePairs(p, q pair) int {
	return cmp.Or(cmp.Compare(p.stage, q.stage), cmp.Compare(q.affinity, p.affinity),
		cmp.Compare(p.track, q.track), cmp.Compare(p.detection, q.detection))
}

// associator matches the detections of one inference with the tracks of one class.
// Its memory is reused.
type associator struct {
	detections []detection
	taken      []bool // per detection

	tracks  []*object
	places  []place
	matched []int // per track: the detection, or -1

	pairs []pair
	index index
}

// load takes the sensible detections of a class.
func (a *associator) load(t *Tracker, class detect.Class, ds []detect.Detection) {
	a.detections, a.taken = a.detections[:0], a.taken[:0]
	low := t.cfg.Class[class].Low
	for _, d := range ds {
		if d.Class != class || !(d.Score >= low) || !d.Box.Finite() {
			continue
		}
		box := d.Box.Intersect(t.whole)
		if box.Empty() {
			continue
		}
		a.detections = append(a.detections, detection{box: box, score: min(d.Score, 1)})
		a.taken = append(a.taken, false)
	}
}

// match decides which track each detection belongs to.
func (a *associator) match(t *Tracker, class detect.Class, at time.Duration) {
	a.tracks, a.places, a.matched, a.pairs = a.tracks[:0], a.places[:0], a.matched[:0], a.pairs[:0]
	a.index.fill(a.detections)
	a.overlap(t)
	c := &t.cfg.Class[class]
	for _, o := range t.objects {
		if o.class != class {
			continue
		}
		p, ok := o.at(at, t)
		if !ok {
			continue
		}
		a.tracks = append(a.tracks, o)
		a.places = append(a.places, p)
		a.matched = append(a.matched, -1)
		a.score(t, c, len(a.tracks)-1)
	}
	slices.SortFunc(a.pairs, comparePairs)
	for _, p := range a.pairs {
		if a.matched[p.track] < 0 && !a.taken[p.detection] {
			a.matched[p.track], a.taken[p.detection] = p.detection, true
		}
	}
}

// overlap works out what share of each detection is its own.
func (a *associator) overlap(t *Tracker) {
	for i := range a.detections {
		f := &a.detections[i]
		area := f.box.Area()
		f.ownShare = area
		x0, y0, x1, y1 := a.index.cells(outset(f.box, size(f.box)))
		for y := y0; y <= y1; y++ {
			for x := x0; x <= x1; x++ {
				for _, j := range a.index.at(x, y) {
					t.work++
					o := &a.detections[j]
					if o.score > f.score || o.score == f.score && j < i {
						f.ownShare -= f.box.Intersect(o.box).Area()
					}
				}
			}
		}
		f.ownShare = max(f.ownShare/area, 0)
	}
}

// score appends the detections that may be of track i.
func (a *associator) score(t *Tracker, c *ClassConfig, i int) {
	p := &a.places[i]
	near := outset(p.box, slack*p.deviation+buffer*size(p.box))
	first := len(a.pairs)
	confident := a.tracks[i].confident > 0
	x0, y0, x1, y1 := a.index.cells(outset(near, buffer*size(p.box)))
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			for _, d := range a.index.at(x, y) {
				t.work++
				f := &a.detections[d]
				aff := near.IoU(outset(f.box, slack*p.deviation+buffer*size(f.box)))
				if aff < minAffinity {
					continue
				}
				stage := 0
				if f.score < c.High {
					stage++
				}
				if !confident {
					stage += 2
				}
				a.push(first, pair{stage, aff, i, d})
			}
		}
	}
}

// push appends p to the pairs of one track, which begin at first. If there are more than
// maxCandidates, the worst is dropped.
func (a *associator) push(first int, p pair) {
	if len(a.pairs)-first < maxCandidates {
		a.pairs = append(a.pairs, p)
		return
	}
	worst := first
	for k := first; k < len(a.pairs); k++ {
		if a.pairs[k].affinity < a.pairs[worst].affinity {
			worst = k
		}
	}
	if p.affinity > a.pairs[worst].affinity {
		a.pairs[worst] = p
	}
}

// index sorts detections by their centres into about as many cells as there are
// detections.
type index struct {
	n      int // cells a side
	x0, y0 float32
	kx, ky float32 // cells per pixel
	start  []int   // per cell: where its detections begin in order
	order  []int
}

func (g *index) fill(fs []detection) {
	box := detect.Box{X0: maxCoordinate, Y0: maxCoordinate, X1: -maxCoordinate, Y1: -maxCoordinate}
	for i := range fs {
		x, y := fs[i].box.Center()
		box = detect.Box{X0: min(box.X0, x), Y0: min(box.Y0, y), X1: max(box.X1, x), Y1: max(box.Y1, y)}
	}
	g.n = min(max(int(math.Sqrt(float64(len(fs)))), 1), 64)
	g.x0, g.y0 = box.X0, box.Y0
	g.kx = float32(g.n) / max(box.W(), 1)
	g.ky = float32(g.n) / max(box.H(), 1)

	g.start = slices.Grow(g.start[:0], g.n*g.n+1)[:g.n*g.n+1]
	clear(g.start)
	g.order = slices.Grow(g.order[:0], len(fs))[:len(fs)]
	for i := range fs {
		x, y := fs[i].box.Center()
		fs[i].cell = g.row(y)*g.n + g.column(x)
		g.start[fs[i].cell]++
	}
	sum := 0
	for i, k := range g.start {
		g.start[i] = sum
		sum += k
	}
	for i := range fs {
		g.order[g.start[fs[i].cell]] = i
		g.start[fs[i].cell]++
	}
	// Each start has moved to the next cell's.
	copy(g.start[1:], g.start)
	g.start[0] = 0
}

func (g *index) column(x float32) int { return clampCell((x-g.x0)*g.kx, g.n) }
func (g *index) row(y float32) int    { return clampCell((y-g.y0)*g.ky, g.n) }

func clampCell(v float32, n int) int {
	if !(v > 0) {
		return 0
	}
	return int(min(v, float32(n-1)))
}

// cells returns the cells that may hold centres inside b.
func (g *index) cells(b detect.Box) (x0, y0, x1, y1 int) {
	return g.column(b.X0), g.row(b.Y0), g.column(b.X1), g.row(b.Y1)
}

func (g *index) at(x, y int) []int {
	c := y*g.n + x
	return g.order[g.start[c]:g.start[c+1]]
}
