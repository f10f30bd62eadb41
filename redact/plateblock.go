package redact

import "image"

// rect returns a block's pixels.
func (p *BackgroundPlate) rect(i int) image.Rectangle {
	at := image.Pt(i%p.known.w, i/p.known.w).Mul(p.cell)
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(p.cell, p.cell))}.Intersect(image.Rectangle{Max: p.size})
}

// blockPlanes calls f with the rows of a block in the planes of one picture or two
// of one size, whatever their corners.
func blockPlanes(a, b *image.YCbCr, r image.Rectangle, f func(plane int, a, b []byte)) {
	pa, pb := planes(a), planes(b)
	for i := range pa {
		q := r
		if i > 0 {
			q = image.Rect(r.Min.X/2, r.Min.Y/2, (r.Max.X+1)/2, (r.Max.Y+1)/2)
		}
		for y := q.Min.Y; y < q.Max.Y; y++ {
			f(i, pa[i].pix[y*pa[i].stride+q.Min.X:][:q.Dx()], pb[i].pix[y*pb[i].stride+q.Min.X:][:q.Dx()])
		}
	}
}

// copyBlock copies a block of src, whose corner may lie elsewhere, to dst.
func copyBlock(dst, src *image.YCbCr, r image.Rectangle) {
	blockPlanes(dst, src, r, func(_ int, a, b []byte) { copy(a, b) })
}

// How far two samples of a block may lie apart, in steps of luma or chroma, and
// still show the same: in the mean of a quarter of the block, and in the mean
// absolute difference.
const (
	sameMean   = 5
	sameDetail = 10
)

// sameBlock reports whether two pictures show the same in a block, but that a is
// lighter by so many steps.
func sameBlock(a, b *image.YCbCr, r image.Rectangle, light [3]int) bool {
	same := true
	for y := r.Min.Y; y < r.Max.Y && same; y += 8 {
		for x := r.Min.X; x < r.Max.X && same; x += 8 {
			var diff, abs, n [3]int
			blockPlanes(a, b, image.Rect(x, y, x+8, y+8).Intersect(r), func(i int, a, b []byte) {
				for j := range a {
					d := int(a[j]) - int(b[j]) - light[i]
					diff[i] += d
					abs[i] += max(d, -d)
				}
				n[i] += len(a)
			})
			for i := range n {
				same = same && max(diff[i], -diff[i]) <= sameMean*n[i] && abs[i] <= sameDetail*n[i]
			}
		}
	}
	return same
}

// blockMean returns the mean of a block in each plane, with fieldBits fractional
// bits, of the rows that sumCells takes: so that what the block has of detail makes no
// difference between the two.
func blockMean(pic *image.YCbCr, r image.Rectangle) (c fieldCell) {
	for i, p := range planes(pic) {
		q := r
		if i > 0 {
			q = image.Rect(r.Min.X/2, r.Min.Y/2, (r.Max.X+1)/2, (r.Max.Y+1)/2)
		}
		sum, n := int32(0), int32(0)
		for y := (q.Min.Y + 3) &^ 3; y < q.Max.Y; y += 4 {
			for _, v := range p.pix[y*p.stride+q.Min.X : y*p.stride+q.Max.X] {
				sum += int32(v)
			}
			n += int32(q.Dx())
		}
		c[i] = sum << fieldBits / max(n, 1)
	}
	return c
}
