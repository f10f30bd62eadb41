package main

import (
	"image"
	"math"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

// shot is what is kept of a frame that went out: not one pixel.
type shot struct {
	frame  int           // in decode order, from 1
	at     time.Duration // presentation time
	failed bool          // more was hidden than the policy asks
	mask   mask
}

// mask is a copy of a frame's mask: which blocks are hidden.
type mask struct {
	size   image.Point // of the picture, in pixels
	side   int         // of a block, in pixels
	w, h   int         // in blocks
	hidden []bool
}

func newMask(size image.Point, side int) mask {
	w, h := (size.X+side-1)/side, (size.Y+side-1)/side
	return mask{size: size, side: side, w: w, h: h, hidden: make([]bool, w*h)}
}

func copyMask(f redact.Frame) mask {
	c := f.Mask()
	g := newMask(f.Size(), c.Side())
	for y := range g.h {
		for x := range g.w {
			g.hidden[y*g.w+x] = c.At(x, y) != redact.Shown
		}
	}
	return g
}

// pixels returns the whole pixels that b touches inside a picture.
func pixels(b detect.Box, size image.Point) image.Rectangle {
	r := image.Rect(
		int(math.Floor(float64(b.X0))), int(math.Floor(float64(b.Y0))),
		int(math.Ceil(float64(b.X1))), int(math.Ceil(float64(b.Y1))))
	return r.Intersect(image.Rectangle{Max: size})
}

// block returns the pixels of the block in column x and row y.
func (g *mask) block(x, y int) image.Rectangle {
	return image.Rect(x*g.side, y*g.side, (x+1)*g.side, (y+1)*g.side).Intersect(image.Rectangle{Max: g.size})
}

// share returns the share of r's pixels that are hidden; r is not empty.
func (g *mask) share(r image.Rectangle) float64 {
	n := 0
	for y := r.Min.Y / g.side; y*g.side < r.Max.Y; y++ {
		for x := r.Min.X / g.side; x*g.side < r.Max.X; x++ {
			if g.hidden[y*g.w+x] {
				n += area(g.block(x, y).Intersect(r))
			}
		}
	}
	return float64(n) / float64(area(r))
}

func area(r image.Rectangle) int { return r.Dx() * r.Dy() }

// rest returns how many pixels lie in none of the boxes, and how many of them
// are hidden.
func (g *mask) rest(boxes []image.Rectangle) (pixels, hidden int) {
	asked := make([]bool, area(image.Rectangle{Max: g.size}))
	for _, r := range boxes {
		mark(asked, g.size.X, r)
	}
	for y := range g.size.Y {
		row := g.hidden[y/g.side*g.w:]
		for x, is := range asked[y*g.size.X:][:g.size.X] {
			if is {
				continue
			}
			pixels++
			if row[x/g.side] {
				hidden++
			}
		}
	}
	return pixels, hidden
}

// mark sets what lies in r, of rows of w.
func mark(set []bool, w int, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			set[y*w+x] = true
		}
	}
}
