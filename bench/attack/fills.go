package main

import (
	"fmt"
	"image"
	"math"
	"time"

	"github.com/hedgecam/hedge/detect"
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
	switch {
	case p.direct > 0:
		direct(pic, area, p.direct)
		return area, nil
	case p.mosaic > 0:
		mosaic(pic, func(x, y int) bool { return image.Pt(x, y).In(area) }, p.mosaic)
		return area, nil
	case p.sigma > 0:
		gaussian(pic, area, p.sigma)
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

// direct gives an area the linear interpolation of the means of the cells, each
// over all its samples in the picture at hand, rounded to 5 bits.
func direct(pic *image.YCbCr, area image.Rectangle, cell int) {
	for _, p := range planesOf(pic) {
		w, h, n := (pic.Rect.Dx()+p.shrink-1)/p.shrink, (pic.Rect.Dy()+p.shrink-1)/p.shrink, cell/p.shrink
		cols, rows := (w+n-1)/n, (h+n-1)/n
		means := make([]float64, cols*rows)
		x0, y0 := area.Min.X/p.shrink, area.Min.Y/p.shrink
		x1, y1 := min((area.Max.X+p.shrink-1)/p.shrink, w), min((area.Max.Y+p.shrink-1)/p.shrink, h)
		for cy := max(y0/n-1, 0); cy < min(y1/n+2, rows); cy++ {
			for cx := max(x0/n-1, 0); cx < min(x1/n+2, cols); cx++ {
				sum, count := 0, 0
				for y := cy * n; y < min((cy+1)*n, h); y++ {
					for _, v := range p.pix[y*p.stride+cx*n : y*p.stride+min((cx+1)*n, w)] {
						sum += int(v)
						count++
					}
				}
				means[cy*cols+cx] = 8 * math.Round(float64(sum)/float64(count)/8)
			}
		}
		at := func(cx, cy int) float64 { return means[min(max(cy, 0), rows-1)*cols+min(max(cx, 0), cols-1)] }
		for y := y0; y < y1; y++ {
			v := (float64(y)+0.5)/float64(n) - 0.5
			cy := int(math.Floor(v))
			v -= float64(cy)
			for x := x0; x < x1; x++ {
				u := (float64(x)+0.5)/float64(n) - 0.5
				cx := int(math.Floor(u))
				u -= float64(cx)
				p.pix[y*p.stride+x] = clamp((1-v)*((1-u)*at(cx, cy)+u*at(cx+1, cy)) + v*((1-u)*at(cx, cy+1)+u*at(cx+1, cy+1)))
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
