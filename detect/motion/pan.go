package motion

import (
	"image"
	"math"
)

// Pan estimates how the whole picture shifts from one frame to the next, for a
// camera that moves (a dashcam), whose background no model can learn. It
// compares the luma's mean of each column and of each row (integral projections;
// Sauer and Schwartz, "Efficient block motion estimation using integral
// projections", IEEE CSVT 1996), so it sees shifts, and neither rotation nor
// scale. The zero value is ready. It is used by one goroutine at a time.
type Pan struct {
	size       image.Point
	cols, rows [2][]float32 // of the last picture and of the new one
	have       bool
}

const (
	// panReach is the largest shift that is found, as a share of the side.
	panReach = 8
	// panClear is the cost of the best shift over the typical one below which it
	// counts: in the tests shifted pictures stay below 0.5, unrelated ones above
	// 0.85.
	panClear = 0.6
	// panStep is the distance of the samples that make a mean.
	panStep = 2
)

// Update takes the next picture, of which only the luma is read, and returns the
// shift of its content since the last one, in pixels of the frame, whose size is
// full. ok is false when there is no last picture of the same size or no shift
// is clear; dx and dy are 0 then. It allocates only when the size changes.
func (p *Pan) Update(pic *image.YCbCr, full image.Point) (dx, dy float64, ok bool) {
	size := pic.Rect.Size()
	if size.X < 1 || size.Y < 1 {
		p.have = false
		return 0, 0, false
	}
	if size != p.size {
		p.size, p.have = size, false
		for i := range p.cols {
			p.cols[i], p.rows[i] = make([]float32, size.X), make([]float32, size.Y)
		}
	}
	p.cols[0], p.cols[1] = p.cols[1], p.cols[0]
	p.rows[0], p.rows[1] = p.rows[1], p.rows[0]
	p.project(pic)
	if !p.have {
		p.have = size.X >= 2*panReach && size.Y >= 2*panReach
		return 0, 0, false
	}
	sx, okX := shift(p.cols[0], p.cols[1])
	sy, okY := shift(p.rows[0], p.rows[1])
	if !okX || !okY {
		return 0, 0, false
	}
	return sx * float64(full.X) / float64(size.X), sy * float64(full.Y) / float64(size.Y), true
}

// project fills the new projections with the slope of the means along the axis,
// times the number of samples: the light as a whole does not enter slopes.
func (p *Pan) project(pic *image.YCbCr) {
	cols, rows := p.cols[1], p.rows[1]
	clear(cols)
	clear(rows)
	for y := range p.size.Y {
		row := pic.Y[pic.YOffset(pic.Rect.Min.X, pic.Rect.Min.Y+y):][:p.size.X]
		var sum uint32
		for x := 0; x < len(row); x += panStep {
			sum += uint32(row[x])
		}
		rows[y] = float32(sum)
		if y%panStep == 0 {
			for x, v := range row {
				cols[x] += float32(v)
			}
		}
	}
	slope(cols)
	slope(rows)
}

func slope(v []float32) {
	for i := range len(v) - 1 {
		v[i] = v[i+1] - v[i]
	}
	v[len(v)-1] = 0
}

// shift returns the s for which was[i] is nearest to now[i+s], to a fraction of
// a sample, and whether it is clear.
func shift(was, now []float32) (s float64, ok bool) {
	reach := len(was) / panReach
	cost := func(s int) float64 {
		sum := float32(0)
		from, to := max(0, -s), min(len(was), len(now)-s)
		for i := from; i < to; i++ {
			d := was[i] - now[i+s]
			if d < 0 {
				d = -d
			}
			sum += d
		}
		return float64(sum) / float64(to-from)
	}
	best, lowest, total := 0, cost(0), 0.0
	for s := -reach; s <= reach; s++ {
		c := cost(s)
		total += c
		if c < lowest {
			best, lowest = s, c
		}
	}
	typical := total / float64(2*reach+1)
	if lowest > panClear*typical || typical == 0 {
		return 0, false
	}
	if best == -reach || best == reach {
		return float64(best), true
	}
	// The cost falls and rises in straight lines about its lowest point.
	before, after := cost(best-1), cost(best+1)
	if m := math.Max(before, after) - lowest; m > 0 {
		return float64(best) + (before-after)/(2*m), true
	}
	return float64(best), true
}
