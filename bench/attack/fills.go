package main

import (
	"fmt"
	"image"
	"math"
	"time"

	"gonum.org/v1/gonum/floats"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/i420"
	"github.com/hedgecam/hedge/redact"
)

// block is the unit of the areas that are looked at, in luma samples.
const block = 16

// way is how an object is hidden.
type way struct {
	solid bool // not frost
	known bool // the detectors found the object
	// direct is the side of cells that get the average of the current picture, as frost
	// did once. The warning examples are a mosaic of cells with this side, and a Gaussian
	// with this standard deviation. All are in luma samples.
	direct, mosaic int
	sigma          float64
}

// ours reports whether it is Hedge that hides.
func (w *way) ours() bool { return w.direct == 0 && w.mosaic == 0 && w.sigma == 0 }

// painter hides one object of a class, and all around it, in pictures of one size, as the
// default policy does. It keeps what a Redactor keeps between pictures.
type painter struct {
	way
	class    detect.Class
	redactor *redact.Redactor // nil if it is not Hedge that hides
}

func (w way) painter(class detect.Class, size image.Point) (*painter, error) {
	p := &painter{way: w, class: class}
	if !w.ours() {
		return p, nil
	}
	policy := redact.HideEverything()
	policy.Outside.Fill = redact.Frost
	if w.solid {
		policy.Outside.Fill = redact.Solid
	}
	var err error
	p.redactor, err = redact.New(policy, size, redact.DefaultOptions())
	return p, err
}

// paint hides the object and returns the area of whole blocks around it. An empty
// box is nobody.
func (p *painter) paint(pic *image.YCbCr, box detect.Box, at time.Duration) (image.Rectangle, error) {
	area := blocksAround(box.Grow(0.1, 0.1), pic.Rect)
	within := func(x, y int) bool { return image.Pt(x, y).In(area) }
	switch {
	case p.direct > 0:
		direct(pic, area, p.direct)
		return area, nil
	case p.mosaic > 0:
		mosaic(pic, area, within, p.mosaic)
		return area, nil
	case p.sigma > 0:
		gaussian(pic, area, within, p.sigma)
		return area, nil
	}
	s := redact.Scene{Time: at}
	if p.known && !box.Empty() {
		s.Objects = []detect.Object{{Class: p.class, Box: box, Padded: box, Score: 0.9, Confirmed: true}}
	}
	f, err := p.redactor.Redact(pic, s)
	if err != nil {
		return area, err
	}
	defer f.Release()
	// Measuring a fill that does not hide the object would be worth nothing.
	if f.Mask().HiddenOf(box) < 1 {
		return area, fmt.Errorf("the object at %v is not wholly hidden", box)
	}
	return area, nil
}

// blocksAround returns the area of the blocks that b touches.
func blocksAround(b detect.Box, in image.Rectangle) image.Rectangle {
	down := func(v float32) int { return int(math.Floor(float64(v)/block)) * block }
	up := func(v float32) int { return int(math.Ceil(float64(v)/block)) * block }
	return image.Rect(down(b.X0), down(b.Y0), up(b.X1), up(b.Y1)).Intersect(in)
}

// plane is a plane of a picture with the factor between luma and it.
type plane struct {
	i420.Plane
	shrink int
}

func planesOf(pic *image.YCbCr) (list [3]plane) {
	for i, p := range i420.Planes(pic) {
		list[i] = plane{p, 1 + min(i, 1)}
	}
	return list
}

// part returns an area of luma in the plane.
func (p *plane) part(r image.Rectangle) image.Rectangle {
	return image.Rect(r.Min.X/p.shrink, r.Min.Y/p.shrink, (r.Max.X+p.shrink-1)/p.shrink, (r.Max.Y+p.shrink-1)/p.shrink)
}

// hiding says which samples a fill hides, by the coordinates of luma.
type hiding func(x, y int) bool

func everywhere(int, int) bool { return true }

// each calls f with the samples of a part of the plane that are hidden.
func (p *plane) each(part image.Rectangle, hidden hiding, f func(x, y int, v *byte)) {
	part = part.Intersect(image.Rectangle{Max: p.Size})
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			if hidden(x*p.shrink, y*p.shrink) {
				f(x, y, &p.Samples[y*p.Stride+x])
			}
		}
	}
}

