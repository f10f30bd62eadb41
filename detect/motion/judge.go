package motion

import (
	"image"
	"time"

	"github.com/hedgecam/hedge/detect"
)

const (
	// ringFrames is how many pictures are remembered for late looks: 2 s at 30
	// pictures a second.
	ringFrames = 64
	// nearby is how far from a look's time a patch may have been seen for the
	// look to count for it; what waves is not away from its place at all times.
	nearby = 250 * time.Millisecond
	// forget is the time without a patch after which looks at a cell start anew.
	forget = 4 * time.Second
)

// ring holds the patches of the last pictures.
type ring struct {
	time [ringFrames]time.Duration
	cell [ringFrames][]uint8 // 0 where there was no patch, else 1 + energy
	next int
	n    int
}

func (r *ring) setSize(cells int) {
	r.next, r.n = 0, 0
	for i := range r.cell {
		if len(r.cell[i]) != cells {
			r.cell[i] = make([]uint8, cells)
		}
	}
}

func (r *ring) push(tm time.Duration, g *grid) {
	c := r.cell[r.next]
	for i, v := range g.fg {
		c[i] = 0
		if v == 2 {
			c[i] = 1 + min(g.in.energy[i], 254)
		}
	}
	r.time[r.next] = tm
	r.next = (r.next + 1) % ringFrames
	r.n = min(r.n+1, ringFrames)
}

// settle takes a cell out of all patches remembered: it was judged.
func (r *ring) settle(cell int) {
	for i := range r.cell {
		r.cell[i][cell] = 0
	}
}

// near collects in high and low the highest and lowest value of each cell over
// the pictures within nearby of tm. It reports false if no such picture is
// remembered.
func (r *ring) near(tm time.Duration, high, low []uint8) bool {
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

// Judge tells the model that all detectors the caller relies on have looked at
// the region looked of the picture of time tm, in pixels of the frame, and that
// objects are what was there: detected then, or tracked and predicted to that
// time. tm may be up to about 2 s old; a look at a picture that is no longer
// remembered, or not yet seen, is ignored. Two calls for the same tm count as
// one look.
//
// Cells of the region that no object touches were looked at in vain. After
// Config.Looks such looks over Config.LookSpan what stands there becomes
// background, and what waves there is harmless for the time Config.Harmless.
// Cells that an object touches lose what was judged before. The first look at
// a cell in which nothing differs makes it known.
func (m *Model) Judge(tm time.Duration, looked detect.Box, objects []detect.Object) {
	g := &m.grid
	if m.in == (image.Point{}) || tm > m.now {
		return
	}
	x0, y0, x1, y1 := m.inner(looked)
	if x1 <= x0 || y1 <= y0 || !m.past.near(tm, g.tmp, g.out) {
		return
	}
	clear(g.touched)
	for i := range objects {
		for _, b := range [2]detect.Box{objects[i].Box, objects[i].Cover} {
			cx0, cy0, cx1, cy1 := m.outer(b)
			for y := cy0; y < cy1; y++ {
				for x := cx0; x < cx1; x++ {
					g.touched[g.at(x, y)] = 1
				}
			}
		}
	}
	for y := y0; y < y1; y++ {
		for i, end := g.at(x0, y), g.at(x0, y)+x1-x0; i < end; i++ {
			m.judgeCell(tm, i, g.tmp[i], g.out[i])
		}
	}
}

// judgeCell takes one look at a cell; high and low are what near gives.
func (m *Model) judgeCell(tm time.Duration, i int, high, low uint8) {
	g := &m.grid
	switch {
	case g.touched[i] != 0:
		g.looks[i], g.harmless[i], g.level[i] = 0, never, 0
		g.explained[i] = max(g.explained[i], tm)
		g.ticks.forget(i)
		return
	case high == 0:
		g.unknown[i] = 0
		return
	case tm <= g.lastLook[i]:
		return
	}
	if g.looks[i] == 0 || tm-g.lastLook[i] > forget {
		g.looks[i], g.firstLook[i] = 0, tm
	}
	g.lastLook[i] = tm
	g.looks[i] = min(g.looks[i]+1, 255)
	if int(g.looks[i]) < m.cfg.Looks || tm-g.firstLook[i] < m.cfg.LookSpan {
		return
	}
	// A thing that stands never leaves its patch, and changes no more than noise
	// does; what changes again soon after it became background waves, if slowly.
	steady := low > 0 && int(high)*4 <= int(low)*5+24
	if steady && g.changed[i] < tm-forget/8 && tm-g.absorbed[i] > m.cfg.Harmless {
		// Two calls before the next picture may both come to this.
		if len(g.absorb) < cap(g.absorb) {
			g.absorb = append(g.absorb, i)
		}
		return
	}
	g.unknown[i], g.harmless[i] = 0, tm+m.cfg.Harmless
	g.level[i] = max(g.level[i]-g.level[i]/8, high-1)
}
