package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/network"
	"github.com/hedgecam/hedge/detect/onnx"
	"github.com/hedgecam/hedge/internal/onnxgraph"
	"github.com/hedgecam/hedge/models"
)

// export returns the model as a graph for pictures of that size that ends at its heads'
// maps, called people_8 and so on, with everything constant computed and no value of more
// than four dimensions.
func export(m models.Model, weights []byte, size image.Point) ([]byte, error) {
	if m.NPU == nil {
		return nil, fmt.Errorf("%s: it is not known where it ends for an NPU; hedge-n and hedge-p can be had", m.Name)
	}
	if !m.Input.Allows(size.X, size.Y) {
		return nil, fmt.Errorf("%s: %v is no size of its input", m.Name, size)
	}
	ends := map[string]string{}
	for output, values := range m.NPU.Maps {
		for i, stride := range []int{8, 16, 32} {
			ends[fmt.Sprintf("%s_%d", output, stride)] = values[i]
		}
	}
	heads, err := onnxgraph.Ends(weights, ends)
	if err != nil {
		return nil, err
	}
	if heads, err = onnxgraph.FixInput(heads, m.Input.Name, []int64{1, 3, int64(size.Y), int64(size.X)}); err != nil {
		return nil, err
	}
	if heads, err = onnx.Fold(heads); err != nil {
		return nil, err
	}
	return onnxgraph.Flatten(heads)
}

func operators(model []byte) (map[string]int, error) { return onnxgraph.Operators(model) }

// difference is how far what two networks find is apart.
type difference struct {
	boxes  int
	pixels float64 // of any side
	score  float64
	least  float32 // overlap of a box with that of maps in bytes
	more   int     // boxes of maps in bytes
}

// pair is a network and its heads, opened.
type pair struct {
	whole, heads *network.Network
	bytes        bool // the heads' maps go through bytes, as an NPU's do
}

func (p *pair) Close() error {
	err := p.whole.Close()
	if p.heads != nil {
		err = errors.Join(err, p.heads.Close())
	}
	return err
}

// openPair opens both at the model's thresholds, for pictures of full range.
func openPair(m models.Model, weights, heads []byte) (p *pair, err error) {
	c := network.Config{Name: m.Name, Family: network.Hedge, Input: m.Input.Form(), MaxIoU: detect.DefaultMaxIoU, FullRange: true}
	for _, k := range m.Classes {
		c.MinScore[k.Class] = k.Threshold
	}
	p = &pair{}
	session := func(graph []byte, outputs []string) (network.Session, error) {
		s, err := onnx.Open(onnx.Config{Name: m.Name, Model: graph, Outputs: outputs, InputSize: image.Pt(m.Input.Width, m.Input.Height)})
		if err != nil {
			return nil, err // and no session that holds a nil one
		}
		return s, nil
	}
	p.whole, err = network.New(func(outputs ...string) (network.Session, error) { return session(weights, outputs) }, c)
	if err != nil {
		return nil, err
	}
	c.Family, c.Faces = network.HedgeMaps, m.NPU.Faces()
	p.heads, err = network.New(func(outputs ...string) (network.Session, error) {
		s, err := session(heads, outputs)
		if err != nil {
			return nil, err
		}
		return bytewise{s, &p.bytes}, nil
	}, c)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// compare has the network and its heads look at the JPEG picture at path. Another number
// of boxes, or boxes of other classes, are an error.
func (p *pair) compare(ctx context.Context, path string) (d difference, err error) {
	pic, err := open(path)
	if err != nil {
		return d, err
	}
	whole, err := p.whole.Detect(ctx, pic, nil)
	if err != nil {
		return d, err
	}
	p.bytes = false
	heads, err := p.heads.Detect(ctx, pic, nil)
	if err != nil {
		return d, err
	}
	d.boxes = len(whole)
	if len(whole) != len(heads) {
		return d, fmt.Errorf("%s finds %d boxes, its heads %d", p.whole.Name(), len(whole), len(heads))
	}
	for i, a := range whole {
		b := heads[i]
		if a.Class != b.Class {
			return d, fmt.Errorf("%s finds a %v at %v, its heads a %v at %v", p.whole.Name(), a.Class, a.Box, b.Class, b.Box)
		}
		for _, v := range []float32{a.Box.X0 - b.Box.X0, a.Box.Y0 - b.Box.Y0, a.Box.X1 - b.Box.X1, a.Box.Y1 - b.Box.Y1} {
			d.pixels = max(d.pixels, math.Abs(float64(v)))
		}
		d.score = max(d.score, math.Abs(float64(a.Score-b.Score)))
	}
	p.bytes = true
	rough, err := p.heads.Detect(ctx, pic, nil)
	d.more, d.least = len(rough)-len(heads), 1
	for _, a := range heads {
		best := float32(0)
		for _, b := range rough {
			if a.Class == b.Class {
				best = max(best, a.Box.IoU(b.Box))
			}
		}
		d.least = min(d.least, best)
	}
	return d, err
}

// bytewise is a session whose outputs, if on says so, have been bytes, as an NPU's: 256
// steps over what each holds.
type bytewise struct {
	network.Session
	on *bool
}

func (s bytewise) Run(ctx context.Context) error {
	if err := s.Session.Run(ctx); err != nil || !*s.on {
		return err
	}
	for _, o := range s.Outputs() {
		low, high := slices.Min(o.Data), slices.Max(o.Data)
		if step := (high - low) / 255; step > 0 {
			for i, v := range o.Data {
				o.Data[i] = low + step*float32(math.Round(float64((v-low)/step)))
			}
		}
	}
	return nil
}
