package motion

import (
	"bytes"
	"time"
)

const (
	// sudden is the size in cells from which a patch is believed at once; half of
	// the cells of a smaller one must have changed in the picture before.
	sudden = 12
	// suddenInRain is the same while more than manyPassing cells (16 fraction bits)
	// change for a single picture.
	suddenInRain = 150
	manyPassing  = 65536 / 200
	// reach is how far apart, in cells, the edges of a smooth thing may be for
	// its inside to be filled.
	reach = 16
	// settle is how long after a reset the noise is not known.
	settle = time.Second
	// slowMean is the time constant against which a cell's change is measured.
	slowMean = 400 * time.Millisecond
)

// findPatches decides which cells are part of a patch, and which change.
func (m *Model) findPatches(dt time.Duration) {
	g := &m.grid
	g.bound()
	m.fill()
	m.join()
	if m.frames == 1 {
		g.lastBusy = m.now
	}
	sl, wb := int32(share(dt, slowMean)), int32(share(dt, m.cfg.Learn))
	floor, k := int32(m.floor)<<8, int32(m.k*m.noiseFactor>>8)
	busy, waiting := 0, 0
	for y := range g.ch {
		o, end := g.at(0, y), g.at(g.cw, y)
		light, slow, wobble := g.in.light[o:end], g.slow[o:end], g.wobble[o:end]
		unknown, fg, cand := g.unknown[o:end], g.fg[o:end], g.in.cand[o:end]
		busyCell, wait, open := g.busyCell[o:end], g.wait[o:end], g.open[o:end]
		for x := range light {
			if g.rebase {
				slow[x] = light[x]
			}
			r := light[x] - slow[x]
			slow[x] += (r >> 4) * sl >> 12
			r = max(r, -r)
			t := floor + (wobble[x]>>4)*k
			changed := r > t
			wobble[x] = min(max(wobble[x]+((min(r, t)-wobble[x])>>4)*wb>>12, 0), maxNoise<<8)
			if changed {
				g.changed[o+x] = m.now
			}
			busyCell[x], wait[x], open[x] = 0, unknown[x], 0
			if fg[x] == 0 && cand[x] != 1 {
				if unknown[x] != 0 {
					waiting++
				}
				continue
			}
			m.decide(o + x)
			if fg[x] == 0 || g.calm[o+x] != 0 {
				continue
			}
			open[x] = 1
			if changed {
				busyCell[x] = 1
				busy++
			}
			wait[x] = 1
			if e := g.explained[o+x]; e != never && g.changed[o+x] <= e {
				wait[x] = 0 // an object that stands and was found
			} else {
				waiting++
			}
		}
	}
	g.rebase = false
	g.busy, g.waiting = busy, waiting
	if busy > 0 {
		g.lastBusy = m.now
	}
}

// decide settles a cell that was in a patch or is: is it still, and is it like
// what was judged?
func (m *Model) decide(i int) {
	g := &m.grid
	remembered := g.harmless[i] > m.now
	if g.in.cand[i] != 1 {
		// A cell that is only held keeps what was said of it.
		g.fg[i] = 1
		if m.now-g.seen[i] > m.cfg.Hold {
			g.fg[i] = 0
		}
		if !remembered {
			g.calm[i] = 0
		}
		return
	}
	g.fg[i], g.seen[i], g.calm[i] = 2, m.now, 0
	// A patch most of which was never judged is something new that passes in
	// front of the tree.
	root := g.root(int32(i))
	if remembered && int(g.in.energy[i])*2 <= int(g.level[i])*3+8 && g.fresh[root]*2 < g.cnt[root] {
		g.calm[i] = 1
	}
}

// bound finds the rectangle that holds all candidates.
func (g *grid) bound() {
	g.x0, g.y0, g.x1, g.y1 = g.cw, g.ch, 0, 0
	for y := range g.ch {
		line := g.in.cand[g.at(0, y):g.at(g.cw, y)]
		if x := bytes.IndexByte(line, 1); x >= 0 {
			g.x0, g.x1 = min(g.x0, x), max(g.x1, bytes.LastIndexByte(line, 1)+1)
			g.y0, g.y1 = min(g.y0, y), y+1
		}
	}
}

