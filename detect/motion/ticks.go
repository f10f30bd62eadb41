package motion

import "time"

// A clock that the camera burns into its picture changes once a second, all of its
// digits at the same moment. Where a cell has changed often enough, at whole
// seconds and at no other time, and no inference has found an object there, is a place
// of a clock: its changes are ignored. Digits that change each minute or hour are
// known by that they change in the same picture and the same rows.
//
// As with all that is ignored, a patch most of which lies elsewhere is something
// new that passes in front of it. What changes between two ticks is not the clock: where a
// cell looks other than after its last change, it is not ignored any more.
const (
	// tickPeriod is the time from one change of a clock to the next.
	tickPeriod = time.Second
	// tickCount is how many changes in a row, at whole seconds, make a clock. Of
	// changes at any time less than one in a thousand cells would pass.
	tickCount = 6
	// tickError is how far from a whole second a change may be, and the time for
	// which it lasts, besides the time from picture to picture up to tickBlur.
	tickError = 60 * time.Millisecond
	tickBlur  = 100 * time.Millisecond
	// tickRate is the longest time from picture to picture at which a clock is known. At
	// three pictures a second and fewer most changes, of whatever it may be, are whole
	// seconds apart.
	tickRate = 220 * time.Millisecond
	// tickApart is the longest time between two changes of a digit.
	tickApart = 61 * time.Second
	// tickReach is how far from a cell of the clock, in cells of the same rows,
	// other digits are.
	tickReach = 48
	// tickStep is the least change of light for which a digit is taken, in units
	// of Config.Contrast.
	tickStep = 2
	// tickDrift is the time in which a cell's light may change by tickStep between ticks:
	// that of what is behind the digits.
	tickDrift = 10 * time.Second
	// tickAway is in how many pictures in a row a cell must look otherwise until it is not
	// ignored any more: a drop of rain is there in one.
	tickAway = 2
)

// ticks is what is known of the changes of each cell.
type ticks struct {
	light  []int32         // of the last picture
	counts []uint8         // changes at whole seconds, in a row
	last   []time.Duration // the newest change
	step   []uint8         // 1 where there is one in the newest picture
	held   []uint8         // 0 if not ignored as a clock, else 1 + pictures in a row in which it looks otherwise
	looks  []int32         // of those ignored: what they look like, see cellLuma
	known  bool            // some cell is a clock's
}

func (t *ticks) setSize(n int) {
	if len(t.light) != n {
		t.light, t.counts, t.last, t.step = make([]int32, n), make([]uint8, n), make([]time.Duration, n), make([]uint8, n)
		t.held, t.looks = make([]uint8, n), make([]int32, n)
	}
	clear(t.counts)
	clear(t.held)
	for i := range t.last {
		t.last[i] = never
	}
	t.known = false
}

// forget says that an object was seen in a cell: nothing of it is known.
func (t *ticks) forget(i int) { t.counts[i], t.last[i] = 0, never }

// findTicks looks for changes of a clock, and has them ignored before patches
// are observed.
func (m *Model) findTicks(dt time.Duration) {
	g, t := &m.grid, &m.grid.ticks
	slack := tickError
	if dt <= tickBlur {
		slack += dt
	}
	least := int32(tickStep*m.floor) << 8
	ticking := 0 // cells of a clock that change now
	for y := range g.ch {
		for i, end := g.at(0, y), g.at(g.cw, y); i < end; i++ {
			d := g.in.light[i] - t.light[i]
			t.light[i] = g.in.light[i]
			t.step[i] = 0
			if max(d, -d) <= least || m.frames < 2 {
				continue
			}
			t.step[i] = 1
			if dt > tickRate {
				t.forget(i)
				continue
			}
			t.note(i, m.now, slack)
			if t.counts[i] >= tickCount {
				ticking++
			}
		}
	}
	if t.known = t.known || ticking > 0; t.known {
		for y := range g.ch {
			m.ignoreRow(y, ticking > 1)
			m.compareRow(y, ticking > 0, dt)
		}
	}
}

