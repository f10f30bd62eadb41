package motion

import (
	"image"
	"math"
)

const (
	// edgeSide is the long side of the picture of edges, in samples.
	edgeSide = 128
	// edgeBlock is the side of a block in samples.
	edgeBlock = 8
	// edgeSoft is the contrast, in units of logScale over two samples, at which an
	// edge has half of its greatest weight: 10 %.
	edgeSoft = logScale / 10
	// leastEnergy is the mean square of a block's edges, of 1 at most, from which it
	// has structure, and blankEnergy that below which it shows nothing.
	leastEnergy, blankEnergy = 0.03, 0.02
	// darkLuma is the mean luma below which a block is little but noise.
	darkLuma = blackLevel + 6
	// beside is the distance in samples at which a block must not fit itself.
	beside = 4
)

// edges are the directions of a picture's gradients: for each sample the cosine and
// the sine of twice the angle, times a weight of 0..1. Twice the angle is the same
// for a gradient and its opposite.
type edges []float32

// field makes the edges of pictures.
type field struct {
	in        image.Point // size of the pictures
	w, h      int         // samples
	cw, ch    int         // blocks
	table     []float32   // the logarithm of a sum of points
	log       []float32
	cur       edges
	prev      edges     // of the picture before
	stability []float32 // each block's correlation with that
	dark      []bool    // blocks too dark to show anything
	energy    []float32 // mean square of the blocks' edges, less their mean
	xs, ys    []int32   // where the points lie
}

// points is how many points a side are read for one sample.
const points = 4

// fit prepares for pictures of the size, and reports whether the grid is another.
func (f *field) fit(size image.Point) bool {
	if size == f.in {
		return false
	}
	w, h := edgeSide, max((edgeSide*size.Y+size.X/2)/size.X, 1)
	if size.Y > size.X {
		w, h = max((edgeSide*size.X+size.Y/2)/size.Y, 1), edgeSide
	}
	changed := w != f.w || h != f.h
	f.in = size
	f.xs, f.ys = positions(f.xs, size.X, w), positions(f.ys, size.Y, h)
	if !changed {
		return false
	}
	f.w, f.h = w, h
	f.cw, f.ch = (w+edgeBlock-1)/edgeBlock, (h+edgeBlock-1)/edgeBlock
	f.log, f.cur, f.prev = make([]float32, w*h), make(edges, 2*w*h), make(edges, 2*w*h)
	f.dark, f.energy, f.stability = make([]bool, f.cw*f.ch), make([]float32, f.cw*f.ch), make([]float32, f.cw*f.ch)
	if f.table == nil {
		f.table = make([]float32, 256*points*points)
		for i := range f.table {
			l := max(float64(i)/(points*points)-blackLevel, 0) + logOffset
			f.table[i] = float32(logScale * math.Log(l/logOffset))
		}
	}
	return true
}

// positions returns where the points of n samples lie in size pixels.
func positions(dst []int32, size, n int) []int32 {
	dst = dst[:0]
	for i := range n * points {
		dst = append(dst, int32((2*i+1)*size/(2*n*points)))
	}
	return dst
}

// take makes the edges of a picture.
func (f *field) take(pic *image.YCbCr) {
	base := pic.Y[pic.YOffset(pic.Rect.Min.X, pic.Rect.Min.Y):]
	clear(f.energy)
	for y := range f.h {
		var rows [points][]uint8
		for k := range rows {
			rows[k] = base[int(f.ys[y*points+k])*pic.YStride:][:f.in.X]
		}
		line := f.log[y*f.w : (y+1)*f.w]
		for x := range line {
			sum := 0
			for _, at := range f.xs[x*points : x*points+points] {
				sum += int(rows[0][at]) + int(rows[1][at]) + int(rows[2][at]) + int(rows[3][at])
			}
			line[x] = f.table[sum]
			f.energy[y/edgeBlock*f.cw+x/edgeBlock] += float32(sum)
		}
	}
	for i := range f.energy {
		x0, y0, x1, y1 := f.block(i)
		f.dark[i] = f.energy[i] < float32((x1-x0)*(y1-y0)*points*points*darkLuma)
	}
	f.cur, f.prev = f.prev, f.cur
	f.directions()
	for i := range f.energy {
		f.energy[i] = f.energyOf(f.cur, i)
		f.stability[i] = f.correlationWithLast(i)
	}
}

// directions turns the logarithm into directions.
func (f *field) directions() {
	clear(f.cur)
	for y := 1; y < f.h-1; y++ {
		for x := 1; x < f.w-1; x++ {
			i := y*f.w + x
			gx, gy := f.log[i+1]-f.log[i-1], f.log[i+f.w]-f.log[i-f.w]
			m := float32(math.Sqrt(float64(gx*gx + gy*gy)))
			if m < 1 {
				continue
			}
			k := 1 / (m * (m + edgeSoft))
			f.cur[2*i], f.cur[2*i+1] = (gx*gx-gy*gy)*k, 2*gx*gy*k
		}
	}
}

// block returns the samples of block i.
func (f *field) block(i int) (x0, y0, x1, y1 int) {
	x0, y0 = i%f.cw*edgeBlock, i/f.cw*edgeBlock
	return x0, y0, min(x0+edgeBlock, f.w), min(y0+edgeBlock, f.h)
}

