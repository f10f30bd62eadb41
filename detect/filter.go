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
// The time is near-linear in the number of boxes for any overlap of at least
// 0.1: boxes kept are looked up on a grid of cells as large as the box, so that
// each new one meets only neighbours of a size that it can overlap enough.
type NMS struct {
	heads  []int32                       // hash table of chains through next, by cell
	next   []int32                       // of each box kept: the one before it in its chain, or -1
	levels [maxLevel - minLevel + 1]bool // levels on which there are boxes
}

// Levels, see level, of boxes that the grid takes.
const minLevel, maxLevel = -16, 25

// bruteForce is the number of boxes kept up to which comparing with all of them
// is faster than looking on the grid.
const bruteForce = 128

// Apply sorts dets by falling score, drops in place what is suppressed, and boxes
// that are empty or not finite, and returns what is left. Of two boxes of a class
// whose intersection over union is above maxIoU, 0..1, the lower scored one is
// suppressed; [DefaultMaxIoU] suits most networks. Equal scores are ordered by class
// and place, so that the result does not depend on the order of the input.
func (n *NMS) Apply(dets []Detection, maxIoU float32) []Detection {
	kept, onGrid := 0, maxIoU >= 0.1
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
	if !onGrid {
		return suppressAll(dets, maxIoU)
	}
	return n.suppress(dets, maxIoU)
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

// overlaps reports whether d is suppressed by one of the boxes kept.
func overlaps(kept []Detection, d *Detection, limit float32) bool {
	for i := range kept {
		if k := &kept[i]; k.Class == d.Class && k.Box.IoU(d.Box) > limit {
			return true
		}
	}
	return false
}

// suppressAll compares all pairs.
func suppressAll(dets []Detection, limit float32) []Detection {
	kept := 0
	for _, d := range dets {
		if !overlaps(dets[:kept], &d, limit) {
			dets[kept] = d
			kept++
		}
	}
	return dets[:kept]
}

// suppress compares with all boxes kept while those are few, and then on the
// grid.
func (n *NMS) suppress(dets []Detection, limit float32) []Detection {
	kept, grid := 0, false
	for _, d := range dets {
		if kept == bruteForce && !grid {
			n.reset(len(dets))
			for i := range dets[:kept] {
				n.insert(dets[i], i)
			}
			grid = true
		}
		if grid && n.overlaps(dets, &d, limit) || !grid && overlaps(dets[:kept], &d, limit) {
			continue
		}
		if grid {
			n.insert(d, kept)
		}
		dets[kept] = d
		kept++
	}
	return dets[:kept]
}

// reset empties the grid and makes room for count boxes.
func (n *NMS) reset(count int) {
	size := 1
	for size < 2*count {
		size *= 2
	}
	n.heads = slices.Grow(n.heads[:0], size)[:size]
	n.next = slices.Grow(n.next[:0], count)
	for i := range n.heads {
		n.heads[i] = -1
	}
	n.levels = [len(n.levels)]bool{}
}

func (n *NMS) slot(c Class, level int, x, y float64) *int32 {
	return &n.heads[hash(c, level, x, y)&uint64(len(n.heads)-1)]
}

// insert puts the i'th box kept on the grid, in the cell of its centre.
func (n *NMS) insert(d Detection, i int) {
	l := level(d.Box)
	inv := math.Ldexp(1, -l)
	x, y := center(d.Box)
	slot := n.slot(d.Class, l, floor(x*inv), floor(y*inv))
	n.next = append(n.next, *slot)
	*slot = int32(i)
	n.levels[l-minLevel] = true
}

// overlaps reports whether d is suppressed by a box on the grid. Of two boxes
// with an IoU above the limit, neither's longer side is below limit times the
// other's; along each axis their centres are apart by at most (w1+w2)/2 less the
// overlap that the limit asks for.
func (n *NMS) overlaps(dets []Detection, d *Detection, limit float32) bool {
	span := int(math.Ceil(-math.Log2(float64(limit))))
	reach := 1.001 * float64((1-limit)/(1+limit)/2) // more than IoU's rounding
	own := level(d.Box)
	x, y := center(d.Box)
	w, h := float64(d.Box.X1)-float64(d.Box.X0), float64(d.Box.Y1)-float64(d.Box.Y0)
	for l := max(own-span, minLevel); l <= min(own+span, maxLevel); l++ {
		if !n.levels[l-minLevel] {
			continue
		}
		cell, inv := math.Ldexp(1, l), math.Ldexp(1, -l)
		rx, ry := (w+2*cell)*reach, (h+2*cell)*reach
		x0, x1 := floor((x-rx)*inv), floor((x+rx)*inv)
		y0, y1 := floor((y-ry)*inv), floor((y+ry)*inv)
		for cy := y0; cy <= y1; cy++ {
			for cx := x0; cx <= x1; cx++ {
				for i := *n.slot(d.Class, l, cx, cy); i >= 0; i = n.next[i] {
					if k := &dets[i]; k.Class == d.Class && k.Box.IoU(d.Box) > limit {
						return true
					}
				}
			}
		}
	}
	return false
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
	return b.X0 > -far && b.Y0 > -far && b.X1 < far && b.Y1 < far && level(b) >= minLevel
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
