package motion

import (
	"image"
	"math"
	"math/cmplx"
	"slices"
)

// A keyframe is a picture that later ones are laid over. A picture's movement is found by
// direct alignment of luma (Lucas and Kanade, 1981) in its inverse compositional form
// (Baker and Matthews, "Lucas-Kanade 20 years on", IJCV 2004) with four parameters, from
// coarse to fine, at the points of the keyframe with the steepest slope, and with weights
// that leave out what has moved by itself.
//
// Coordinates are those of pictures at the size at which they are aligned, from their
// middle.

const (
	// alignSide bounds the longer side at which pictures are aligned. alignLevels is the
	// number of sizes, each half of the one before.
	alignSide, alignLevels = 320, 3
	// alignSlope is the least slope of a point, in 1/16 of a luma step a sample.
	alignSlope = 3 * 16
	// alignRounds is how often a movement is bettered at each size at most, and alignDone
	// the length in samples of the change with which that ends.
	alignRounds, alignDone = 15, 0.01
	// alignPoints is how few points are too few to go by.
	alignPoints = 80
	// fitBlocks is the number of blocks along each side of a keyframe in each of which it
	// is asked whether the picture fits; fitPoints how many points it takes, and fitAlike
	// how high they must correlate.
	fitBlocks, fitPoints, fitAlike = 12, 6, 0.8
	// fitLeast is how many blocks it takes to say anything.
	fitLeast = 16
)

// pyramid is a picture at the sizes at which it is aligned.
type pyramid struct {
	in     image.Point // size of the picture that it was made of
	step   int
	levels [alignLevels]alignLevel
	acc    []uint16
	col    []int32
	row    []int32
	mean   []int16
}

// alignLevel is a picture at one size.
type alignLevel struct {
	w, h   int
	luma   []uint16 // in 1/16 of a step
	detail []int16  // the same less its local mean: light has little to say in it
}

func (p *pyramid) setSize(in image.Point) {
	*p = pyramid{in: in, step: (max(in.X, in.Y) + alignSide - 1) / alignSide}
	w, h := (in.X+p.step-1)/p.step, (in.Y+p.step-1)/p.step
	p.acc, p.col, p.row = make([]uint16, in.X), make([]int32, w), make([]int32, w+2*meanRadius)
	p.mean = make([]int16, w*h)
	for i := range p.levels {
		p.levels[i] = alignLevel{w: w, h: h, luma: make([]uint16, w*h), detail: make([]int16, w*h)}
		w, h = w/2, h/2
	}
}

// set takes a picture, which is at least 32 samples wide and high.
func (p *pyramid) set(pic *image.YCbCr) {
	if in := pic.Rect.Size(); in != p.in {
		p.setSize(in)
	}
	src := pic.Y[pic.YOffset(pic.Rect.Min.X, pic.Rect.Min.Y):]
	shrink(p.levels[0].luma, src, pic.YStride, p.in.X, p.in.Y, p.step, rowStep(p.step), p.acc)
	for i := range p.levels {
		l := &p.levels[i]
		if i > 0 {
			l.halve(&p.levels[i-1])
		}
		for k, v := range l.luma {
			l.detail[k] = int16(v)
		}
		boxMean(p.mean, l.detail, l.w, l.h, p.col, p.row)
		for k := range l.detail {
			l.detail[k] -= p.mean[k]
		}
	}
}

// halve makes l the picture from at half of its size.
func (l *alignLevel) halve(from *alignLevel) {
	for y := range l.h {
		a, b := from.luma[2*y*from.w:][:2*l.w], from.luma[(2*y+1)*from.w:][:2*l.w]
		out := l.luma[y*l.w:][:l.w]
		for x := range out {
			out[x] = (a[2*x] + a[2*x+1] + b[2*x] + b[2*x+1] + 2) / 4
		}
	}
}