// energyOf returns the mean square of a block's edges, less their mean.
func (f *field) energyOf(e edges, i int) float32 {
	x0, y0, x1, y1 := f.block(i)
	var s0, s1, ss float32
	for y := y0; y < y1; y++ {
		for _, j := 2*(y*f.w+x0), 0; j < 2*(x1-x0); j += 2 {
			a, b := e[2*(y*f.w+x0)+j], e[2*(y*f.w+x0)+j+1]
			s0, s1, ss = s0+a, s1+b, ss+a*a+b*b
		}
	}
	n := float32((x1 - x0) * (y1 - y0))
	return max((ss-(s0*s0+s1*s1)/n)/n, 0)
}

// copyBlock copies the block of the newest picture, less its mean.
func (f *field) copyBlock(dst edges, i int) {
	x0, y0, x1, y1 := f.block(i)
	var s0, s1 float32
	for y := y0; y < y1; y++ {
		row := f.cur[2*(y*f.w+x0) : 2*(y*f.w+x1)]
		for j := 0; j < len(row); j += 2 {
			s0, s1 = s0+row[j], s1+row[j+1]
		}
	}
	n := float32((x1 - x0) * (y1 - y0))
	s0, s1 = s0/n, s1/n
	for y := y0; y < y1; y++ {
		row, out := f.cur[2*(y*f.w+x0):2*(y*f.w+x1)], dst[2*(y*f.w+x0):2*(y*f.w+x1)]
		for j := 0; j < len(row); j += 2 {
			out[j], out[j+1] = row[j]-s0, row[j+1]-s1
		}
	}
}

func (f *field) moveBlock(dst, src edges, i int) {
	x0, y0, x1, y1 := f.block(i)
	for y := y0; y < y1; y++ {
		copy(dst[2*(y*f.w+x0):2*(y*f.w+x1)], src[2*(y*f.w+x0):])
	}
}

// correlation returns that of block i of ref, which is without its mean and has the
// given energy, with the samples of e displaced by (dx, dy).
func (f *field) correlation(ref, e edges, energy float32, i, dx, dy int) float32 {
	x0, y0, x1, y1 := f.block(i)
	x0, x1 = max(x0, -dx), min(x1, f.w-dx)
	y0, y1 = max(y0, -dy), min(y1, f.h-dy)
	if x1 <= x0 || y1 <= y0 {
		return 0
	}
	var ab, bb, s0, s1 float32
	for y := y0; y < y1; y++ {
		r := ref[2*(y*f.w+x0) : 2*(y*f.w+x1)]
		c := e[2*((y+dy)*f.w+x0+dx):][:len(r)]
		for j := 0; j+1 < len(r); j += 2 {
			c0, c1 := c[j], c[j+1]
			ab += r[j]*c0 + r[j+1]*c1
			bb += c0*c0 + c1*c1
			s0, s1 = s0+c0, s1+c1
		}
	}
	n := float32((x1 - x0) * (y1 - y0))
	bb -= (s0*s0 + s1*s1) / n
	if aa := energy * n; aa > 0 && bb > 0.002*n {
		return ab / float32(math.Sqrt(float64(aa*bb)))
	}
	return 0
}

// correlationWithLast returns the correlation of block i with the picture before.
func (f *field) correlationWithLast(i int) float32 {
	x0, y0, x1, y1 := f.block(i)
	var ab, aa, bb, a0, a1, b0, b1 float32
	for y := y0; y < y1; y++ {
		p, c := f.prev[2*(y*f.w+x0):2*(y*f.w+x1)], f.cur[2*(y*f.w+x0):2*(y*f.w+x1)]
		for j := 0; j+1 < len(p); j += 2 {
			ab += p[j]*c[j] + p[j+1]*c[j+1]
			aa += p[j]*p[j] + p[j+1]*p[j+1]
			bb += c[j]*c[j] + c[j+1]*c[j+1]
			a0, a1, b0, b1 = a0+p[j], a1+p[j+1], b0+c[j], b1+c[j+1]
		}
	}
	n := float32((x1 - x0) * (y1 - y0))
	ab, aa, bb = ab-(a0*b0+a1*b1)/n, aa-(a0*a0+a1*a1)/n, bb-(b0*b0+b1*b1)/n
	if aa <= 0 || bb <= 0 {
		return 0
	}
	return ab / float32(math.Sqrt(float64(aa)*float64(bb)))
}

// fits reports whether block i of ref is in the newest picture, a sample beside its
// place at most, and the correlation at its place. A block of too little structure
// fits nothing.
func (f *field) fits(ref edges, energy float32, i int) (fit bool, here float32) {
	if energy < leastEnergy {
		return false, 0
	}
	here = f.correlation(ref, f.cur, energy, i, 0, 0)
	if here >= fitting {
		return true, here
	}
	for _, d := range around {
		if f.correlation(ref, f.cur, energy, i, d.X, d.Y) >= fitting {
			return true, here
		}
	}
	return false, here
}

var around = [8]image.Point{{X: -1}, {X: 1}, {Y: -1}, {Y: 1}, {X: -1, Y: -1}, {X: 1, Y: -1}, {X: -1, Y: 1}, {X: 1, Y: 1}}

// ambiguous reports whether block i of the newest picture fits beside itself as well: a
// straight edge says nothing about a shift along it.
func (f *field) ambiguous(ref edges, i int) bool {
	energy := f.energyOf(ref, i)
	for _, d := range around {
		if f.correlation(ref, f.cur, energy, i, d.X*beside, d.Y*beside) >= fitting {
			return true
		}
	}
	return false
}
