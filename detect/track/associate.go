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
	// rivals is how many detections are considered for one track.
	rivals = 8
)

// found is one detection of a look.
type found struct {
	box   detect.Box
	score float32
	own   float32 // share of the box that no surer detection covers
	cell  int
}

func (f *found) sighting(at time.Duration) sighting {
	return sighting{at: at, box: f.box, score: f.score, own: f.own}
}

// pair is a track and a detection that may be of the same object.
type pair struct {
	stage        int // lower is matched first
	affinity     float32
	track, found int
}

func comparePairs(p, q pair) int {
	return cmp.Or(cmp.Compare(p.stage, q.stage), cmp.Compare(q.affinity, p.affinity),
		cmp.Compare(p.track, q.track), cmp.Compare(p.found, q.found))
}

// associator matches the detections of one look with the tracks of one class.
// Its memory is reused.
type associator struct {
	found []found
	taken []bool // per detection

	tracks []*object
	places []place
	got    []int // per track: the detection, or -1

	pairs []pair
	grid  grid
}

// load takes the sensible detections of a class.
func (a *associator) load(t *Tracker, class detect.Class, ds []detect.Detection) {
	a.found, a.taken = a.found[:0], a.taken[:0]
	low := t.cfg.Class[class].Low
	for _, d := range ds {
		if d.Class != class || !(d.Score >= low) || !d.Box.Finite() {
			continue
		}
		box := d.Box.Intersect(t.whole)
		if box.Empty() {
			continue
		}
		a.found = append(a.found, found{box: box, score: min(d.Score, 1)})
		a.taken = append(a.taken, false)
	}
}

// match decides which track each detection belongs to.
func (a *associator) match(t *Tracker, class detect.Class, at time.Duration) {
	a.tracks, a.places, a.got, a.pairs = a.tracks[:0], a.places[:0], a.got[:0], a.pairs[:0]
	a.grid.fill(a.found)
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
		a.got = append(a.got, -1)
		a.rate(t, c, len(a.tracks)-1)
	}
	slices.SortFunc(a.pairs, comparePairs)
	for _, p := range a.pairs {
		if a.got[p.track] < 0 && !a.taken[p.found] {
			a.got[p.track], a.taken[p.found] = p.found, true
		}
	}
}

// overlap works out what share of each detection is its own.
func (a *associator) overlap(t *Tracker) {
	for i := range a.found {
		f := &a.found[i]
		area := f.box.Area()
		f.own = area
		x0, y0, x1, y1 := a.grid.cells(outset(f.box, size(f.box)))
		for y := y0; y <= y1; y++ {
			for x := x0; x <= x1; x++ {
				for _, j := range a.grid.at(x, y) {
					t.work++
					o := &a.found[j]
					if o.score > f.score || o.score == f.score && j < i {
						f.own -= f.box.Intersect(o.box).Area()
					}
				}
			}
		}
		f.own = max(f.own/area, 0)
	}
}

// rate appends the detections that may be of track i.
func (a *associator) rate(t *Tracker, c *ClassConfig, i int) {
	p := &a.places[i]
	near := outset(p.box, slack*p.loose+buffer*size(p.box))
	first := len(a.pairs)
	sure := a.tracks[i].sure > 0
	x0, y0, x1, y1 := a.grid.cells(outset(near, buffer*size(p.box)))
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			for _, d := range a.grid.at(x, y) {
				t.work++
				f := &a.found[d]
				aff := near.IoU(outset(f.box, slack*p.loose+buffer*size(f.box)))
				if aff < minAffinity {
					continue
				}
				stage := 0
				if f.score < c.High {
					stage++
				}
				if !sure {
					stage += 2
				}
				a.push(first, pair{stage, aff, i, d})
			}
		}
	}
}

// push appends p to the pairs of one track, which begin at first; of more than
// rivals of them the worst goes.
func (a *associator) push(first int, p pair) {
	if len(a.pairs)-first < rivals {
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

// grid sorts detections by where their centres are, into about as many cells
// as there are detections.
type grid struct {
	n      int // cells a side
	x0, y0 float32
	kx, ky float32 // cells per pixel
	start  []int   // per cell: where its detections begin in order
	order  []int
}

func (g *grid) fill(fs []found) {
	box := detect.Box{X0: farAway, Y0: farAway, X1: -farAway, Y1: -farAway}
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

func (g *grid) column(x float32) int { return clampCell((x-g.x0)*g.kx, g.n) }
func (g *grid) row(y float32) int    { return clampCell((y-g.y0)*g.ky, g.n) }

func clampCell(v float32, n int) int {
	if !(v > 0) {
		return 0
	}
	return int(min(v, float32(n-1)))
}

// cells returns the cells that may hold centres inside b.
func (g *grid) cells(b detect.Box) (x0, y0, x1, y1 int) {
	return g.column(b.X0), g.row(b.Y0), g.column(b.X1), g.row(b.Y1)
}

func (g *grid) at(x, y int) []int {
	c := y*g.n + x
	return g.order[g.start[c]:g.start[c+1]]
}
