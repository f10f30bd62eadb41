package redact

// field is a smooth picture on a coarse grid: values that are known in some cells
// are continued into the others by pull-push (Gortler et al., "The Lumigraph",
// 1996): averages of what is known go up a pyramid, and come down again, between
// cells linearly, where nothing is known; at each level a few sweeps of relaxation
// then take the result towards the membrane that spans the holes. A value of a cell
// is one for each plane.
type field struct {
	levels []fieldLevel // the finest first
	known  int          // cells that are known in the finest
}

type fieldLevel struct {
	w, h  int
	cells []fieldCell
	todo  []int32 // scratch of push: the cells that are not known
}

// fieldCell has a value for each plane, with fieldBits fractional bits, and in the
// last place 1 if they are known, 0 if not. Four numbers are what a vector
// register holds.
type fieldCell [4]int32

const (
	fieldBits = 6
	isKnown   = 3
	// sweeps is the number of relaxations of each level: so many that the cells at a
	// hole's border go on from those beside it.
	sweeps = 6
)

func newField(w, h int) field {
	var f field
	for {
		f.levels = append(f.levels, fieldLevel{w, h, make([]fieldCell, w*h), make([]int32, w*h)})
		if w == 1 && h == 1 {
			return f
		}
		w, h = (w+1)/2, (h+1)/2
	}
}

// clear makes all cells unknown.
func (f *field) clear() {
	clear(f.levels[0].cells)
	f.known = 0
}

// set makes a cell of the finest level known.
func (f *field) set(cell int, c fieldCell) {
	f.known += 1 - int(f.levels[0].cells[cell][isKnown])
	c[isKnown] = 1
	f.levels[0].cells[cell] = c
}

// unset makes a cell of the finest level unknown, and 0.
func (f *field) unset(cell int) {
	c := &f.levels[0].cells[cell]
	f.known -= int(c[isKnown])
	*c = fieldCell{}
}

// level gives all cells of the finest level, none of which is known, one value.
func (f *field) level(c fieldCell) {
	for i := range f.levels[0].cells {
		f.levels[0].cells[i] = c
	}
}

// at returns the value of a cell of the finest level.
func (f *field) at(cell int) fieldCell { return f.levels[0].cells[cell] }

// spread gives all cells a value, once some are known.
func (f *field) spread() {
	if f.known == 0 {
		return
	}
	for i := range len(f.levels) - 1 {
		pull(&f.levels[i], &f.levels[i+1])
	}
	for i := len(f.levels) - 2; i >= 0; i-- {
		push(&f.levels[i], &f.levels[i+1])
	}
}

// pullGo sets the cells of coarse to the averages of what is known of their four
// cells of fine.
func pullGo(fine, coarse *fieldLevel) {
	for y := range coarse.h {
		for x := range coarse.w {
			var sum fieldCell
			for j := 2 * y; j < min(2*y+2, fine.h); j++ {
				for i := 2 * x; i < min(2*x+2, fine.w); i++ {
					if c := &fine.cells[j*fine.w+i]; c[isKnown] != 0 {
						for k := range sum {
							sum[k] += c[k]
						}
					}
				}
			}
			coarse.cells[y*coarse.w+x] = sum.mean()
		}
	}
}

// thirds is a third, with 16 fractional bits.
const thirds = 21846

// mean returns the average of as many cells as the sum has.
func (c fieldCell) mean() fieldCell {
	for k := range isKnown {
		switch c[isKnown] {
		case 2:
			c[k] >>= 1
		case 3:
			c[k] = c[k] * thirds >> 16
		case 4:
			c[k] >>= 2
		}
	}
	c[isKnown] = min(c[isKnown], 1)
	return c
}

// pushGo gives the cells of fine that are not known the values of coarse between
// its cells, all of which have one, and smooths them.
func pushGo(fine, coarse *fieldLevel) {
	for y := range fine.h {
		j := y / 2
		jn := min(max(j-1+2*(y&1), 0), coarse.h-1)
		for x := range fine.w {
			c := &fine.cells[y*fine.w+x]
			if c[isKnown] != 0 {
				continue
			}
			i := x / 2
			in := min(max(i-1+2*(x&1), 0), coarse.w-1)
			a, b := &coarse.cells[j*coarse.w+i], &coarse.cells[j*coarse.w+in]
			d, e := &coarse.cells[jn*coarse.w+i], &coarse.cells[jn*coarse.w+in]
			for k := range isKnown {
				c[k] = (9*a[k] + 3*b[k] + 3*d[k] + e[k] + 8) >> 4
			}
		}
	}
	for range sweeps {
		for y := range fine.h {
			for x := range fine.w {
				fine.relax(x, y)
			}
		}
	}
}

// relax sets a cell that is not known to the average of its neighbours.
func (l *fieldLevel) relax(x, y int) {
	i := y*l.w + x
	c := &l.cells[i]
	if c[isKnown] != 0 {
		return
	}
	up, down, left, right := c, c, c, c
	if y > 0 {
		up = &l.cells[i-l.w]
	}
	if y+1 < l.h {
		down = &l.cells[i+l.w]
	}
	if x > 0 {
		left = &l.cells[i-1]
	}
	if x+1 < l.w {
		right = &l.cells[i+1]
	}
	for k := range isKnown {
		c[k] = (up[k] + down[k] + left[k] + right[k] + 2) >> 2
	}
}