// fill adds changed cells that lie between cells with changed structure in their
// row or column: the plain inside of a large thing looks like a change of light.
func (m *Model) fill() {
	g := &m.grid
	copy(g.tmp, g.in.cand)
	for y := g.y0; y < g.y1; y++ {
		g.fillLine(g.at(g.x0, y), 1, g.x1-g.x0)
	}
	for x := g.x0; x < g.x1; x++ {
		g.fillLine(g.at(x, g.y0), g.stride, g.y1-g.y0)
	}
}

// fillLine does so for the n cells from i on that are step apart.
func (g *grid) fillLine(i, step, n int) {
	last := -1 // changed cells since the last edge, -1 if not only such lie between
	for range n {
		switch {
		case g.tmp[i] != 0:
			if last > 0 && last <= reach {
				for j := i - last*step; j != i; j += step {
					g.in.cand[j] = 1
				}
			}
			last = 0
		case g.in.soft[i] == 0:
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
	s, cand := int32(g.stride), g.in.cand
	for y := g.y0; y < g.y1; y++ {
		for i, end := int32(g.at(g.x0, y)), int32(g.at(g.x1, y)); i < end; i++ {
			if cand[i] == 0 {
				continue
			}
			g.label[i], g.cnt[i], g.fresh[i], g.lasts[i] = i, 0, 0, 0
			for _, j := range [4]int32{i - 1, i - s - 1, i - s, i - s + 1} {
				if cand[j] != 0 {
					a, b := g.root(i), g.root(j)
					g.label[max(a, b)] = min(a, b)
				}
			}
		}
	}
	for y := g.y0; y < g.y1; y++ {
		for i, end := int32(g.at(g.x0, y)), int32(g.at(g.x1, y)); i < end; i++ {
			if cand[i] == 0 {
				continue
			}
			r := g.root(i)
			g.cnt[r]++
			g.lasts[r] += int32(g.in.lasting[i])
			if g.harmless[i] <= m.now {
				g.fresh[r]++
			}
		}
	}
	atOnce := int32(sudden)
	if g.weather > manyPassing {
		atOnce = suddenInRain
	}
	passing := 0
	for y := g.y0; y < g.y1; y++ {
		for i, end := int32(g.at(g.x0, y)), int32(g.at(g.x1, y)); i < end; i++ {
			if cand[i] == 0 {
				continue
			}
			r := g.root(i)
			if n := g.cnt[r]; n < int32(m.cfg.MinCells) || n < atOnce && g.lasts[r]*2 < n {
				cand[i] = 2
				passing++
			}
		}
	}
	g.weather += (passing<<16/(g.cw*g.ch) - g.weather) / 16
}

// planLearning sets what the background does in each cell: it follows the light
// and the noise, but a patch that was not judged does not fade into it. It
// reports whether something that was judged becomes background.
func (m *Model) planLearning() (absorbs bool) {
	g := &m.grid
	copy(g.out, g.open)
	if m.now-m.start < settle {
		clear(g.out) // the noise is not known yet, so patches mean little
	}
	g.growOut(1)
	copy(g.learn, g.out) // learnAll is 0 and learnGain 1, as the cells of out are
	for _, i := range g.absorb {
		if g.changed[i] == m.now {
			continue // something came since the look
		}
		g.learn[i] = learnAbsorb
		g.unknown[i], g.fg[i], g.open[i], g.looks[i] = 0, 0, 0, 0
		// Until the mean has settled, noise is no news.
		g.absorbed[i], g.harmless[i] = m.now, m.now+m.cfg.Learn
		m.past.settle(i)
		g.rebase = true
	}
	g.absorb = g.absorb[:0]
	return g.rebase
}
