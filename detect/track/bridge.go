package track

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// junction is the end of a tracklet and the beginning of another that may show the same
// object.
type junction struct {
	cost     float32
	from, to int
}

// bridge joins tracklets across gaps. It looks forwards from each end and backwards from
// each beginning, and joins those that lead to each other best.
func (l *Linker) bridge(tracklets []*tracklet) []*tracklet {
	slices.SortStableFunc(tracklets, func(a, b *tracklet) int { return cmp.Compare(a.seen[0].frame, b.seen[0].frame) })
	var junctions []junction
	for i, a := range tracklets {
		cfg := &l.cfg.Class[a.class]
		end := l.times[a.last().frame]
		// Tracklets are sorted by their beginning; an end lies after its own.
		first, _ := slices.BinarySearchFunc(tracklets, a.last().frame+1, func(c *tracklet, f int32) int { return cmp.Compare(c.seen[0].frame, f) })
		for j := first; j < len(tracklets); j++ {
			b := tracklets[j]
			gap := l.times[b.seen[0].frame] - end
			if gap > cfg.Gap {
				break
			}
			if b.class != a.class || gap > allowedGap(a, b, cfg) {
				continue
			}
			if c, ok := l.joins(a, b, gap); ok {
				junctions = append(junctions, junction{c, i, j})
			}
		}
	}
	slices.SortFunc(junctions, func(p, q junction) int {
		return cmp.Or(cmp.Compare(p.cost, q.cost), cmp.Compare(p.from, q.from), cmp.Compare(p.to, q.to))
	})
	next, prev := make([]int, len(tracklets)), make([]int, len(tracklets))
	for i := range tracklets {
		next[i], prev[i] = -1, -1
	}
	for _, k := range junctions {
		if next[k.from] < 0 && prev[k.to] < 0 {
			next[k.from], prev[k.to] = k.to, k.from
		}
	}
	var out []*tracklet
	for i, c := range tracklets {
		if prev[i] >= 0 {
			continue
		}
		for j := next[i]; j >= 0; j = next[j] {
			c.seen = append(c.seen, tracklets[j].seen...)
			c.peak = max(c.peak, tracklets[j].peak)
			c.enlargedMisses += tracklets[j].enlargedMisses
		}
		out = append(out, c)
	}
	return out
}

// allowedGap is how long a gap between two tracklets may be: Gap if each alone would be
// believed, and a part of it for uncertain ones.
func allowedGap(a, b *tracklet, cfg *LinkerClass) time.Duration {
	if min(a.peak, b.peak) >= 1.2*cfg.Confident {
		return cfg.Gap
	}
	return cfg.Gap / 4
}

// joins reports whether b may go on with what a leaves, and at what cost.
func (l *Linker) joins(a, b *tracklet, gap time.Duration) (cost float32, ok bool) {
	end, begin := a.last(), &b.seen[0]
	sa, sb := size(end.box), size(begin.box)
	if r := sa / sb; r > 1.9 || r < 1/1.9 {
		return 0, false
	}
	if gap > linkGap && l.atBorder(end) != l.atBorder(begin) {
		// Who has left through a side, or comes in through one, is not who is in the
		// middle.
		return 0, false
	}
	vx, vy := l.speed(a.seen, len(a.seen)-1, -1)
	ahead := end.box.Shift(l.travel(vx, vy, gap))
	vx, vy = l.speed(b.seen, 0, 1)
	back := begin.box.Shift(l.travel(vx, vy, -gap))
	// Either view may be wrong: the object stopped, or started, out of sight.
	d := min(centerDistance(ahead, begin.box), centerDistance(back, end.box), centerDistance(ahead, back))
	reach := (sa + sb) / 2 * min(0.5+0.5*seconds(gap), 1.5)
	if d > reach {
		return 0, false
	}
	return d/reach + 0.2*seconds(gap), true
}

// The sides of the picture.
const (
	leftSide = 1 << iota
	rightSide
	topSide
)

// atBorder returns the sides of the picture that an observation touches. The lower one is
// left out: people who stand near the camera reach beyond it.
func (l *Linker) atBorder(m *sceneObservation) (sides int) {
	b := l.toPicture(m.box, m.frame)
	inner := outset(l.whole, -atEdge)
	if b.X0 <= inner.X0 {
		sides |= leftSide
	}
	if b.X1 >= inner.X1 {
		sides |= rightSide
	}
	if b.Y0 <= inner.Y0 {
		sides |= topSide
	}
	return sides
}

// centerDistance is the distance between the centres of two boxes.
func centerDistance(a, b detect.Box) float32 {
	ax, ay := a.Center()
	bx, by := b.Center()
	return float32(math.Hypot(float64(ax-bx), float64(ay-by)))
}

const (
	// stationaryFor is how long a track may stay in one place, with low scores only and
	// without motion, before that part becomes a track of its own: a track that passes
	// something a little like a person tends to stay there.
	stationaryFor = 3 * time.Second
	// stationaryReach is how far, in sizes, an object may move and still be in one place.
	stationaryReach = 0.5
)

// split cuts a tracklet where it stays in one place, and returns its parts.
func (l *Linker) split(c *tracklet) []*tracklet {
	if l.cfg.Class[c.class].High > c.peak {
		return []*tracklet{c}
	}
	var parts []*tracklet
	from := 0
	for i := 0; i < len(c.seen); {
		j := l.stationary(c, i)
		if j == i {
			i++
			continue
		}
		parts = appendPart(parts, c, from, i)
		parts = appendPart(parts, c, i, j)
		from, i = j, j
	}
	if from == 0 {
		return []*tracklet{c}
	}
	return appendPart(parts, c, from, len(c.seen))
}

func appendPart(parts []*tracklet, c *tracklet, from, to int) []*tracklet {
	if from == to {
		return parts
	}
	p := &tracklet{class: c.class, seen: c.seen[from:to:to]}
	for i := range p.seen {
		p.peak = max(p.peak, p.seen[i].score)
	}
	return append(parts, p)
}

// stationary returns the end of the part, from observation i on, in which a tracklet
// stays in one place; i if it does not.
func (l *Linker) stationary(c *tracklet, i int) int {
	high := l.cfg.Class[c.class].High
	j := i
	for j < len(c.seen) {
		m := &c.seen[j]
		if m.score >= high || m.moved || centerDistance(m.box, c.seen[i].box) > stationaryReach*size(c.seen[i].box) {
			break
		}
		j++
	}
	if j == i || l.times[c.seen[j-1].frame]-l.times[c.seen[i].frame] < stationaryFor {
		return i
	}
	return j
}
