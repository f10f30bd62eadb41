package track

import (
	"math"
	"sort"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// Track is one object through a whole recording.
//
// It is believed by its evidence. Observations of one thing in one place are one piece
// of evidence however many they are: a bush that looks a little like a person does
// so in every picture. So the evidence is summed over places, half a size apart, of
// the best score in each; a thing that does not move needs a confident score in several
// observations.
type Track struct {
	// ID counts the tracks by the time at which they begin, from 1. The same
	// evidence always gives the same numbers.
	ID uint64
	// Class is what it is.
	Class detect.Class
	// First and Last are the pictures, counted from 0, in which it may be: some
	// before and after those in which it was seen.
	First, Last int
	// Observations counts the pictures in which it was seen, SeenFirst and SeenLast are
	// the first and last of them.
	Observations        int
	SeenFirst, SeenLast int
	// Score is the best score that several observations reach, Evidence what all
	// together give.
	Score, Evidence float32
	// Mean is the mean score of the observations, and Moved the share, of those that have
	// something of their own, of which moving patches were part.
	Mean, Moved float32
	// Moves is set if moving patches were part of it in a third of its observations or
	// more.
	Moves bool
	// Checked counts inferences on parts of the picture in which it should have been
	// seen, larger, and Missed those that did not see it.
	Checked, Missed int
	// Believed says that it is an object and no mistake.
	Believed bool

	seen     []sceneObservation
	absences []absence          // in order
	full     []sceneObservation // those of seen that show all of it, and others where none do for long
}

// track makes a track of a tracklet.
func (l *Linker) track(id uint64, c *tracklet) *Track {
	p := &Track{ID: id, Class: c.class, Observations: len(c.seen), seen: c.seen, Missed: c.enlargedMisses, Checked: c.enlargedMisses}
	p.SeenFirst, p.SeenLast = int(c.seen[0].frame), int(c.last().frame)
	l.believe(p)
	p.full = l.fullObservations(p)
	first, last := l.ends(p)
	p.First = sort.Search(len(l.times), func(i int) bool { return l.times[i] >= first })
	p.Last = sort.Search(len(l.times), func(i int) bool { return l.times[i] > last }) - 1
	p.absences = l.absences(p)
	return p
}

// believe decides whether a track is believed.
func (l *Linker) believe(p *Track) {
	cfg := &l.cfg.Class[p.Class]
	var best [3]float32 // the highest scores
	moved, own, uncarried := 0, 0, 0
	place, top, total := p.seen[0].box, float32(0), float32(0)
	for i := range p.seen {
		m := &p.seen[i]
		// A box that lies in more confident ones is often a second one of the same object.
		s := m.score * min(max((float32(m.ownShare)/255-ownNothing)/(ownInFull-ownNothing), 0), 1)
		if float32(m.ownShare) >= ownNothing*255 {
			own++
		}
		if m.moved {
			moved++
		}
		if m.enlarged {
			p.Checked++
		}
		if m.uncarried {
			uncarried++
		}
		for k := range best {
			if s > best[k] {
				copy(best[k+1:], best[k:])
				best[k] = s
				break
			}
		}
		if centerDistance(m.box, place) > stationaryReach*size(place) {
			p.Evidence += gain(top)
			place, top = m.box, 0
		}
		top = max(top, s)
		total += s
	}
	p.Evidence += gain(top)
	p.Mean, p.Moved = total/float32(len(p.seen)), float32(moved)/float32(max(own, 1))
	p.Moves = p.Moved >= 1./3
	p.Score = best[len(best)-1]
	need, least, confident := cfg.Sum, cfg.Least, cfg.Confident
	if n := len(p.seen); n < len(best) {
		p.Score = best[n-1]
		if l.around(p) > n {
			// Seen once or twice, and not in the inferences around.
			p.Score *= 0.4 + 0.2*float32(n)
		} else {
			// No other inference could have seen it.
			confident = min(confident, cfg.Single)
		}
	}
	if p.Moves && len(p.seen) >= len(best) {
		need, least = cfg.SumMoving, cfg.LeastMoving
	} else if l.faint(p, total) || p.Checked >= 4 && 2*p.Missed >= p.Checked {
		// Seen now and then, or not when looked at larger.
		need, confident = unreachable, max(confident, uncarriedScore)
	}
	if l.fixture(p) {
		need, confident = unreachable, max(confident, 0.85)
	}
	if 2*uncarried > len(p.seen) {
		// A face without somebody, a plate without a vehicle.
		confident = max(confident, uncarriedScore)
	}
	if l.looked[p.Class] <= FewInferences {
		p.Believed = l.believeFew(p, 2*uncarried > len(p.seen))
		return
	}
	p.Believed = p.Score >= confident || p.Evidence >= need && p.Score >= least
}

// faintMean is the mean score, over all inferences from the first to the last observation,
// below which a track is faint.
const faintMean = 0.06

// faint reports whether a track was missed so often, or seen so weakly, that total,
// the sum of its scores, is little for the time.
func (l *Linker) faint(p *Track, total float32) bool {
	return total < faintMean*float32(l.inferences(p.Class, p.SeenFirst, p.SeenLast))
}

// inferences counts the pictures, of those from first to last, in which a class was looked
// for.
func (l *Linker) inferences(class detect.Class, first, last int) (n int) {
	for _, c := range l.searched[max(first, 0):min(last+1, len(l.searched))] {
		if c.Has(class) {
			n++
		}
	}
	return n
}

// stays is for how long somebody is still about where they were seen: what an inference
// does not see after that has gone.
const stays = 500 * time.Millisecond

// around counts the inferences that could have seen a track, because they are near one of its
// observations in time: those from the first to the last, and two before and after.
func (l *Linker) around(p *Track) (n int) {
	looked := func(i int) bool { return l.searched[i].Has(p.Class) }
	for i := p.SeenFirst; i <= p.SeenLast; i++ {
		if looked(i) && l.timeToObservation(p, l.times[i]) <= stays {
			n++
		}
	}
	least, most := l.times[p.SeenFirst]-stays, l.times[p.SeenLast]+stays
	for i, left := p.SeenFirst-1, 2; i >= 0 && left > 0 && l.times[i] >= least; i-- {
		if looked(i) {
			n, left = n+1, left-1
		}
	}
	for i, left := p.SeenLast+1, 2; i < len(l.times) && left > 0 && l.times[i] <= most; i++ {
		if looked(i) {
			n, left = n+1, left-1
		}
	}
	return n
}

// fixture reports whether a track is a thing of the place that looks a little like
// somebody: in the recording of a fixed camera it is there for half a minute or more,
// weakly seen, in one place, and nothing of it ever moves. People do.
func (l *Linker) fixture(p *Track) bool {
	const long, stirs, weak = 30 * time.Second, 0.05, 0.5
	if p.Class != detect.Person || !l.motion || p.Moved >= stirs || p.Mean >= weak || l.times[p.SeenLast]-l.times[p.SeenFirst] < long {
		return false
	}
	for i := range p.seen {
		if centerDistance(p.seen[i].box, p.seen[0].box) > stationaryReach*size(p.seen[0].box) {
			return false
		}
	}
	return true
}

// gain is the evidence of one place: what its best score exceeds that of the usual
// mistake by.
func gain(score float32) float32 {
	const usual = 0.1
	return max(score-usual, 0)
}

// ends returns the times from and until which an object may be in the picture. One
// that comes from or goes to the picture's edge has a way of its own to go.
func (l *Linker) ends(p *Track) (first, last time.Duration) {
	extend := l.cfg.Class[p.Class].Extend
	return l.times[p.SeenFirst] - extend, l.times[p.SeenLast] + extend
}

const (
	// partly is the share of the height that an object has shortly before or after
	// from which down an observation shows only a part of it: the rest is behind something.
	partly = 0.8
	// partlyNear is how far, in time, observations are compared for that, and partlyLong
	// for how long an object is followed by its full observations alone. partlyIn is the
	// share of a partial one that must lie where the full ones lead: they may be of others.
	partlyNear, partlyLong = 1500 * time.Millisecond, 3 * time.Second
	partlyIn               = 0.6
)

// fullObservations returns the observations that an object's place is made of. Who
// walks behind a sign is seen down to the sign: their legs are where the observations
// before and after have them.
func (l *Linker) fullObservations(p *Track) []sceneObservation {
	if p.Class != detect.Person || len(p.seen) < 4 {
		return p.seen
	}
	full := make([]sceneObservation, 0, len(p.seen))
	part := -1 // first of the partial ones since the last full one
	from := 0
	for i := range p.seen {
		at := l.times[p.seen[i].frame]
		for at-l.times[p.seen[from].frame] > partlyNear {
			from++
		}
		// The second highest: one alone may be a mistake.
		var first, second float32
		for j := from; j < len(p.seen) && l.times[p.seen[j].frame]-at <= partlyNear; j++ {
			if h := p.seen[j].box.H(); h > first {
				first, second = h, first
			} else {
				second = max(second, h)
			}
		}
		if p.seen[i].box.H() < partly*second {
			if part < 0 {
				part = i
			}
			continue
		}
		full = l.appendPartial(full, p.seen, part, i)
		part = -1
		full = append(full, p.seen[i])
	}
	return l.appendPartial(full, p.seen, part, len(p.seen))
}

// appendPartial appends the partial observations from part up to end. Those that lie
// where full ones before and after lead are left out, if these are near enough.
func (l *Linker) appendPartial(full, seen []sceneObservation, part, end int) []sceneObservation {
	if part < 0 {
		return full
	}
	if len(full) == 0 || end == len(seen) || l.times[seen[end].frame]-l.times[full[len(full)-1].frame] > partlyLong {
		return append(full, seen[part:end]...)
	}
	a, b := full[len(full)-1], &seen[end]
	for _, m := range seen[part:end] {
		if l.between(&a, b, l.times[m.frame]).Intersect(m.box).Area() < partlyIn*m.box.Area() {
			full = append(full, m)
		}
	}
	return full
}

// between returns the box at a time on the line between two observations.
func (l *Linker) between(a, b *sceneObservation, at time.Duration) detect.Box {
	ta, tb := l.times[a.frame], l.times[b.frame]
	return lerp(a.box, b.box, float32((at-ta).Seconds()/(tb-ta).Seconds()))
}

// boxAt returns where an object is at a time, in scene coordinates: on the line
// between two full observations, and beyond the first and last, and those on both sides
// of an absence, with the speed there.
func (l *Linker) boxAt(p *Track, at time.Duration) detect.Box {
	n := len(p.full)
	i := sort.Search(n, func(i int) bool { return l.times[p.full[i].frame] >= at })
	switch i {
	case 0:
		return l.beyondEnd(p.full, 0, 1, at)
	case n:
		return l.beyondEnd(p.full, n-1, -1, at)
	}
	a, b := &p.full[i-1], &p.full[i]
	// Who went and came back took no straight way.
	for _, q := range p.absences {
		switch {
		case q.first > int(a.frame) && q.first <= int(b.frame) && at < l.times[q.first]:
			return l.beyondEnd(p.full, i-1, -1, at)
		case q.last >= int(a.frame) && q.last < int(b.frame) && at > l.times[q.last]:
			return l.beyondEnd(p.full, i, 1, at)
		}
	}
	return l.between(a, b, at)
}

// beyondEnd returns where an object is before its first or after its last observation, i:
// the speed there leads it on, by no more than its size, for a few observations tell
// little of it.
func (l *Linker) beyondEnd(seen []sceneObservation, i, step int, at time.Duration) detect.Box {
	b := seen[i].box
	vx, vy := l.speed(seen, i, step)
	dx, dy := l.travel(vx, vy, at-l.times[seen[i].frame])
	if d := float32(math.Hypot(float64(dx), float64(dy))); d > size(b) {
		dx, dy = dx*size(b)/d, dy*size(b)/d
	}
	return b.Shift(dx, dy)
}

// timeToObservation is how far, in time, the nearest observation of a track is.
func (l *Linker) timeToObservation(p *Track, at time.Duration) time.Duration {
	i := sort.Search(len(p.seen), func(i int) bool { return l.times[p.seen[i].frame] >= at })
	near := time.Duration(math.MaxInt64)
	if i < len(p.seen) {
		near = l.times[p.seen[i].frame] - at
	}
	if i > 0 {
		near = min(near, at-l.times[p.seen[i-1].frame])
	}
	return near
}

// mostSmooth bounds the standard deviation of the mean over time where pictures are far
// apart: between them somebody goes elsewhere.
const mostSmooth = 300 * time.Millisecond

// smoothed returns the mean of an object's places around a picture, weighted by
// their distance in time (a Gaussian), in scene coordinates. The mean looks forwards
// as far as backwards, so that it does not lag.
func (l *Linker) smoothed(p *Track, frame int) detect.Box {
	sigma := max(l.cfg.Class[p.Class].Smooth, min(l.period(frame)*3/2, mostSmooth)).Seconds()
	var sum [4]float64
	weight := 0.0
	at := l.times[frame]
	from, to := l.stay(p, frame)
	for k := -6; k <= 6; k++ {
		// Half a deviation apart: three deviations each way.
		t := float64(k) / 2
		b := l.boxAt(p, min(max(at+time.Duration(t*sigma*float64(time.Second)), from), to))
		w := math.Exp(-t * t / 2)
		weight += w
		for i, v := range [4]float32{b.X0, b.Y0, b.X1, b.Y1} {
			sum[i] += w * float64(v)
		}
	}
	return detect.Box{X0: float32(sum[0] / weight), Y0: float32(sum[1] / weight), X1: float32(sum[2] / weight), Y1: float32(sum[3] / weight)}
}

// period is the time between pictures around one.
func (l *Linker) period(frame int) time.Duration {
	a, b := max(frame-2, 0), min(frame+2, len(l.times)-1)
	if a == b {
		return 0
	}
	return (l.times[b] - l.times[a]) / time.Duration(b-a)
}

const (
	// outlier is how far, as a share of its size, an observation's side may lie outside of
	// the smoothed box and still widen it; one further out is a mistake of the
	// network's, or of another object, but for a confident one: somebody is there.
	outlier = 0.35
	// deviationRate is how fast, in sizes per second, a place between or beyond observations
	// becomes uncertain, and maxDeviation the most that it does.
	deviationRate, maxDeviation = 0.25, 0.3
)

// grown returns a box with its margin, and with as much of slack as usualMargin does not cover.
func grown(b detect.Box, margin, slack float32) detect.Box {
	covers := min(margin, usualMargin)
	dx := margin*b.W() + max(slack-covers*b.W(), 0)
	dy := margin*b.H() + max(slack-covers*b.H(), 0)
	return detect.Box{X0: b.X0 - dx, Y0: b.Y0 - dy, X1: b.X1 + dx, Y1: b.Y1 + dy}
}

// object returns what must be hidden to hide a track in a picture. The padded box holds
// the smoothed box and the observations of the picture and its neighbours, so that it
// is never smaller than these say.
func (l *Linker) object(p *Track, frame int) (detect.Object, bool) {
	at := l.times[frame]
	box := l.smoothed(p, frame)
	gap := l.timeToObservation(p, at)
	sz := size(box)
	padded := box
	if deviation := min(deviationRate*seconds(gap), maxDeviation) * sz; deviation > 0 {
		padded = outset(padded, deviation)
	}
	most := outset(padded, outlier*sz)
	i := sort.Search(len(p.seen), func(i int) bool { return int(p.seen[i].frame) >= frame-1 })
	score := float32(0)
	for ; i < len(p.seen) && int(p.seen[i].frame) <= frame+1; i++ {
		m := &p.seen[i]
		score = max(score, m.score)
		b := m.box
		switch {
		case int(m.frame) != frame:
			// Where it is now, with the size that it has there.
			vx, vy := l.speed(p.seen, i, -1)
			b = b.Shift(l.travel(vx, vy, at-l.times[m.frame])).Intersect(most)
		case m.score < l.cfg.Class[p.Class].Confident:
			b = b.Intersect(most)
		}
		padded = padded.Union(b)
	}
	box, padded = l.toPicture(box, int32(frame)), l.toPicture(padded, int32(frame))
	padded = grown(padded, l.cfg.Class[p.Class].Margin, l.slack[frame]).Intersect(l.whole)
	if padded.Empty() {
		return detect.Object{}, false
	}
	if !padded.Finite() || !box.Finite() {
		box, padded = l.whole, l.whole
	}
	return detect.Object{
		ID: p.ID, Class: p.Class, Box: box, Padded: padded, Score: max(score, p.Score), Age: gap, Confirmed: true,
	}, true
}
