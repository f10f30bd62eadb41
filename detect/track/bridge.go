package track

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// joint is a chain's end and another's beginning that may be of one object.
type joint struct {
	cost     float32
	from, to int
}

// bridge joins chains across gaps: of each end the beginning that it leads to best,
// looking forwards from the end and backwards from the beginning.
func (l *Linker) bridge(chains []*chain) []*chain {
	slices.SortStableFunc(chains, func(a, b *chain) int { return cmp.Compare(a.seen[0].frame, b.seen[0].frame) })
	var joints []joint
	for i, a := range chains {
		cfg := &l.cfg.Class[a.class]
		end := l.times[a.last().frame]
		// Chains are sorted by their beginning; an end lies after its own.
		first, _ := slices.BinarySearchFunc(chains, a.last().frame+1, func(c *chain, f int32) int { return cmp.Compare(c.seen[0].frame, f) })
		for j := first; j < len(chains); j++ {
			b := chains[j]
			gap := l.times[b.seen[0].frame] - end
			if gap > cfg.Gap {
				break
			}
			if b.class != a.class || gap > allowedGap(a, b, cfg) {
				continue
			}
			if c, ok := l.joins(a, b, gap); ok {
				joints = append(joints, joint{c, i, j})
			}
		}
	}
	slices.SortFunc(joints, func(p, q joint) int {
		return cmp.Or(cmp.Compare(p.cost, q.cost), cmp.Compare(p.from, q.from), cmp.Compare(p.to, q.to))
	})
	next, prev := make([]int, len(chains)), make([]int, len(chains))
	for i := range chains {
		next[i], prev[i] = -1, -1
	}
	for _, k := range joints {
		if next[k.from] < 0 && prev[k.to] < 0 {
			next[k.from], prev[k.to] = k.to, k.from
		}
	}
	var out []*chain
	for i, c := range chains {
		if prev[i] >= 0 {
			continue
		}
		for j := next[i]; j >= 0; j = next[j] {
			c.seen = append(c.seen, chains[j].seen...)
			c.peak = max(c.peak, chains[j].peak)
			c.misses += chains[j].misses
		}
		out = append(out, c)
	}
	return out
}

// allowedGap is how long a gap between two chains may be: as long as Gap allows for
// two that are believed for themselves, and short for doubtful ones.
func allowedGap(a, b *chain, cfg *WholeClass) time.Duration {
	if min(a.peak, b.peak) >= 1.2*cfg.Sure {
		return cfg.Gap
	}
	return cfg.Gap / 4
}

// joins reports whether b may go on with what a leaves, and at what cost.
func (l *Linker) joins(a, b *chain, gap time.Duration) (cost float32, ok bool) {
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
	forth := end.box.Shift(l.travel(vx, vy, gap))
	vx, vy = l.speed(b.seen, 0, 1)
	back := begin.box.Shift(l.travel(vx, vy, -gap))
	// Either view may be wrong: the object stopped, or started, out of sight.
	d := min(apartBy(forth, begin.box), apartBy(back, end.box), apartBy(forth, back))
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

// atBorder returns the sides of the picture that a sighting touches. The lower one is
// left out: people who stand near the camera reach beyond it.
func (l *Linker) atBorder(m *mark) (sides int) {
	b := m.box.Shift(float32(l.dx[m.frame]), float32(l.dy[m.frame]))
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

// apartBy is the distance between the centres of two boxes.
func apartBy(a, b detect.Box) float32 {
	ax, ay := a.Center()
	bx, by := b.Center()
	return float32(math.Hypot(float64(ax-bx), float64(ay-by)))
}

const (
	// lingers is how long a track may go on with nothing but low scores, in one
	// place, and without motion, before that part is judged by itself: a track that
	// passes something that looks a little like a person tends to stay there.
	lingers = 3 * time.Second
	// inPlace is how far, in sizes, an object moves that counts as being in one
	// place.
	inPlace = 0.5
)

// split cuts a chain where it lingers, and returns its parts.
func (l *Linker) split(c *chain) []*chain {
	if l.cfg.Class[c.class].High > c.peak {
		return []*chain{c}
	}
	var parts []*chain
	from := 0
	for i := 0; i < len(c.seen); {
		j := l.lingering(c, i)
		if j == i {
			i++
			continue
		}
		parts = appendPart(parts, c, from, i)
		parts = appendPart(parts, c, i, j)
		from, i = j, j
	}
	if from == 0 {
		return []*chain{c}
	}
	return appendPart(parts, c, from, len(c.seen))
}

func appendPart(parts []*chain, c *chain, from, to int) []*chain {
	if from == to {
		return parts
	}
	p := &chain{class: c.class, seen: c.seen[from:to:to]}
	for i := range p.seen {
		p.peak = max(p.peak, p.seen[i].score)
	}
	return append(parts, p)
}

// lingering returns the end of the part, from mark i on, in which a chain lingers;
// i if it does not.
func (l *Linker) lingering(c *chain, i int) int {
	high := l.cfg.Class[c.class].High
	j := i
	for j < len(c.seen) {
		m := &c.seen[j]
		if m.score >= high || m.moved || apartBy(m.box, c.seen[i].box) > inPlace*size(c.seen[i].box) {
			break
		}
		j++
	}
	if j == i || l.times[c.seen[j-1].frame]-l.times[c.seen[i].frame] < lingers {
		return i
	}
	return j
}
