package pipeline

import (
	"image"
	"time"

	"github.com/hedgecam/hedge/detect"
)

const (
	// detailWorth is how many times the detail of the whole picture a region must show
	// to be worth an inference.
	detailWorth = 1.2
	// muchDetail is how many times that detail must be for more than one part of a
	// picture to be looked at.
	muchDetail = 3
	// uncertainScore is the score below which a find is looked at again. recheckAfter
	// is how long it is left alone once two such inferences have found nothing.
	uncertainScore = 0.5
	recheckAfter   = 20 * time.Second
	// contextSides is the side of the region looked at again, in sides of the find.
	contextSides = 3
)

// region is a region of interest: a part of a picture that is worth an inference.
type region struct {
	part      image.Rectangle
	input     image.Point // at this size
	candidate *candidate
}

// candidate is an uncertain find.
type candidate struct {
	box     detect.Box
	class   detect.Class
	seen    time.Duration // last
	askedAt time.Duration // when it was looked at again
	asked   bool
	empty   int           // inferences in a row that did not find it
	until   time.Duration // it is not looked at again before
}

// regionSelector chooses the regions of interest of pictures: they are looked at larger
// than the whole picture shows them.
type regionSelector struct {
	tiles      []image.Rectangle
	age        []int // looks at the whole since that tile was looked at
	candidates []*candidate
	turn       int
}

// parts returns up to n parts of the picture, and one at most where its detail asks for
// no more, for a detector whose input for the whole is input: an uncertain find, or the tile that is
// most overdue.
func (a *regionSelector) parts(k *passDetector, input, size image.Point, n int, f *passFrame) (list []region) {
	if a.tiles == nil {
		a.tiles = tilesOf(size, input)
		a.age = make([]int, len(a.tiles))
	}
	for i := range a.age {
		a.age[i]++
	}
	if size.X <= muchDetail*input.X {
		n = min(n, 1)
	}
	for range n {
		a.turn++
		c := a.uncertain(k, f.frame.Time)
		if c == nil || a.turn%2 == 0 && len(a.tiles) > 1 {
			if t := a.overdue(f); t >= 0 {
				a.age[t] = 0
				list = append(list, region{part: a.tiles[t], input: k.inputSize(a.tiles[t].Size())})
				continue
			}
		}
		if c == nil {
			break
		}
		c.asked, c.askedAt = true, f.frame.Time
		part := around(c.box, input, size)
		list = append(list, region{part: part, input: k.inputSize(part.Size()), candidate: c})
	}
	return list
}

// tilesOf covers the picture with parts as large as the detector's input, which
// overlap by an eighth; none if they would show little more than the whole does.
func tilesOf(size, input image.Point) []image.Rectangle {
	if float64(size.X) < detailWorth*float64(input.X) {
		return []image.Rectangle{}
	}
	w, h := min(input.X, size.X), min(input.Y, size.Y)
	count := func(full, part int) int {
		if full <= part {
			return 1
		}
		step := part - part/8
		return (full-part+step-1)/step + 1
	}
	nx, ny := count(size.X, w), count(size.Y, h)
	at := func(i, n, full, part int) int {
		if n == 1 {
			return 0
		}
		return i * (full - part) / (n - 1) &^ 1
	}
	var tiles []image.Rectangle
	for y := range ny {
		for x := range nx {
			p := image.Pt(at(x, nx, size.X, w), at(y, ny, size.Y, h))
			tiles = append(tiles, image.Rectangle{Min: p, Max: p.Add(image.Pt(w, h))})
		}
	}
	return tiles
}

// overdue returns the index of the tile to look at next, -1 if there are none. A tile in
// which something moves counts as waiting four times as long.
func (a *regionSelector) overdue(f *passFrame) int {
	best, score := -1, float32(0)
	for i, t := range a.tiles {
		s := float32(a.age[i])
		box := rectBox(t)
		for _, m := range f.moved {
			if !m.Intersect(box).Empty() {
				s *= 4
				break
			}
		}
		if s > score {
			best, score = i, s
		}
	}
	return best
}

// uncertain returns the candidate that has waited longest for an inference.
func (a *regionSelector) uncertain(k *passDetector, now time.Duration) *candidate {
	var best *candidate
	for _, c := range a.candidates {
		if !k.classes.Has(c.class) || now < c.until || c.asked && now-c.askedAt < time.Second {
			continue
		}
		if best == nil || !c.asked && best.asked || c.asked == best.asked && c.askedAt < best.askedAt {
			best = c
		}
	}
	return best
}

// around returns the region to look at for a find. It has three times the sides of the
// find, the input's proportions, and is no larger than the input.
func around(b detect.Box, input, size image.Point) image.Rectangle {
	k := max(contextSides*b.W()/float32(input.X), contextSides*b.H()/float32(input.Y), 0.2)
	part := image.Pt(max(int(k*float32(input.X))&^1, 32), max(int(k*float32(input.Y))&^1, 32))
	return regionAround(b, part, image.Rectangle{Max: size})
}

// sameFind is the overlap from which two finds are of one thing.
const sameFind = 0.4

// learn takes in the inferences of a picture.
func (a *regionSelector) learn(f *passFrame) {
	now := f.frame.Time
	for _, g := range f.inferences {
		if g.err != nil {
			continue
		}
		if g.candidate != nil {
			a.answer(g, now)
			continue
		}
		for _, d := range g.found {
			if d.Class != detect.Vehicle && d.Score < uncertainScore {
				a.note(d, now)
			}
		}
	}
	kept := a.candidates[:0]
	for _, c := range a.candidates {
		if now-c.seen < 2*time.Second || now < c.until {
			kept = append(kept, c)
		}
	}
	a.candidates = kept
}

// note enters an uncertain find.
func (a *regionSelector) note(d detect.Detection, now time.Duration) {
	const most = 64
	for _, c := range a.candidates {
		if c.class == d.Class && c.box.IoU(d.Box) >= sameFind {
			c.seen = now
			if now >= c.until {
				c.box = d.Box
			}
			return
		}
	}
	if len(a.candidates) < most {
		a.candidates = append(a.candidates, &candidate{box: d.Box, class: d.Class, seen: now})
	}
}

// answer takes in the inference of a candidate. A candidate that two inferences in a row
// have not found is left alone for a while.
func (a *regionSelector) answer(g *passInference, now time.Duration) {
	c := g.candidate
	for _, d := range g.found {
		if d.Class == c.class && d.Box.IoU(c.box) >= sameFind && d.Score >= uncertainScore/2 {
			c.empty = 0
			return
		}
	}
	if c.empty++; c.empty >= 2 {
		c.until = now + recheckAfter
	}
}
