package network

import (
	"context"
	"fmt"
	"image"
	"sync"

	"github.com/hedgecam/hedge/detect"
)

// SilhouetteFamily is the name, in the models' manifest, of networks that a [Segmenter]
// is made of: one picture in, one value of 0..1 for each of its pixels out.
const SilhouetteFamily = "silhouette"

// segmentContext is how much of the picture around the person's box a Segmenter looks at,
// on each side, as a share of the box's width and height.
const segmentContext = 0.25

// Segmenter is a network that tells people from what is behind them, and the session
// that runs it. It implements [detect.Segmenter].
type Segmenter struct {
	name   string
	mu     sync.Mutex
	closed bool
	s      Session
	in     *input
	out    []float32
}

// NewSegmenter makes a Segmenter that runs in the session that open gives. The network
// has one output, of as many values as its input has pixels. The error is open's or a
// [*ConfigError].
func NewSegmenter(open Opener, name string, in Input, fullRange bool) (*Segmenter, error) {
	if name == "" {
		return nil, &ConfigError{name, "it has no name"}
	}
	s, err := open()
	if err != nil {
		return nil, err
	}
	g := &Segmenter{name: name, s: s}
	if g.in, err = newInput(s.Input(), in, fullRange); err == nil {
		err = g.fit(s.Outputs())
	}
	if err != nil {
		_ = s.Close() // the reason why is told
		return nil, &ConfigError{name, err.Error()}
	}
	return g, nil
}

// fit holds the session's outputs against what they must be.
func (g *Segmenter) fit(outs []Tensor) error {
	if len(outs) != 1 {
		return fmt.Errorf("it has %d outputs, and not one", len(outs))
	}
	want := output{outs[0].Name, []int64{1, 1, int64(g.in.size.Y), int64(g.in.size.X)}, 0}
	if err := want.check(outs[0]); err != nil {
		return err
	}
	g.out = outs[0].Data
	return nil
}

// Name implements [detect.Segmenter].
func (g *Segmenter) Name() string { return g.name }

// Segment implements [detect.Segmenter].
func (g *Segmenter) Segment(ctx context.Context, pic *image.YCbCr, box detect.Box, s *detect.Silhouette) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return detect.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if pic == nil || !box.Finite() {
		return detect.ErrPicture
	}
	region := around(box, pic.Rect)
	part, ok := pic.SubImage(region).(*image.YCbCr)
	if !ok || region.Empty() {
		return detect.ErrPicture
	}
	if _, err := g.in.prepare(part); err != nil {
		return err
	}
	poison(g.out)
	if err := g.s.Run(ctx); err != nil {
		return err
	}
	return g.read(fit(g.in.size, region.Size()), region, s)
}

// around returns the part of the picture that is looked at for a person in box. Its
// corner is on the chroma grid.
func around(box detect.Box, pic image.Rectangle) image.Rectangle {
	b := box.Grow(segmentContext, segmentContext).Intersect(detect.Box{
		X0: float32(pic.Min.X), Y0: float32(pic.Min.Y), X1: float32(pic.Max.X), Y1: float32(pic.Max.Y)})
	if b.Empty() {
		return image.Rectangle{}
	}
	// Both corners are inside of the picture, or on its border.
	r := image.Rect(int(b.X0), int(b.Y0), int(b.X1)+1, int(b.Y1)+1).Intersect(pic)
	r.Min.X -= (r.Min.X - pic.Min.X) % 2
	r.Min.Y -= (r.Min.Y - pic.Min.Y) % 2
	return r
}

// read fills s with the output, of which the region fills the first size values of each
// row and column.
func (g *Segmenter) read(size image.Point, region image.Rectangle, s *detect.Silhouette) error {
	if !finite(g.out) {
		return &detect.OutputError{Network: g.name, Reason: "it has values that are not finite"}
	}
	*s = detect.Silhouette{
		Region:  detect.Box{X0: float32(region.Min.X), Y0: float32(region.Min.Y), X1: float32(region.Max.X), Y1: float32(region.Max.Y)},
		Columns: size.X, Rows: size.Y, Cells: s.Cells[:0],
	}
	for y := range size.Y {
		for _, v := range g.out[y*g.in.size.X:][:size.X] {
			if v < -0.001 || v > 1.001 {
				return &detect.OutputError{Network: g.name, Reason: fmt.Sprintf("value %v is not within 0..1", v)}
			}
			s.Cells = append(s.Cells, uint8(min(max(v, 0), 1)*255+0.5))
		}
	}
	return nil
}

// Close implements [detect.Segmenter].
func (g *Segmenter) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	return g.s.Close()
}
