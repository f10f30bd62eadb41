package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os/exec"
)

// side is the side of a cell in pixels, and flat the standard deviation of luma
// under which a cell has nothing to hide. kept is the share of a cell's detail
// from which on it counts as visible.
const (
	side = 8
	flat = 3
	kept = 0.5
)

// count says how many objects of a class leak.
type count struct {
	Boxes         int     `json:"boxes"`
	Leaked        int     `json:"leaked"`
	Rate          float64 `json:"leak_rate"`
	Tracks        int     `json:"tracks"`
	TracksLeaking int     `json:"tracks_leaking"`
	LongestRun    int     `json:"longest_run"`
	Unjudged      int     `json:"without_detail"`

	runs map[int]int // by track: leaked frames in a row up to now
	leak map[int]bool
}

// limit is the share of an object's detail that must be gone.
func limit(class string) float64 {
	if class == "person" || class == "head" {
		return 0.8
	}
	return 0.9
}

// visible reports whether the detail of a cell of the input can be seen in the
// output; judged is false for a cell without detail. Both are luma of one
// stride. Detail is what is left when the plane that fits best is taken off:
// every blur keeps an even slope, which shows nothing.
func visible(in, out []byte, stride int) (seen, judged bool) {
	const n = side * side
	// Sums of samples, and of samples times twice the distance from the centre.
	var si, so, xi, xo, yi, yo, ii, io int
	for y := range side {
		for x := range side {
			a, b := int(in[y*stride+x]), int(out[y*stride+x])
			cx, cy := 2*x-side+1, 2*y-side+1
			si, so = si+a, so+b
			xi, xo = xi+cx*a, xo+cx*b
			yi, yo = yi+cy*a, yo+cy*b
			ii, io = ii+a*a, io+a*b
		}
	}
	const xx = n * (n - 1) / 3 // the sum of cx*cx, and of cy*cy
	variance := float64(ii) - float64(si*si)/n - float64(xi*xi+yi*yi)/xx
	if variance < flat*flat*n {
		return false, false
	}
	return float64(io)-float64(si*so)/n-float64(xi*xo+yi*yo)/xx >= kept*variance, true
}

// gone returns the share of the cells in an area of which the detail is gone. ok
// is false if none has any.
func gone(in, out []byte, size image.Point, area image.Rectangle) (share float64, ok bool) {
	area = area.Intersect(image.Rectangle{Max: size})
	hidden, all := 0, 0
	// Cells whose centre is in the area.
	for y := (area.Min.Y + side/2) / side; y*side+side/2 < area.Max.Y; y++ {
		for x := (area.Min.X + side/2) / side; x*side+side/2 < area.Max.X; x++ {
			if (x+1)*side > size.X || (y+1)*side > size.Y {
				continue
			}
			i := y*side*size.X + x*side
			seen, judged := visible(in[i:], out[i:], size.X)
			if judged {
				all++
				if !seen {
					hidden++
				}
			}
		}
	}
	if all == 0 {
		return 0, false
	}
	return float64(hidden) / float64(all), true
}

// tally compares one frame with its labels.
func tally(counts map[string]*count, in, out []byte, size image.Point, boxes []box) {
	for _, b := range boxes {
		c := counts[b.class]
		if c == nil {
			c = &count{runs: map[int]int{}, leak: map[int]bool{}}
			counts[b.class] = c
		}
		share, ok := gone(in, out, size, b.area)
		if !ok {
			c.Unjudged++
			continue
		}
		c.Boxes++
		if _, ok := c.leak[b.track]; !ok {
			c.leak[b.track] = false
		}
		if share >= limit(b.class) {
			c.runs[b.track] = 0
			continue
		}
		c.Leaked++
		c.leak[b.track] = true
		c.runs[b.track]++
		c.LongestRun = max(c.LongestRun, c.runs[b.track])
	}
}

func finish(counts map[string]*count) {
	for _, c := range counts {
		c.Rate = float64(c.Leaked) / float64(max(c.Boxes, 1))
		c.Tracks = len(c.leak)
		for _, leaks := range c.leak {
			if leaks {
				c.TracksLeaking++
			}
		}
	}
}

// compare counts what leaks in an output, and which share of the cells that no
// label asks for has lost its detail. change, if not nil, changes the pictures
// of the output first.
func compare(ctx context.Context, c *clip, out string, change func(frame int, luma []byte)) (counts map[string]*count, rest float64, err error) {
	a, stopA, err := decode(ctx, c.path, c.size)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, stopA()) }()
	b, stopB, err := decode(ctx, out, c.size)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, stopB()) }()
	counts = map[string]*count{}
	x, y := make([]byte, c.size.X*c.size.Y), make([]byte, c.size.X*c.size.Y)
	hidden, all := 0, 0
	for frame := 1; ; frame++ {
		if _, err := io.ReadFull(a, x); err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			return nil, 0, fmt.Errorf("input: %w", err)
		}
		if _, err := io.ReadFull(b, y); err != nil {
			return nil, 0, fmt.Errorf("output, frame %d: %w", frame, err)
		}
		if change != nil {
			change(frame, y)
		}
		boxes := c.labels[frame]
		tally(counts, x, y, c.size, boxes)
		h, n := outside(x, y, c.size, boxes)
		hidden, all = hidden+h, all+n
	}
	finish(counts)
	return counts, float64(hidden) / float64(max(all, 1)), nil
}

// outside counts the cells with detail that touch no box, and those of them that
// lost it.
func outside(in, out []byte, size image.Point, boxes []box) (hidden, all int) {
	for y := 0; y+side <= size.Y; y += side {
	cells:
		for x := 0; x+side <= size.X; x += side {
			r := image.Rect(x, y, x+side, y+side)
			for _, b := range boxes {
				if b.area.Overlaps(r) {
					continue cells
				}
			}
			i := y*size.X + x
			if seen, judged := visible(in[i:], out[i:], size.X); judged {
				all++
				if !seen {
					hidden++
				}
			}
		}
	}
	return hidden, all
}

// decode starts to read a file's luma, frame by frame without gaps or repeats,
// at a size. stop ends it.
func decode(ctx context.Context, path string, size image.Point) (r io.Reader, stop func() error, err error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:v:0", "-vsync", "passthrough",
		"-vf", fmt.Sprintf("scale=%d:%d:flags=bicubic", size.X, size.Y), "-f", "rawvideo", "-pix_fmt", "gray", "-")
	r, err = cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, nil, err
	}
	return r, func() error {
		cancel()
		// It was told to end, so how it ended says nothing.
		if err := cmd.Wait(); err != nil && ctx.Err() == nil {
			return err
		}
		return nil
	}, nil
}
