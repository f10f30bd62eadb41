package motion

import "time"

const (
	// sudden is the size in cells from which a patch is believed at once; a
	// smaller one must overlap with a change in the picture before.
	sudden = 12
	// suddenInRain is the same while more than manyPassing cells (16 fraction bits)
	// change for a single picture.
	suddenInRain = 150
	manyPassing  = 65536 / 200
	// reach is how far apart, in cells, the edges of a smooth thing may be for
	// its inside to be filled.
	reach = 16
	// slowMean is the time constant against which a cell's change is measured.
	slowMean = 400 * time.Millisecond
)

// gather sums the samples of each cell.
func (m *Model) gather() {
	g := &m.grid
	gain := int32(m.gain)
	for cy := range g.ch {
		y0, y1 := cy*cellSize*m.w, min(cy*cellSize+1, m.h-1)*m.w
		i := g.at(0, cy)
		for cx := range g.cw {
			x0, x1 := cx*cellSize, min(cx*cellSize+1, m.w-1)
			at := [4]int{y0 + x0, y0 + x1, y1 + x0, y1 + x1}
			var change, structure, strong, lasting uint8
			var sum, abs int32
			for _, j := range at {
				b := m.px[j]
				change += b & 1
				structure += b >> 1 & 1
				strong += b >> 2
				lasting |= b & m.pxLast[j] & pxStructure
				e := int32(m.d[j]) - gain
				sum += int32(m.d[j]) - int32(m.mean[j])
				abs += max(e, -e)
			}
			g.cand[i] = 0
			if structure >= 2 || strong > 0 {
				g.cand[i] = 1
			}
			g.lasting[i] = lasting >> 1
			g.soft[i] = change / 2
			g.energy[i] = uint8(min(abs/32, 255))
			g.light[i] = sum << 6
			i++
		}
	}
}

// findPatches decides which cells are part of a patch, and which change.
func (m *Model) findPatches(dt time.Duration) {
	g := &m.grid
	m.fill()
	m.join()
	g.busy, g.waiting = 0, 0
	sl, wb := int32(share(dt, slowMean)), int32(share(dt, m.cfg.Learn))
	if m.frames == 1 {
		g.lastBusy = m.now
	}
	floor := int32(m.floor) << 8
	k := int32(m.k * m.noiseFactor >> 8)
	for y := range g.ch {
		for x, i := 0, g.at(0, y); x < g.cw; x, i = x+1, i+1 {
			m.decide(i)
			r := g.light[i] - g.slow[i]
			g.slow[i] += (r >> 4) * sl >> 12
			r = max(r, -r)
			t := floor + (g.wobble[i]>>4)*k
			g.tmp[i] = 0
			if r > t {
				g.tmp[i] = 1
				g.changed[i] = m.now
			}
			g.wobble[i] += ((min(r, t) - g.wobble[i]) >> 4) * wb >> 12
			g.wobble[i] = min(g.wobble[i], maxNoise<<8)
		}
	}
	s := g.stride
	for y := range g.ch {
		for x, i := 0, g.at(0, y); x < g.cw; x, i = x+1, i+1 {
			g.busyCell[i], g.wait[i] = 0, 0
			// A change that is part of no patch is a flake of snow, or noise.
			if g.tmp[i] != 0 && g.calm[i] == 0 && g.fg[i-s]|g.fg[i-1]|g.fg[i]|g.fg[i+1]|g.fg[i+s] != 0 {
				g.busyCell[i] = 1
				g.busy++
			}
			stands := g.explained[i] != never && g.changed[i] <= g.explained[i]
			if (g.known[i] == 0 || g.fg[i] != 0 && g.calm[i] == 0) && !stands {
				g.wait[i] = 1
				g.waiting++
			}
		}
	}
	if g.busy > 0 {
		g.lastBusy = m.now
	}
}

