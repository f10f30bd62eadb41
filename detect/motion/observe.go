package motion

import (
	"image"
	"time"

	"github.com/hedgecam/hedge/detect"
)

const (
	// historyFrames is how many pictures are remembered for late inferences: 2 s at 30
	// pictures a second.
	historyFrames = 64
	// nearby is how far in time from an inference a patch may have been seen for the
	// inference to count for it: a thing that waves leaves its place and comes back.
	nearby = 250 * time.Millisecond
	// restartAfter is the time without a patch after which the inferences on a cell are
	// counted anew.
	restartAfter = 4 * time.Second
)

// history holds the patches of the last pictures.
type history struct {
	time [historyFrames]time.Duration
	cell [historyFrames][]uint8 // 0 where there was no patch, else 1 + energy
	next int
	n    int
}

func (r *history) setSize(cells int) {
	r.next, r.n = 0, 0
	for i := range r.cell {
		if len(r.cell[i]) != cells {
			r.cell[i] = make([]uint8, cells)
		}
	}
}

func (r *history) push(tm time.Duration, g *cellGrid) {
	c := r.cell[r.next]
	for i, v := range g.foreground {
		c[i] = 0
		if v == 2 {
			c[i] = 1 + min(g.in.energy[i], 254)
		}
	}
	r.time[r.next] = tm
	r.next = (r.next + 1) % historyFrames
	r.n = min(r.n+1, historyFrames)
}

// forget takes a cell out of all patches remembered: it was observed.
func (r *history) forget(cell int) {
	for i := range r.cell {
		r.cell[i][cell] = 0
	}
}

// near collects in high and low the highest and lowest value of each cell over
// the pictures within nearby of tm. It reports false if no such picture is
// remembered.
func (r *history) near(tm time.Duration, high, low []uint8) bool {
	found := false
	clear(high)
	for i := range low {
		low[i] = 255
	}
	for i := range r.n {
		if r.time[i] < tm-nearby || r.time[i] > tm+nearby {
			continue
		}
		found = true
		for j, v := range r.cell[i] {
			high[j], low[j] = max(high[j], v), min(low[j], v)
		}
	}
	return found
}

// Observe tells the model that all detectors the caller relies on have looked at
// region of the picture of time tm, in pixels of the frame, and that
// objects are what was there: detected then, or tracked and predicted to that
// time. tm may be up to about 2 s old; an inference on a picture that is no longer
// remembered, or not yet seen, is ignored. Two calls for the same tm count as
// one inference.
//
// A cell of the region that no object touches has had an inference without an object.
// After Config.Inferences of these over Config.InferenceSpan a standing thing there
// becomes background, and a waving one is ignored for Config.IgnoreFor.
// Cells that an object touches lose what was observed before. The first inference on
// a cell in which nothing differs makes it known.
func (m *Model) Observe(tm time.Duration, region detect.Box, objects []detect.Object) {
	g := &m.grid
	if m.in == (image.Point{}) || tm > m.now {
		return
	}
	x0, y0, x1, y1 := m.inner(region)
	if x1 <= x0 || y1 <= y0 || !m.history.near(tm, g.tmp, g.out) {
		return
	}
	clear(g.occupied)
	for i := range objects {
		for _, b := range [2]detect.Box{objects[i].Box, objects[i].Padded} {
			cx0, cy0, cx1, cy1 := m.outer(b)
			for y := cy0; y < cy1; y++ {
				for x := cx0; x < cx1; x++ {
					g.occupied[g.at(x, y)] = 1
				}
			}
		}
	}
	for y := y0; y < y1; y++ {
		for i, end := g.at(x0, y), g.at(x0, y)+x1-x0; i < end; i++ {
			m.observeCell(tm, i, g.tmp[i], g.out[i])
		}
	}
}

// observeCell takes in one inference on a cell; high and low are what near gives.
func (m *Model) observeCell(tm time.Duration, i int, high, low uint8) {
	g := &m.grid
	switch {
	case g.occupied[i] != 0:
		g.inferences[i], g.ignoredUntil[i], g.ignoredEnergy[i] = 0, never, 0
		g.foundAt[i] = max(g.foundAt[i], tm)
		g.ticks.forget(i)
		return
	case high == 0:
		g.unknown[i] = 0
		return
	case tm <= g.lastInference[i]:
		return
	}
	if g.inferences[i] == 0 || tm-g.lastInference[i] > restartAfter {
		g.inferences[i], g.firstInference[i] = 0, tm
	}
	g.lastInference[i] = tm
	g.inferences[i] = min(g.inferences[i]+1, 255)
	if int(g.inferences[i]) < m.cfg.Inferences || tm-g.firstInference[i] < m.cfg.InferenceSpan {
		return
	}
	// A thing that stands never leaves its patch, and changes no more than noise
	// does; what changes again soon after it became background waves, if slowly.
	steady := low > 0 && int(high)*4 <= int(low)*5+24
	if steady && g.changedAt[i] < tm-restartAfter/8 && tm-g.absorbedAt[i] > m.cfg.IgnoreFor {
		// Two calls before the next picture may both come to this.
		if len(g.absorb) < cap(g.absorb) {
			g.absorb = append(g.absorb, i)
		}
		return
	}
	g.unknown[i], g.ignoredUntil[i] = 0, tm+m.cfg.IgnoreFor
	g.ignoredEnergy[i] = max(g.ignoredEnergy[i]-g.ignoredEnergy[i]/8, high-1)
}
