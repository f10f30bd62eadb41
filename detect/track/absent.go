package track

import (
	"math"
	"sort"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// absence is a run of pictures, with the last one, in which the object of a track is not
// there.
type absence struct{ first, last int }

// occluder is a detection that may stand in front of somebody, in scene coordinates.
type occluder struct {
	frame int32
	box   detect.Box
}

const (
	// occludedShare is the share of an object's place from which on what was found there may
	// be it, or hide it, so that not to have found it tells nothing. People of whom half is
	// in view are found.
	occludedShare = 0.5
	// missChance is the probability, below which an object counts as absent, that it was
	// there and was missed so often, given how often it was found.
	missChance = 0.01
	// linkMissApart is missApart of whole tracks, where misses count that follow each
	// other without a break from both sides: as near as the pictures of 30 a second.
	linkMissApart = 30 * time.Millisecond
)

// addOccluders keeps the occluders of a picture.
func (l *Linker) addOccluders(frame int32, o *Observed) {
	if l.cfg.Misses <= 0 {
		return
	}
	for i := range o.Inferences {
		for _, d := range o.Inferences[i].Detections {
			if (d.Class == detect.Person || d.Class == detect.Vehicle) && d.Score >= l.cfg.Class[d.Class].Low && d.Box.Finite() {
				l.occluders = append(l.occluders, occluder{frame, l.toScene(d.Box, frame)})
				l.stored++
			}
		}
	}
}

// absences returns the parts of a track, before, between and after its observations, in
// which so many inferences in a row missed the object that it was not there.
func (l *Linker) absences(p *Track) (list []absence) {
	if l.cfg.Misses <= 0 {
		return nil
	}
	var distinct []int // pictures in which something of its own was seen
	for i := range p.seen {
		if m := &p.seen[i]; float32(m.ownShare) >= ownInFull*255 || m.score >= l.cfg.Class[p.Class].High {
			distinct = append(distinct, int(m.frame))
		}
	}
	if len(distinct) == 0 {
		return nil
	}
	need := l.missesOf(p)
	last := len(distinct) - 1
	if f, ok := l.lastBefore(p, distinct[0], p.First, -1, need); ok {
		list = append(list, absence{p.First, f - 1})
	}
	for i := range last {
		a, oka := l.lastBefore(p, distinct[i], distinct[i+1], 1, need)
		b, okb := l.lastBefore(p, distinct[i+1], distinct[i], -1, need)
		if oka && okb && a+1 <= b-1 {
			list = append(list, absence{a + 1, b - 1})
		}
	}
	if f, ok := l.lastBefore(p, distinct[last], p.Last, 1, need); ok {
		list = append(list, absence{f + 1, p.Last})
	}
	return list
}

// missesOf returns how many inferences in a row must miss a track's object: as many as make
// it unlikely that it was there, given how often it was found, and Misses at least.
func (l *Linker) missesOf(p *Track) int {
	inferences := p.Observations
	for i := range len(p.seen) - 1 {
		if a, b := int(p.seen[i].frame), int(p.seen[i+1].frame); l.times[b]-l.times[a] <= linkGap {
			inferences += l.inferences(p.Class, a+1, b-1)
		}
	}
	rate := float64(p.Observations) / float64(inferences)
	if rate >= 1 {
		return l.cfg.Misses
	}
	return max(l.cfg.Misses, int(math.Ceil(math.Log(missChance)/math.Log(1-rate))))
}

// lastBefore goes from picture from, in which the object was seen, to picture to, in
// steps of 1 or -1, and returns the one of the need-th inference that has missed it. Of
// inferences less than linkMissApart apart one counts.
func (l *Linker) lastBefore(p *Track, from, to, step, need int) (frame int, ok bool) {
	counted := l.times[from]
	for i := from + step; i != to+step; i += step {
		if d := l.times[i] - counted; d < linkMissApart && d > -linkMissApart || !l.misses(p, i) {
			continue
		}
		counted = l.times[i]
		if need--; need == 0 {
			return i, true
		}
	}
	return 0, false
}

// misses reports whether a picture was looked at, a track's object should have been
// found in it, and was not.
func (l *Linker) misses(p *Track, frame int) bool {
	if !l.searched[frame].Has(p.Class) {
		return false
	}
	i := sort.Search(len(p.seen), func(i int) bool { return int(p.seen[i].frame) >= frame })
	if i < len(p.seen) && int(p.seen[i].frame) == frame {
		return false
	}
	b := l.boxAt(p, l.times[frame])
	in := l.toScene(l.toPicture(b, int32(frame)).Intersect(l.whole), int32(frame))
	if in.Empty() || in.Area() < b.Area()/2 {
		return false
	}
	i = sort.Search(len(l.occluders), func(i int) bool { return int(l.occluders[i].frame) >= frame })
	occluded := float32(0)
	for ; i < len(l.occluders) && int(l.occluders[i].frame) == frame; i++ {
		occluded += l.occluders[i].box.Intersect(in).Area()
	}
	return occluded < occludedShare*in.Area()
}

// stay returns the times of the first and last picture, around one in which a track's
// object is, between which it is never absent.
func (l *Linker) stay(p *Track, frame int) (from, to time.Duration) {
	from, to = math.MinInt64, math.MaxInt64
	for _, a := range p.absences {
		if a.last < frame {
			from = l.times[a.last+1]
		} else if a.first > frame {
			return from, l.times[a.first-1]
		}
	}
	return from, to
}

// absent reports whether a track's object is not in a picture.
func (p *Track) absent(frame int) bool {
	for _, a := range p.absences {
		if frame >= a.first && frame <= a.last {
			return true
		}
	}
	return false
}
