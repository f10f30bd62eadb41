package motion

import (
	"image"
	"time"
)

const (
	// searchEvery is the number of pictures from one search to the next while few
	// blocks fit, and searchQuiet the time while many do.
	searchEvery = 4
	searchQuiet = time.Second
	// searchReach is how far is searched, in samples of half the resolution.
	searchReach = 8
	// farShift is the shift in samples, 2.3 % of the long side, that is believed at
	// once. A smaller one may be sway, and must stay for smallFor.
	farShift = 3
	smallFor = 2 * time.Second
	// better is by how much more blocks must fit displaced, and displaced how many.
	better, displaced = 0.2, 0.4
)

// shiftSearch looks whether the view fits better displaced.
type shiftSearch struct {
	ref, cur edges // at half the resolution, of the blocks that count
	w, h     int
	at       time.Duration // of the last search
	count    int           // pictures until the next
	found    bool          // a shift was
	by       image.Point   // which
	turned   bool          // or a roll or zoom was
	turns    int           // searches until the next one for these
	since    time.Duration // since when
	times    int
}

func (s *shiftSearch) setSize(f *field) {
	s.w, s.h = (f.w+1)/2, (f.h+1)/2
	s.ref, s.cur = make(edges, 2*s.w*s.h), make(edges, 2*s.w*s.h)
	s.reset()
}

func (s *shiftSearch) reset() {
	s.found, s.turned, s.count, s.turns, s.at, s.times = false, false, 0, 0, never, 0
}

// update reports whether the view is displaced.
func (s *shiftSearch) update(v *View) bool {
	s.count--
	changingCells := v.share >= 0 && v.share < 0.75 || s.found
	if v.bare {
		s.found = false
		return false
	}
	if v.share < 0 || s.count > 0 || !changingCells && v.now-s.at < searchQuiet && v.now >= s.at {
		return s.believed(v)
	}
	s.count, s.at = searchEvery, v.now
	s.search(v)
	return s.believed(v)
}

func (s *shiftSearch) believed(v *View) bool {
	if !s.found {
		return false
	}
	far := !s.turned && max(s.by.X, -s.by.X, s.by.Y, -s.by.Y) >= farShift
	return far || v.now-s.since >= smallFor && s.times >= 3
}

// search finds the best shift.
func (s *shiftSearch) search(v *View) {
	s.halve(v)
	best, top := image.Point{}, float32(-1)
	for dy := -searchReach; dy <= searchReach; dy++ {
		for dx := -searchReach; dx <= searchReach; dx++ {
			if c := s.product(dx, dy); c > top {
				best, top = image.Pt(dx, dy), c
			}
		}
	}
	at, most := image.Point{}, float32(-1)
	for dy := 2*best.Y - 2; dy <= 2*best.Y+2; dy++ {
		for dx := 2*best.X - 2; dx <= 2*best.X+2; dx++ {
			if c := v.shareAt(dx, dy); c > most {
				at, most = image.Pt(dx, dy), c
			}
		}
	}
	if at == (image.Point{}) || most < displaced || most < v.shareAt(0, 0)+better {
		s.searchTurn(v)
		return
	}
	d := at.Sub(s.by)
	if !s.found || s.turned || max(d.X, -d.X, d.Y, -d.Y) > 1 {
		s.since, s.times = v.now, 0
	}
	s.found, s.turned, s.by = true, false, at
	s.times++
}

// halve makes the view and the picture at half the resolution.
func (s *shiftSearch) halve(v *View) {
	clear(s.ref)
	f := &v.field
	for i := range v.blocks {
		b := &v.blocks[i]
		if !b.hasFirst || b.occluded || f.dark[i] || b.trust < 0.5 {
			continue
		}
		x0, y0, x1, y1 := f.block(i)
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				o, j := 2*(y/2*s.w+x/2), 2*(y*f.w+x)
				s.ref[o] += v.first[j]
				s.ref[o+1] += v.first[j+1]
			}
		}
	}
	clear(s.cur)
	for y := range f.h {
		for x := range f.w {
			o, j := 2*(y/2*s.w+x/2), 2*(y*f.w+x)
			s.cur[o] += f.cur[j]
			s.cur[o+1] += f.cur[j+1]
		}
	}
}

func (s *shiftSearch) product(dx, dy int) float32 {
	x0, x1 := max(0, -dx), min(s.w, s.w-dx)
	var sum float32
	for y := max(0, -dy); y < min(s.h, s.h-dy); y++ {
		r := s.ref[2*(y*s.w+x0) : 2*(y*s.w+x1)]
		c := s.cur[2*((y+dy)*s.w+x0+dx):][:len(r)]
		for j := range r {
			sum += r[j] * c[j]
		}
	}
	return sum
}

// shareAt returns the share of blocks that fit displaced by exactly (dx, dy).
func (v *View) shareAt(dx, dy int) float32 {
	return v.shareWhere(func(i int) bool {
		return v.field.correlation(v.first, v.field.cur, v.blocks[i].energy, i, dx, dy) >= fitting
	})
}

// shareWhere returns the share of the blocks that tell of a displacement for which fits is
// true; -1 if there are too few.
func (v *View) shareWhere(fits func(i int) bool) float32 {
	var all, fit float32
	for i := range v.blocks {
		b := &v.blocks[i]
		if !b.hasFirst || b.ambiguous || b.occluded || v.field.dark[i] {
			continue
		}
		all += b.trust
		if fits(i) {
			fit += b.trust
		}
	}
	if all < leastBlocks/2 {
		return -1
	}
	return fit / all
}