// cells calls f with the cells, on a grid fixed to the plane, that a part of it touches.
func (p *plane) cells(part image.Rectangle, side int, f func(cell image.Rectangle)) {
	part = part.Intersect(image.Rectangle{Max: p.Size})
	for y := part.Min.Y / side * side; y < part.Max.Y; y += side {
		for x := part.Min.X / side * side; x < part.Max.X; x += side {
			f(image.Rect(x, y, x+side, y+side))
		}
	}
}

// mosaic gives each cell of an area the average of its samples that are hidden. The cells'
// side is even.
func mosaic(pic *image.YCbCr, area image.Rectangle, hidden hiding, side int) {
	for _, p := range planesOf(pic) {
		p.cells(p.part(area), side/p.shrink, func(cell image.Rectangle) {
			sum, count := 0, 0
			p.each(cell, hidden, func(_, _ int, v *byte) { sum, count = sum+int(*v), count+1 })
			p.each(cell, hidden, func(_, _ int, v *byte) { *v = byte((sum + count/2) / count) })
		})
	}
}

// direct gives an area the linear interpolation of the means of the cells, each
// over all its samples in the picture at hand, rounded to 5 bits.
func direct(pic *image.YCbCr, area image.Rectangle, side int) {
	for _, p := range planesOf(pic) {
		n, part := side/p.shrink, p.part(area)
		cols, rows := (p.Size.X+n-1)/n, (p.Size.Y+n-1)/n
		means := make([]float64, cols*rows)
		// The cells around have a say in the area's edges.
		p.cells(part.Inset(-n), n, func(cell image.Rectangle) {
			var sum, count float64
			p.each(cell, everywhere, func(_, _ int, v *byte) { sum, count = sum+float64(*v), count+1 })
			means[cell.Min.Y/n*cols+cell.Min.X/n] = 8 * math.Round(sum/count/8)
		})
		at := func(cx, cy int) float64 { return means[min(max(cy, 0), rows-1)*cols+min(max(cx, 0), cols-1)] }
		p.each(part, everywhere, func(x, y int, v *byte) {
			*v = clamp(between((float64(x)+0.5)/float64(n)-0.5, (float64(y)+0.5)/float64(n)-0.5, at))
		})
	}
}

// between returns the linear interpolation, at a place, of what is known at whole numbers.
func between(u, v float64, at func(x, y int) float64) float64 {
	x, y := int(math.Floor(u)), int(math.Floor(v))
	u, v = u-float64(x), v-float64(y)
	return (1-v)*((1-u)*at(x, y)+u*at(x+1, y)) + v*((1-u)*at(x, y+1)+u*at(x+1, y+1))
}

// gaussian blurs what is hidden of an area.
func gaussian(pic *image.YCbCr, area image.Rectangle, hidden hiding, sigma float64) {
	for _, p := range planesOf(pic) {
		r, k := p.part(area), kernel(sigma/float64(p.shrink))
		n := len(k) / 2
		// Rows first, of all lines that the columns then need.
		y0, y1 := max(r.Min.Y-n, 0), min(r.Max.Y+n, p.Size.Y)
		rows := make([]float64, (y1-y0)*r.Dx())
		for y := y0; y < y1; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				for i, v := range k {
					rows[(y-y0)*r.Dx()+x-r.Min.X] += v * float64(p.Samples[y*p.Stride+min(max(x+i-n, 0), p.Size.X-1)])
				}
			}
		}
		p.each(r, hidden, func(x, y int, sample *byte) {
			var s float64
			for i, v := range k {
				s += v * rows[(min(max(y+i-n, y0), y1-1)-y0)*r.Dx()+x-r.Min.X]
			}
			*sample = clamp(s)
		})
	}
}

// kernel returns a Gaussian of three standard deviations to each side, of sum 1.
func kernel(sigma float64) []float64 {
	n := max(int(math.Ceil(3*sigma)), 1)
	k := make([]float64, 2*n+1)
	for i := range k {
		k[i] = math.Exp(-float64((i-n)*(i-n)) / (2 * sigma * sigma))
	}
	floats.Scale(1/floats.Sum(k), k)
	return k
}

func clamp[T float32 | float64](v T) byte { return byte(min(max(v+0.5, 0), 255)) }
