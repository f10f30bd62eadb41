package detect

import (
	"cmp"
	"math"
	"slices"
)

// KeepScores drops, in place, detections whose score is below the minimum of
// their class, or not a number, and those of unknown classes. The order stays.
func KeepScores(dets []Detection, minScore *[NumClasses]float32) []Detection {
	n := 0
	for _, d := range dets {
		if int(d.Class) < NumClasses && d.Score >= minScore[d.Class] {
			dets[n] = d
			n++
		}
	}
	return dets[:n]
}

// Clip cuts, in place, boxes to bounds and drops those of which nothing is
// left. The order stays.
func Clip(dets []Detection, bounds Box) []Detection {
	n := 0
	for _, d := range dets {
		d.Box = d.Box.Intersect(bounds)
		if !d.Box.Empty() {
			dets[n] = d
			n++
		}
	}
	return dets[:n]
}

// DefaultMaxIoU is the overlap above which [NMS] takes two boxes of a class for
// one object, if it is told no other. It is what YOLOX's own demo uses
// (github.com/Megvii-BaseDetection/YOLOX, tools/demo.py).
const DefaultMaxIoU = 0.45

// NMS is non-maximum suppression by class: of boxes of the same class that
// overlap, the one with the highest score stays. The zero value is ready; it
// keeps its buffers, so that it allocates nothing once they are large enough.
// One goroutine at a time may use it.
//
// The time is near-linear in the number of boxes for any MaxIoU of at least
// 0.1: boxes kept are looked up on a grid of cells as large as the box, so that
// each new one meets only neighbours of a size that it can overlap enough.
type NMS struct {
	// MaxIoU is the intersection over union, 0..1, above which the lower scored
	// box is dropped. It defaults to DefaultMaxIoU.
	MaxIoU float32

	heads []int32 // hash table of chains through next, by cell
	next  []int32 // index of the box kept before in the same chain, or -1
}

// bruteForce is the number of boxes up to which comparing all pairs is faster
// than the grid.
const bruteForce = 48

// Apply sorts dets by falling score, drops in place what is suppressed, and
// boxes that are empty or not finite, and returns what is left. Equal scores
// are ordered by class and place, so that the result does not depend on the
// order of the input.
func (n *NMS) Apply(dets []Detection) []Detection {
	limit := n.MaxIoU
	if limit == 0 {
		limit = DefaultMaxIoU
	}
	kept, onGrid := 0, limit >= 0.1
	for _, d := range dets {
		if d.Box.Empty() || !d.Box.Finite() || math.IsNaN(float64(d.Score)) {
			continue
		}
		onGrid = onGrid && fitsGrid(d.Box)
		dets[kept] = d
		kept++
	}
	dets = dets[:kept]
	slices.SortFunc(dets, order)
	if len(dets) <= bruteForce || !onGrid {
		return suppressAll(dets, limit)
	}
	return n.suppressGrid(dets, limit)
}

func order(a, b Detection) int {
	return cmp.Or(
		cmp.Compare(b.Score, a.Score),
		cmp.Compare(a.Class, b.Class),
		cmp.Compare(a.Box.Y0, b.Box.Y0),
		cmp.Compare(a.Box.X0, b.Box.X0),
		cmp.Compare(a.Box.Y1, b.Box.Y1),
		cmp.Compare(a.Box.X1, b.Box.X1),
	)
}

func suppressAll(dets []Detection, limit float32) []Detection {
	n := 0
next:
	for _, d := range dets {
		for _, k := range dets[:n] {
			if k.Class == d.Class && k.Box.IoU(d.Box) > limit {
				continue next
			}
		}
		dets[n] = d
		n++
	}
	return dets[:n]
}

func (n *NMS) suppressGrid(dets []Detection, limit float32) []Detection {
	size := 1
	for size < 2*len(dets) {
		size *= 2
	}
	if len(n.heads) < size {
		n.heads = make([]int32, size)
	}
	if cap(n.next) < len(dets) {
		n.next = make([]int32, len(dets))
	}
	heads, next := n.heads[:size], n.next[:0]
	for i := range heads {
		heads[i] = -1
	}
	mask := uint64(size - 1)
	// Of two boxes with an IoU above the limit, neither's longer side is below
	// limit times the other's; along each axis the distance of the centres is
	// at most (w1+w2)/2 less the overlap that the limit asks for.
	levels := int(math.Ceil(-math.Log2(float64(limit))))
	reach := 1.001 * float64((1-limit)/(1+limit)/2) // more than IoU's rounding
	kept := 0
next:
	for _, d := range dets {
		own := level(d.Box)
		x, y := center(d.Box)
		w, h := float64(d.Box.X1)-float64(d.Box.X0), float64(d.Box.Y1)-float64(d.Box.Y0)
		for l := own - levels; l <= own+levels; l++ {
			cell := math.Ldexp(1, l)
			rx, ry := (w+2*cell)*reach, (h+2*cell)*reach
			x0, x1 := floor((x-rx)/cell), floor((x+rx)/cell)
			y0, y1 := floor((y-ry)/cell), floor((y+ry)/cell)
			for cy := y0; cy <= y1; cy++ {
				for cx := x0; cx <= x1; cx++ {
					for i := heads[hash(d.Class, l, cx, cy)&mask]; i >= 0; i = next[i] {
						if dets[i].Class == d.Class && dets[i].Box.IoU(d.Box) > limit {
							continue next
						}
					}
				}
			}
		}
		cell := math.Ldexp(1, own)
		slot := &heads[hash(d.Class, own, floor(x/cell), floor(y/cell))&mask]
		next = append(next, *slot)
		*slot = int32(kept)
		dets[kept] = d
		kept++
	}
	return dets[:kept]
}

// center is Box.Center in double precision: cells must not depend on rounding.
func center(b Box) (x, y float64) {
	return (float64(b.X0) + float64(b.X1)) / 2, (float64(b.Y0) + float64(b.Y1)) / 2
}

// floor returns no negative zero, which would hash to another cell than zero.
func floor(x float64) float64 { return math.Floor(x) + 0 }

// fitsGrid reports whether the box's cell numbers are exact in float64, as
// those of any box in a picture are.
func fitsGrid(b Box) bool {
	const far = 1 << 24
	return b.X0 > -far && b.Y0 > -far && b.X1 < far && b.Y1 < far && level(b) > -16
}

// level returns the exponent of the longer side: 2^level <= side < 2^(level+1).
func level(b Box) int {
	return math.Ilogb(max(float64(b.X1)-float64(b.X0), float64(b.Y1)-float64(b.Y0)))
}

// hash mixes a cell's coordinates with the finaliser of SplitMix64 (Steele,
// Lea, Flood 2014).
func hash(c Class, level int, x, y float64) uint64 {
	h := uint64(c)<<56 ^ uint64(level)<<48 ^ math.Float64bits(x)*0x9e3779b97f4a7c15 ^ math.Float64bits(y)*0xc2b2ae3d27d4eb4f
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
