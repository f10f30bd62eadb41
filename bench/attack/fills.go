package main

import (
	"fmt"
	"image"
	"math"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

// block is the side of a block of the cover in luma samples.
const block = 16

// painter hides one object in pictures of one size, in place. box is where the
// object is. It keeps what a Redactor keeps between pictures.
type painter struct {
	redactor *redact.Redactor
	class    detect.Class
	known    bool // the detectors found the object
	// coarser makes the cells larger, 2^coarser times: see coarsen.
	coarser int

	// The warning examples: a mosaic of cells of this side, or a Gaussian of
	// this standard deviation, both in luma samples.
	mosaic int
	sigma  float64
}

// newRedacting returns a painter that hides a found object of a class, or, if
// nothing was found, the whole picture, as the default policy does.
func newRedacting(fill redact.FillName, class detect.Class, known bool, size image.Point, hold time.Duration) (*painter, error) {
	p := redact.HideEverything()
	p.Outside.Fill = fill
	if known {
		p.Outside.Hide = redact.HideDetected
	}
	r, err := redact.New(p, size, redact.Options{FrostHold: hold})
	return &painter{redactor: r, class: class, known: known}, err
}

// paint hides the object and returns the area of whole blocks that it hid
// around it.
func (p *painter) paint(pic *image.YCbCr, box detect.Box, at time.Duration) (image.Rectangle, error) {
	area := blocksAround(box.Grow(0.1, 0.1), pic.Rect)
	switch {
	case p.mosaic > 0:
		mosaic(pic, func(x, y int) bool { return image.Pt(x, y).In(area) }, p.mosaic)
		return area, nil
	case p.sigma > 0:
		gaussian(pic, area, p.sigma)
		return area, nil
	}
	s := redact.Scene{Time: at}
	if p.known {
		s.Objects = []detect.Object{{Class: p.class, Box: box, Cover: box, Score: 0.9, Confirmed: true}}
	}
	if p.coarser > 0 {
		s.Objects = append(s.Objects, coarsen(pic.Rect.Size(), p.coarser))
	}
	f, err := p.redactor.Redact(pic, s)
	if err != nil {
		return area, err
	}
	defer f.Release()
	// A measurement of what is not hidden would be worth nothing.
	if f.Cover().HiddenOf(box) < 1 {
		return area, fmt.Errorf("the object at %v is not wholly hidden", box)
	}
	return area, nil
}

// newCoarser returns a painter that hides a found face in larger cells than a
// Redactor would choose, to show what that would give.
func newCoarser(coarser int, size image.Point) (*painter, error) {
	p := redact.HideEverything()
	p.Property = []redact.Polygon{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}}}
	p.Inside.Hide = []detect.Class{detect.Face}
	r, err := redact.New(p, size, redact.Options{})
	return &painter{redactor: r, class: detect.Face, known: true, coarser: coarser}, err
}

// coarsen returns a person on the property, whom nobody hides, so large that the
// cells all over the picture are 2^k times as large: a person's short side spans
// at most 6.
func coarsen(size image.Point, k int) detect.Object {
	cell := float32((size.Y+128)/256) * block
	side := cell * 6 * float32(int(1)<<k)
	b := detect.Box{X0: (float32(size.X) - side) / 2, Y0: 0, X1: (float32(size.X) + side) / 2, Y1: max(side, float32(size.Y))}
	return detect.Object{ID: 2, Class: detect.Person, Box: b, Cover: b, Score: 0.9, Confirmed: true}
}

// blocksAround returns the blocks that b touches.
func blocksAround(b detect.Box, in image.Rectangle) image.Rectangle {
	down := func(v float32) int { return int(math.Floor(float64(v)/block)) * block }
	up := func(v float32) int { return int(math.Ceil(float64(v)/block)) * block }
	return image.Rect(down(b.X0), down(b.Y0), up(b.X1), up(b.Y1)).Intersect(in)
}

// planeOf is a plane of a picture with the factor between luma and it.
type planeOf struct {
	pix    []byte
	stride int
	shrink int
}

func planesOf(pic *image.YCbCr) [3]planeOf {
	return [3]planeOf{{pic.Y, pic.YStride, 1}, {pic.Cb, pic.CStride, 2}, {pic.Cr, pic.CStride, 2}}
}

// mosaic gives each cell, on a grid fixed to the picture, the average of its
// samples that are hidden. cell is even.
func mosaic(pic *image.YCbCr, hidden func(x, y int) bool, cell int) {
	for _, p := range planesOf(pic) {
		w, h, n := (pic.Rect.Dx()+p.shrink-1)/p.shrink, (pic.Rect.Dy()+p.shrink-1)/p.shrink, cell/p.shrink
		for cy := 0; cy < h; cy += n {
			for cx := 0; cx < w; cx += n {
				sum, count := 0, 0
				for y := cy; y < min(cy+n, h); y++ {
					for x := cx; x < min(cx+n, w); x++ {
						if hidden(x*p.shrink, y*p.shrink) {
							sum += int(p.pix[y*p.stride+x])
							count++
						}
					}
				}
				if count == 0 {
					continue
				}
				v := byte((sum + count/2) / count)
				for y := cy; y < min(cy+n, h); y++ {
					for x := cx; x < min(cx+n, w); x++ {
						if hidden(x*p.shrink, y*p.shrink) {
							p.pix[y*p.stride+x] = v
						}
					}
				}
			}
		}
	}
}

// gaussian blurs an area.
func gaussian(pic *image.YCbCr, area image.Rectangle, sigma float64) {
	for _, p := range planesOf(pic) {
		r := image.Rect(area.Min.X/p.shrink, area.Min.Y/p.shrink, (area.Max.X+p.shrink-1)/p.shrink, (area.Max.Y+p.shrink-1)/p.shrink)
		k := kernel(sigma / float64(p.shrink))
		w, h := (pic.Rect.Dx()+p.shrink-1)/p.shrink, (pic.Rect.Dy()+p.shrink-1)/p.shrink
		n := len(k) / 2
		// Rows first, of all lines that the columns then need.
		y0, y1 := max(r.Min.Y-n, 0), min(r.Max.Y+n, h)
		rows := make([]float64, (y1-y0)*r.Dx())
		for y := y0; y < y1; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				var s float64
				for i, v := range k {
					s += v * float64(p.pix[y*p.stride+min(max(x+i-n, 0), w-1)])
				}
				rows[(y-y0)*r.Dx()+x-r.Min.X] = s
			}
		}
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				var s float64
				for i, v := range k {
					s += v * rows[(min(max(y+i-n, y0), y1-1)-y0)*r.Dx()+x-r.Min.X]
				}
				p.pix[y*p.stride+x] = clamp(s)
			}
		}
	}
}

// kernel returns a Gaussian of three standard deviations to each side, of sum 1.
func kernel(sigma float64) []float64 {
	n := max(int(math.Ceil(3*sigma)), 1)
	k := make([]float64, 2*n+1)
	var s float64
	for i := range k {
		k[i] = math.Exp(-float64((i-n)*(i-n)) / (2 * sigma * sigma))
		s += k[i]
	}
	for i := range k {
		k[i] /= s
	}
	return k
}

func clamp[T float32 | float64](v T) byte { return byte(min(max(v+0.5, 0), 255)) }