// decide settles a cell after join: in a patch or not, like what was judged or
// not.
func (m *Model) decide(i int) {
	g := &m.grid
	remembered := g.harmless[i] > m.now
	if g.cand[i] != 1 {
		if g.fg[i] != 0 && m.now-g.seen[i] > m.cfg.Hold {
			g.fg[i] = 0
		} else if g.fg[i] != 0 {
			g.fg[i] = 1
		}
		if g.fg[i] == 0 || !remembered {
			g.calm[i] = uint8(b2i(remembered))
		}
		return
	}
	g.fg[i], g.seen[i] = 2, m.now
	root := g.root(int32(i))
	// A patch most of which was never judged is something new that passes in
	// front of the tree.
	like := int(g.energy[i])*2 <= int(g.level[i])*3+8 && g.fresh[root]*2 < g.cnt[root]
	g.calm[i] = uint8(b2i(remembered && like))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// fill adds changed cells that lie between cells with changed structure, both
// ways in their row or column: the plain inside of a large thing looks like a
// change of light.
func (m *Model) fill() {
	g := &m.grid
	copy(g.tmp, g.cand)
	for y := range g.ch {
		m.fillLine(g.at(0, y), 1, g.cw)
	}
	for x := range g.cw {
		m.fillLine(g.at(x, 0), g.stride, g.ch)
	}
}

func (m *Model) fillLine(i, step, n int) {
	g := &m.grid
	last := -1 // distance from the last edge along changed cells, -1 for none
	for range n {
		switch {
		case g.tmp[i] != 0:
			if last > 0 && last <= reach {
				for j := i - last*step; j != i; j += step {
					g.cand[j] = 1
				}
			}
			last = 0
		case g.soft[i] == 0:
			last = -1
		case last >= 0:
			last++
		}
		i += step
	}
}

// root returns the representative of a cell's patch.
func (g *grid) root(i int32) int32 {
	for g.label[i] != i {
		g.label[i] = g.label[g.label[i]]
		i = g.label[i]
	}
	return i
}

// join finds the patches among the candidates (connected, diagonals too) and
// drops those that are too small or were not there before.
func (m *Model) join() {
	g := &m.grid
	s := int32(g.stride)
	for y := range g.ch {
		for x, i := 0, int32(g.at(0, y)); x < g.cw; x, i = x+1, i+1 {
			g.cnt[i], g.fresh[i] = 0, 0
			if g.cand[i] == 0 {
				continue
			}
			g.label[i] = i
			for _, j := range [4]int32{i - 1, i - s - 1, i - s, i - s + 1} {
				if g.cand[j] != 0 {
					a, b := g.root(i), g.root(j)
					g.label[max(a, b)] = min(a, b)
				}
			}
		}
	}
	// tmp is reused for the number of a patch's cells that changed before.
	clear(g.tmp)
	for y := range g.ch {
		for x, i := 0, int32(g.at(0, y)); x < g.cw; x, i = x+1, i+1 {
			if g.cand[i] == 0 {
				continue
			}
			r := g.root(i)
			g.cnt[r]++
			if g.harmless[i] <= m.now {
				g.fresh[r]++
			}
			if g.lasting[i] != 0 && g.tmp[r] < 255 {
				g.tmp[r]++
			}
		}
	}
	atOnce := int32(sudden)
	if g.weather > manyPassing {
		atOnce = suddenInRain
	}
	passing := 0
	for y := range g.ch {
		for x, i := 0, int32(g.at(0, y)); x < g.cw; x, i = x+1, i+1 {
			if g.cand[i] == 0 {
				continue
			}
			r := g.root(i)
			n := g.cnt[r]
			lasts := min(n, 255)
			if n < int32(m.cfg.MinCells) || n < atOnce && int32(g.tmp[r])*2 < lasts {
				g.cand[i] = 2
				passing++
			}
		}
	}
	g.weather += (passing<<16/(g.cw*g.ch) - g.weather) / 16
}

// planLearning sets what the background does in each cell: it follows the light
// and the noise, but a patch that was not judged does not fade into it.
func (m *Model) planLearning() {
	g := &m.grid
	for i := range g.out {
		g.out[i] = 0
		if g.fg[i] != 0 && g.calm[i] == 0 {
			g.out[i] = 1
		}
	}
	g.growOut(1)
	for i, v := range g.out {
		g.learn[i] = learnAll
		switch {
		case g.absorb[i] != 0 && g.changed[i] < m.now:
			g.learn[i] = learnAbsorb
			g.absorb[i] = 0
			g.known[i] = 1
			g.fg[i] = 0
			g.slow[i], g.light[i] = 0, 0
		case v != 0:
			g.learn[i] = learnGain
		}
	}
}