// note enters a change of a cell.
func (t *ticks) note(i int, now, slack time.Duration) {
	apart := now - t.last[i]
	off := (apart+tickPeriod/2)%tickPeriod - tickPeriod/2
	switch {
	case t.last[i] != never && apart <= slack:
		return // the same one
	case t.last[i] != never && apart <= tickApart && off.Abs() <= slack:
		t.counts[i] = min(t.counts[i]+1, 255)
	default:
		t.counts[i] = 1
	}
	t.last[i] = now
}

// clock reports whether a cell is part of a clock, in which nothing was found.
func (t *ticks) clock(i int, now time.Duration) bool {
	return t.counts[i] >= tickCount && now-t.last[i] <= tickApart
}

// ignoreRow has ignored what is a clock's in a row and, if the clock changes
// just now, what changes with it beside it.
func (m *Model) ignoreRow(y int, ticking bool) {
	g, t := &m.grid, &m.grid.ticks
	for _, back := range [...]bool{false, true} {
		near := 0 // so many cells on there may be digits
		for x := range g.cw {
			i := g.at(x, y)
			if back {
				i = g.at(g.cw-1-x, y)
			}
			near--
			if t.clock(i, m.now) {
				near = tickReach
				m.ignore(i)
			} else if ticking && near > 0 && t.stepsNear(i, g.stride) && !g.activeNear(i) {
				m.ignore(i)
			}
		}
	}
}

// stepsNear reports whether a cell or one beside it changes: a stroke that moves
// within a cell leaves its light as it is.
func (t *ticks) stepsNear(i, stride int) bool {
	for _, o := range [...]int{i - stride, i, i + stride} {
		if t.step[o-1]|t.step[o]|t.step[o+1] != 0 {
			return true
		}
	}
	return false
}

func (m *Model) ignore(i int) {
	g := &m.grid
	if e := g.foundAt[i]; e != never && m.now-e < m.cfg.IgnoreFor {
		return
	}
	g.ignoredUntil[i] = max(g.ignoredUntil[i], m.now+m.cfg.IgnoreFor)
	g.ignoredEnergy[i] = max(g.ignoredEnergy[i], g.in.energy[i])
	if g.ticks.held[i] == 0 {
		g.ticks.held[i], g.ticks.looks[i] = 1, m.cellLuma(i)
	}
}

// compareRow ends the ignoring of those cells of a row that have changed by themselves
// since the picture before, dt ago.
func (m *Model) compareRow(y int, ticking bool, dt time.Duration) {
	g, t := &m.grid, &m.grid.ticks
	least, drift := int32(tickStep*m.floor)<<8, int32(share(dt, tickDrift))
	pictures := uint8(tickAway)
	if dt > together {
		pictures = 1 // who walks is somewhere else in the next one
	}
	for i, end := g.at(0, y), g.at(g.cw, y); i < end; i++ {
		if t.held[i] == 0 {
			continue
		}
		if g.ignoredUntil[i] <= m.now {
			t.held[i] = 0
			continue
		}
		luma := m.cellLuma(i)
		away := luma - t.looks[i]
		switch {
		case t.held[i] == 1 && (ticking || t.step[i] != 0 && t.counts[i] > 1): // a tick
			t.looks[i] = luma
		case max(away, -away) <= least:
			most := least >> 8 * drift >> 8
			t.looks[i] += min(max(away, -most), most)
			t.held[i] = 1
		default:
			if t.held[i]++; t.held[i] > pictures {
				t.held[i] = 0
				t.forget(i)
				g.ignoredUntil[i], g.inferences[i] = never, 0
			}
		}
	}
}

// cellLuma returns the mean of a cell on the logarithmic scale, 8 fraction bits.
func (m *Model) cellLuma(i int) int32 {
	x, y := (i%m.grid.stride-1)*cellSize, (i/m.grid.stride-1)*cellSize
	var sum int32
	for v := y; v < y+cellSize; v++ {
		for u := x; u < x+cellSize; u++ {
			sum += int32(m.table[m.tiny[min(v, m.h-1)*m.w+min(u, m.w-1)]])
		}
	}
	return sum << 8 / (cellSize * cellSize)
}

// activeNear reports whether something moved in a cell or beside it in the last picture.
func (g *cellGrid) activeNear(i int) bool {
	for _, o := range [...]int{i - g.stride, i, i + g.stride} {
		if g.active[o-1]|g.active[o]|g.active[o+1] != 0 {
			return true
		}
	}
	return false
}