// sample returns the detail at a point, in samples of this size from the middle of the
// upper left one. It reports false outside of the picture.
func (l *alignLevel) sample(x, y float64) (float64, bool) {
	if !(x >= 0 && y >= 0 && x < float64(l.w-1) && y < float64(l.h-1)) {
		return 0, false
	}
	ix, iy := int(x), int(y)
	fx, fy := x-float64(ix), y-float64(iy)
	a, b := l.detail[iy*l.w+ix:][:2], l.detail[(iy+1)*l.w+ix:][:2]
	top := float64(a[0]) + (float64(a[1])-float64(a[0]))*fx
	bottom := float64(b[0]) + (float64(b[1])-float64(b[0]))*fx
	return top + (bottom-top)*fy, true
}

// keyframe is what is kept of a picture to lay others over.
type keyframe struct {
	w, h   int // of the picture at the largest size
	levels [alignLevels][]alignPoint
}

// alignPoint is a point of a keyframe.
type alignPoint struct {
	x, y   float64    // where
	value  float64    // the detail there
	slope  [2]float64 // of the detail
	jacobi [4]float64 // by how much the detail changes with turn and shift
}

// newKeyframe takes the points of a picture.
func newKeyframe(p *pyramid) *keyframe {
	k := &keyframe{w: p.levels[0].w, h: p.levels[0].h}
	for i := range p.levels {
		k.levels[i] = p.levels[i].points(4-i, 1<<i, k.w, k.h)
	}
	return k
}

// points returns the points with the steepest slope in blocks of so many samples. unit is
// how many samples of the largest size, w by h, one of this size is.
func (l *alignLevel) points(block, unit, w, h int) (list []alignPoint) {
	for y0 := 1; y0 < l.h-1; y0 += block {
		for x0 := 1; x0 < l.w-1; x0 += block {
			at, most := -1, alignSlope*alignSlope
			for y := y0; y < min(y0+block, l.h-1); y++ {
				for i := y*l.w + x0; i < y*l.w+min(x0+block, l.w-1); i++ {
					gx, gy := l.slope(i)
					if s := gx*gx + gy*gy; s > most {
						at, most = i, s
					}
				}
			}
			if at < 0 {
				continue
			}
			gx, gy := l.slope(at)
			p := alignPoint{
				x: (float64(at%l.w)+0.5)*float64(unit) - float64(w)/2, y: (float64(at/l.w)+0.5)*float64(unit) - float64(h)/2,
				value: float64(l.detail[at]), slope: [2]float64{float64(gx) / float64(unit), float64(gy) / float64(unit)},
			}
			p.jacobi = [4]float64{p.slope[0]*p.x + p.slope[1]*p.y, p.slope[1]*p.x - p.slope[0]*p.y, p.slope[0], p.slope[1]}
			list = append(list, p)
		}
	}
	return list
}

// slope returns the slope at sample i, in 1/16 of a step a sample.
func (l *alignLevel) slope(i int) (gx, gy int) {
	return (int(l.detail[i+1]) - int(l.detail[i-1])) / 2, (int(l.detail[i+l.w]) - int(l.detail[i-l.w])) / 2
}

// align returns the movement that takes the keyframe to the picture, beginning with from,
// and how well it fits: the share of its blocks, 0..1. overlap is the share of its points
// that are in the picture. Where there is nothing to go by, fit is 0.
func (k *keyframe) align(p *pyramid, from Similarity, scratch *alignScratch) (s Similarity, fit, overlap float64) {
	s = from
	for i := alignLevels - 1; i >= 0; i-- {
		if !k.better(i, p, &s, scratch) {
			return from, 0, 0
		}
	}
	fit, overlap = k.fit(p, s)
	return s, fit, overlap
}

// alignScratch is memory that is used again.
type alignScratch struct {
	points  []*alignPoint // those in the picture
	samples []float64     // of the picture there
	sizes   []float64     // by how much these differ
}

