package motion

import (
	"math"
	"math/cmplx"
)

const (
	// turnEvery is the number of searches for a shift for one for a roll or a zoom. A mount
	// or a lens that creeps needs minutes; what turns fast fits nowhere.
	turnEvery = 4
	// mostUnturned is the share of the blocks that fit at their places from which no roll or
	// zoom is looked for.
	mostUnturned = 0.7
)

// turns are the rolls and zooms that are looked for: by two to eight degrees and by 3 to 14
// percent, either way.
var turns = func() (t []complex128) {
	for k := 1.; k <= 4; k++ {
		roll := cmplx.Rect(1, 2*k*math.Pi/180)
		zoom := complex(1+0.035*k, 0)
		t = append(t, roll, cmplx.Conj(roll), zoom, 1/zoom)
	}
	return t
}()

// searchTurn looks whether the first appearances fit better rolled or zoomed. Where a
// camera turns slowly, or its lens creeps, each block learns second appearances, one after
// another, and only the first ones tell of it: they have no shift in common.
func (s *shiftSearch) searchTurn(v *View) {
	if s.turns--; s.turns > 0 && !(s.found && s.turned) {
		s.found, s.times = false, 0
		return
	}
	s.turns = turnEvery
	here, most := v.shareOfFirst(), float32(-1)
	if here < mostUnturned {
		for _, t := range turns {
			most = max(most, v.shareTurned(t))
		}
	}
	if most < displaced || most < here+better {
		s.found, s.turned, s.times = false, false, 0
		return
	}
	if !s.found || !s.turned {
		s.since, s.times = v.now, 0
	}
	s.found, s.turned = true, true
	s.times++
}

// shareOfFirst returns the share of the blocks whose first appearance fits, a sample beside
// its place at most.
func (v *View) shareOfFirst() float32 {
	return v.shareWhere(func(i int) bool {
		fits, _ := v.field.fits(v.first, v.blocks[i].energy, i)
		return fits
	})
}

// shareTurned returns the share of the blocks whose first appearance fits where a roll and
// zoom around the picture's middle takes it.
func (v *View) shareTurned(turn complex128) float32 {
	f := &v.field
	middle := complex(float64(f.w)/2, float64(f.h)/2)
	return v.shareWhere(func(i int) bool {
		x0, y0, x1, y1 := f.block(i)
		d := (turn - 1) * (complex(float64(x0+x1)/2, float64(y0+y1)/2) - middle)
		dx, dy := int(math.Round(real(d))), int(math.Round(imag(d)))
		return f.correlation(v.first, f.cur, v.blocks[i].energy, i, dx, dy) >= fitting
	})
}
