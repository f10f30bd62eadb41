package pipeline

import (
	"slices"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/track"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

const (
	// dynamicCells is the number of cells along the longer side of the grid on which
	// the motion of a whole recording is summed up.
	dynamicCells = 64
	// dynamicShare is the least share of the pictures with nobody near, 0..1, with
	// unexplained motion in a dynamic cell. dynamicTenths is the least number of the
	// recording's tenths with such a picture.
	dynamicShare, dynamicTenths = 0.2, 7
	// dynamicLeast is the least number of pictures of a recording with dynamic cells, and of
	// those with nobody near such a cell.
	dynamicLeast = 50
	// nearby is how far from somebody, as a share of their longer side, what moves may be
	// somebody else beside them, whom nobody found. It says nothing of the place.
	nearby = 0.5
)

// dynamicBackground are the cells of the picture that move for much of a recording though
// nobody is near and the networks, which looked there all the time, found nothing: trees,
// flags, water.
type dynamicBackground struct {
	cell    float32 // side in pixels; 0: nothing is known
	w, h    int
	count   []int    // pictures with unexplained motion, and nobody near
	alone   []int    // pictures with nobody near
	tenths  []uint16 // in which tenths of the recording there was such motion
	ignored []bool   // it is dynamic: motion in it is ignored
	stamp   []int    // picture in which it was counted last, plus 1
	near    []int    // picture in which somebody was near last, plus 1
}

// sumMotion sums up the motion that no track explains.
func (d *Decision) sumMotion() error {
	size := d.ev.header.Size
	g := &d.dynamic
	g.cell = float32(max(size.X, size.Y)) / dynamicCells
	g.w, g.h = int(float32(size.X)/g.cell)+1, int(float32(size.Y)/g.cell)+1
	n := g.w * g.h
	g.count, g.alone, g.stamp, g.near = make([]int, n), make([]int, n), make([]int, n), make([]int, n)
	g.tenths, g.ignored = make([]uint16, n), make([]bool, n)
	if d.ev.frames < dynamicLeast {
		return nil
	}
	var objects []detect.Object
	var open []detect.Box
	err := d.ev.each(func(i int, f *evidence.Frame) error {
		objects = d.objects(i, f.Time, objects[:0])
		g.markNear(i, objects)
		open = g.unexplained(f.Moved, d.explaining(i, objects), open[:0])
		for _, b := range open {
			if !g.cells(b, func(k int) bool { return g.near[k] != i+1 }) {
				continue
			}
			g.cells(b, func(k int) bool {
				if g.stamp[k] != i+1 {
					g.stamp[k] = i + 1
					g.count[k]++
					g.tenths[k] |= 1 << (10 * i / d.ev.frames)
				}
				return true
			})
		}
		return nil
	})
	for k, c := range g.count {
		tenths := 0
		for t := g.tenths[k]; t != 0; t &= t - 1 {
			tenths++
		}
		if g.alone[k] < dynamicLeast || float64(c) < dynamicShare*float64(g.alone[k]) || tenths < dynamicTenths {
			continue
		}
		// What stirs reaches a little further now and then.
		for y := max(k/g.w-1, 0); y <= min(k/g.w+1, g.h-1); y++ {
			for x := max(k%g.w-1, 0); x <= min(k%g.w+1, g.w-1); x++ {
				g.ignored[y*g.w+x] = true
			}
		}
	}
	return err
}

// markNear notes the cells near which somebody is in picture i, and counts it for the others.
func (g *dynamicBackground) markNear(i int, objects []detect.Object) {
	for _, o := range objects {
		if o.Class != detect.Person && o.Class != detect.Face {
			continue
		}
		b := o.Padded
		m := nearby * max(b.W(), b.H())
		g.cells(detect.Box{X0: b.X0 - m, Y0: b.Y0 - m, X1: b.X1 + m, Y1: b.Y1 + m}, func(k int) bool {
			g.near[k] = i + 1
			return true
		})
	}
	for k, near := range g.near {
		if near != i+1 {
			g.alone[k]++
		}
	}
}

// cells calls do with the cells that b touches until it returns false, and reports
// whether it never did.
func (g *dynamicBackground) cells(b detect.Box, do func(k int) bool) bool {
	if g.cell == 0 {
		return false
	}
	x0, y0 := max(int(b.X0/g.cell), 0), max(int(b.Y0/g.cell), 0)
	x1, y1 := min(int(b.X1/g.cell), g.w-1), min(int(b.Y1/g.cell), g.h-1)
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			if !do(y*g.w + x) {
				return false
			}
		}
	}
	return true
}

// unexplained appends the patches that no object explains and that do not lie
// wholly in dynamic places.
func (g *dynamicBackground) unexplained(moved []detect.Box, objects []detect.Object, dst []detect.Box) []detect.Box {
	for _, b := range moved {
		if explainedBy(b, objects, true) || g.cells(b, func(k int) bool { return g.ignored[k] }) {
			continue
		}
		dst = append(dst, b)
	}
	return dst
}

// movesFrom is the share of its shorter side that a vehicle must move within carriedOver
// pictures to explain what moves before it: one that stands does not move as that.
const movesFrom = 0.05

// explaining takes out of objects, those of picture i, the vehicles that stand, and adds
// what reviewers have taken out.
func (d *Decision) explaining(i int, objects []detect.Object) []detect.Object {
	var before []detect.Object
	var camera track.Affine // from where before is
	objects = slices.Clone(objects)
	for k := range objects {
		o := &objects[k]
		m := track.DefaultLinkerClass(o.Class).Margin
		m = -m / (1 + 2*m)
		o.Padded = o.Padded.Grow(m, m) // what is beside somebody moves by itself
	}
	return slices.DeleteFunc(d.shown(i, d.moments[i].at, objects), func(o detect.Object) bool {
		if o.Class != detect.Vehicle {
			return false
		}
		if before == nil {
			j := max(i-carriedOver, 0)
			before, camera = d.objects(j, d.moments[j].at, nil), d.Tracks.Camera(j, i)
		}
		for k := range before {
			if was := &before[k]; was.ID == o.ID && was.Class == o.Class {
				return d.displacement(was.Box, o.Box, camera) < movesFrom*o.Box.Short()
			}
		}
		return true
	})
}

// displacement returns how far a thing has moved from one picture to another besides what the
// camera did, by those of its sides that lie within both pictures: at the edge a side is that
// of the picture.
func (d *Decision) displacement(was, now detect.Box, camera track.Affine) float32 {
	const edge = 2
	size := d.ev.header.Size
	moved := camera.Box(was)
	axis := func(was, moved, now [2]float32, end int) (far float32) {
		n := float32(0)
		for i := range now {
			if min(was[i], now[i]) > edge && max(was[i], now[i]) < float32(end-edge) {
				far += max(now[i]-moved[i], moved[i]-now[i])
				n++
			}
		}
		return far / max(n, 1)
	}
	return axis([2]float32{was.X0, was.X1}, [2]float32{moved.X0, moved.X1}, [2]float32{now.X0, now.X1}, size.X) +
		axis([2]float32{was.Y0, was.Y1}, [2]float32{moved.Y0, moved.Y1}, [2]float32{now.Y0, now.Y1}, size.Y)
}