// better betters s at one size. It reports false if there is too little to go by.
func (k *keyframe) better(level int, p *pyramid, s *Similarity, scratch *alignScratch) bool {
	unit := float64(int(1) << level)
	l := &p.levels[level]
	points, center := k.levels[level], complex(float64(k.w)/2, float64(k.h)/2)
	reach := float64(max(k.w, k.h)) / 2
	for range alignRounds {
		in, samples, sizes := scratch.points[:0], scratch.samples[:0], scratch.sizes[:0]
		var vv, vs float64
		for i := range points {
			q := &points[i]
			z := s.Turn*complex(q.x, q.y) + s.Shift + center
			v, ok := l.sample(real(z)/unit-0.5, imag(z)/unit-0.5)
			if !ok {
				continue
			}
			in, samples = append(in, q), append(samples, v)
			vv, vs = vv+q.value*q.value, vs+q.value*v
		}
		scratch.points, scratch.samples = in, samples
		if len(in) < alignPoints || len(in)*5 < len(points) || vv == 0 {
			return false
		}
		gain := min(max(vs/vv, 0.5), 2)
		for i, q := range in {
			samples[i] = samples[i]/gain - q.value
			sizes = append(sizes, math.Abs(samples[i]))
		}
		scratch.sizes = sizes
		slices.Sort(sizes)
		scale := 2*sizes[len(sizes)/2] + 16
		var h [4][4]float64
		var g [4]float64
		for i, q := range in {
			w := 1 / (1 + samples[i]*samples[i]/(scale*scale))
			for a := range 4 {
				wa := w * q.jacobi[a]
				g[a] += wa * samples[i]
				for b := a; b < 4; b++ {
					h[a][b] += wa * q.jacobi[b]
				}
			}
		}
		d, ok := solve(h, g)
		if !ok {
			return false
		}
		turn, shift := complex(1+d[0], d[1]), complex(d[2], d[3])
		if cmplx.Abs(turn) < 0.5 || cmplx.Abs(turn) > 2 {
			return false
		}
		s.Turn /= turn
		s.Shift -= s.Turn * shift
		if !s.Sane() {
			return false
		}
		if cmplx.Abs(shift)+reach*cmplx.Abs(turn-1) < alignDone*unit {
			break
		}
	}
	return true
}

// solve returns x with h x = g. Of h, which is symmetric and positive, the upper half is
// given. It reports false if there is no one answer.
func solve(h [4][4]float64, g [4]float64) (x [4]float64, ok bool) {
	for i := range 4 { // h becomes its Cholesky factor
		for j := i; j < 4; j++ {
			for k := range i {
				h[i][j] -= h[k][i] * h[k][j]
			}
			if j == i {
				if !(h[i][i] > 1e-6) {
					return x, false
				}
				h[i][i] = math.Sqrt(h[i][i])
				continue
			}
			h[i][j] /= h[i][i]
		}
	}
	for i := range 4 {
		x[i] = g[i]
		for k := range i {
			x[i] -= h[k][i] * x[k]
		}
		x[i] /= h[i][i]
	}
	for i := 3; i >= 0; i-- {
		for k := i + 1; k < 4; k++ {
			x[i] -= h[i][k] * x[k]
		}
		x[i] /= h[i][i]
	}
	return x, true
}

// fit returns the share of the keyframe's blocks that are in the picture after a movement
// and look there as in the keyframe, and the share of its points that are in it.
func (k *keyframe) fit(p *pyramid, s Similarity) (fit, overlap float64) {
	type block struct {
		n          int
		vv, vs, ss float64
	}
	var blocks [fitBlocks * fitBlocks]block
	points, center := k.levels[0], complex(float64(k.w)/2, float64(k.h)/2)
	in := 0
	for i := range points {
		q := &points[i]
		z := s.Turn*complex(q.x, q.y) + s.Shift + center
		v, ok := p.levels[0].sample(real(z)-0.5, imag(z)-0.5)
		if !ok {
			continue
		}
		in++
		x := min(int((q.x+float64(k.w)/2)*fitBlocks/float64(k.w)), fitBlocks-1)
		y := min(int((q.y+float64(k.h)/2)*fitBlocks/float64(k.h)), fitBlocks-1)
		b := &blocks[y*fitBlocks+x]
		b.n++
		b.vv, b.vs, b.ss = b.vv+q.value*q.value, b.vs+q.value*v, b.ss+v*v
	}
	all, fits := 0, 0
	for i := range blocks {
		b := &blocks[i]
		if b.n < fitPoints {
			continue
		}
		all++
		if b.vs > fitAlike*math.Sqrt(b.vv*b.ss) {
			fits++
		}
	}
	if all < fitLeast {
		return 0, 0
	}
	return float64(fits) / float64(all), float64(in) / float64(len(points))
}
