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
	// together is the longest time between two pictures for which that holds: who walks is
	// somewhere else after longer, as rain is, and every patch is believed at once.
	together = 150 * time.Millisecond
	// fillReach is how far apart, in cells, the edges of a smooth thing may be for
	// its inside to be filled.
	fillReach = 16
	// warmUp is how long after a reset the noise is not known.
	warmUp = time.Second
	// slowMean is the time constant against which a cell's change is measured.
	slowMean = 400 * time.Millisecond
)

// findPatches decides which cells are part of a patch, and which change.
func (m *Model) findPatches(dt time.Duration) {
	g := &m.grid
	g.bound()
	m.fill()
	m.join(dt)
	if m.frames == 1 {
		g.lastChange = m.now
	}
	sl, wb := int32(share(dt, slowMean)), int32(share(dt, m.cfg.Learn))
	floor, k := int32(m.floor)<<8, int32(m.k*m.noiseFactor>>8)
	pendingCells := 0
	for y := range g.ch {
		o, end := g.at(0, y), g.at(g.cw, y)
		light, shortMean, deviation := g.in.light[o:end], g.shortMean[o:end], g.deviation[o:end]
		unknown, foreground, cand := g.unknown[o:end], g.foreground[o:end], g.in.cand[o:end]
		active := g.active[o:end]
		for x := range light {
			if g.rebase {
				shortMean[x] = light[x]
			}
			r := light[x] - shortMean[x]
			shortMean[x] += (r >> 4) * sl >> 12
			r = max(r, -r)
			t := floor + (deviation[x]>>4)*k
			changed := r > t
			deviation[x] = min(max(deviation[x]+((min(r, t)-deviation[x])>>4)*wb>>12, 0), maxNoise<<8)
			if changed {
				g.changedAt[o+x] = m.now
			}
			active[x] = 0
			if foreground[x] == 0 && cand[x] != 1 {
				if unknown[x] != 0 && g.waits(o+x) {
					pendingCells++
				}
				continue
			}
			m.decide(o + x)
			if foreground[x] == 0 || g.quiet[o+x] != 0 {
				continue
			}
			active[x] = 1
			if changed {
				g.lastChange = m.now
			}
			if g.waits(o + x) {
				pendingCells++
			}
		}
	}
	g.rebase = false
	g.pendingCells = pendingCells
}

// waits reports whether a cell waits for an inference: an object that stands and was found waits
// for none.
func (g *cellGrid) waits(i int) bool {
	e := g.foundAt[i]
	return e == never || g.changedAt[i] > e
}

// decide says whether a cell belongs to the foreground, and whether what it shows is
// like what was observed.
func (m *Model) decide(i int) {
	g := &m.grid
	ignored := g.ignoredUntil[i] > m.now
	if g.in.cand[i] != 1 {
		// A cell that is only held keeps what was said of it.
		g.foreground[i] = 1
		if m.now-g.differedAt[i] > m.cfg.Hold {
			g.foreground[i] = 0
		}
		if !ignored {
			g.quiet[i] = 0
		}
		return
	}
	g.foreground[i], g.differedAt[i], g.quiet[i] = 2, m.now, 0
	// A patch most of which was never observed is something new that passes in
	// front of the tree.
	root := g.root(int32(i))
	if ignored && int(g.in.energy[i])*2 <= int(g.ignoredEnergy[i])*3+8 && g.notIgnored[root]*2 < g.cells[root] {
		g.quiet[i] = 1
	}
}

// bound finds the rectangle that holds all candidates.
func (g *cellGrid) bound() {
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
func (g *cellGrid) fillLine(i, step, n int) {
	last := -1 // changed cells since the last edge, -1 if not only such lie between
	for range n {
		switch {
		case g.tmp[i] != 0:
			if last > 0 && last <= fillReach {
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
func (g *cellGrid) root(i int32) int32 {
	for g.label[i] != i {
		g.label[i] = g.label[g.label[i]]
		i = g.label[i]
	}
	return i
}

// join finds the patches among the candidates (connected, diagonals too) and
// drops those that are too small or were not there in the picture before, dt ago.
func (m *Model) join(dt time.Duration) {
	g := &m.grid
	s, cand := int32(g.stride), g.in.cand
	for y := g.y0; y < g.y1; y++ {
		for i, end := int32(g.at(g.x0, y)), int32(g.at(g.x1, y)); i < end; i++ {
			if cand[i] == 0 {
				continue
			}
			g.label[i], g.cells[i], g.notIgnored[i], g.lasting[i] = i, 0, 0, 0
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
			g.cells[r]++
			g.lasting[r] += int32(g.in.lasting[i])
			if g.ignoredUntil[i] <= m.now {
				g.notIgnored[r]++
			}
		}
	}
	atOnce := int32(sudden)
	switch {
	case dt > together:
		atOnce = 0
	case g.noiseRate > manyPassing:
		atOnce = suddenInRain
	}
	passing := 0
	for y := g.y0; y < g.y1; y++ {
		for i, end := int32(g.at(g.x0, y)), int32(g.at(g.x1, y)); i < end; i++ {
			if cand[i] == 0 {
				continue
			}
			r := g.root(i)
			if n := g.cells[r]; n < int32(m.cfg.MinCells) || n < atOnce && g.lasting[r]*2 < n {
				cand[i] = 2
				passing++
			}
		}
	}
	if dt <= together {
		g.noiseRate += (passing<<16/(g.cw*g.ch) - g.noiseRate) / 16
	}
}

// planLearning sets what the background does in each cell: it follows the light
// and the noise, but a patch that was not observed does not fade into it. It
// reports whether something that was observed becomes background.
func (m *Model) planLearning() (absorbs bool) {
	g := &m.grid
	copy(g.out, g.active)
	if m.now-m.start < warmUp {
		clear(g.out) // the noise is not known yet, so patches mean little
	}
	g.growOut(1)
	copy(g.learn, g.out) // learnAll is 0 and learnGain 1, as the cells of out are
	for _, i := range g.absorb {
		if g.changedAt[i] == m.now {
			continue // something came since the inference
		}
		g.learn[i] = learnAbsorb
		g.unknown[i], g.foreground[i], g.active[i], g.inferences[i] = 0, 0, 0, 0
		// Until the mean has settled, noise is no news.
		g.absorbedAt[i], g.ignoredUntil[i] = m.now, m.now+m.cfg.Learn
		m.history.forget(i)
		g.rebase = true
	}
	g.absorb = g.absorb[:0]
	return g.rebase
}
