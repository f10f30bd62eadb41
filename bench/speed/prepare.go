package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/hedgecam/hedge/bench/internal/reach"
	"github.com/hedgecam/hedge/internal/pixel"
)

var networkInput = image.Pt(640, 384)

// preparation scales pictures for the networks' input as detect/onnx does, and
// fills as many tensors as asked for.
type preparation struct {
	scaler  pixel.Scaler
	small   *image.YCbCr
	tensors [][]float32
	input   image.Point
}

func newPreparation(from, input image.Point, tensors int) *preparation {
	fit := image.Pt(input.X, min(input.Y, input.X*from.Y/from.X&^1))
	p := &preparation{small: image.NewYCbCr(image.Rectangle{Max: fit}, image.YCbCrSubsampleRatio420), input: input}
	for range tensors {
		p.tensors = append(p.tensors, make([]float32, 3*input.X*input.Y))
	}
	return p
}

func (p *preparation) run(pic *image.YCbCr) error {
	if err := p.scaler.Scale(p.small, pic); err != nil {
		return err
	}
	for _, t := range p.tensors {
		if err := pixel.FillBGR(t, p.input.X, p.input.Y, p.small, image.Point{}, false); err != nil {
			return err
		}
	}
	return nil
}

// measurePrepare measures what lies between the frame and the networks.
func measurePrepare(ctx context.Context, s *suite) (err error) {
	src, pic := noise(fullHD, 1), noise(fullHD, 2)
	var chains []*chain
	defer func() {
		for _, c := range chains {
			err = errors.Join(err, c.close())
		}
	}()
	for range 3 {
		c, err := newChain(src, networkInput)
		if err != nil {
			return err
		}
		chains = append(chains, c)
	}
	shared, apart := newPreparation(fullHD, networkInput, 1), newPreparation(fullHD, networkInput, 3)
	took, err := sides(s.budget(3*time.Second),
		does(func() { copyPicture(pic, src) }),
		func() error { return shared.run(pic) },
		func() error { return apart.run(pic) },
		func() error { return errors.Join(chains[0].run(), chains[1].run(), chains[2].run()) },
	)
	if err != nil {
		return err
	}
	s.report.measured(goalPrepare, median(took[1]), "one read of the frame, one tensor of 640x384 that the three networks share")
	s.report.measured(goalPrepareCopy, ratio(took[1], took[0]), "")
	s.report.measured(goalPrepareChains, ratio(took[3], took[1]),
		fmt.Sprintf("BGR, resize, letterbox, float, planes with OpenCV for each network: %s ms", reach.Number(median(took[3]))))
	t := reach.Table{Title: "Preparation of three networks' input, 1080p to 640x384", Columns: []string{"how", "ms", "x memcpy"}}
	for i, name := range []string{"memcpy", "one scaled picture, one shared tensor", "one scaled picture, three tensors", "three OpenCV chains"} {
		t.Line(name, median(took[i]), ratio(took[i], took[0]))
	}
	s.report.Tables = append(s.report.Tables, t)
	return s.prepareGrowth(ctx)
}

// prepareGrowth measures the growth with the frame and with the input.
func (s *suite) prepareGrowth(ctx context.Context) error {
	t := reach.Table{Title: "Preparation by size: ms (x memcpy of the frame)", Columns: []string{"frame"}}
	inputs := []image.Point{{X: 320, Y: 192}, networkInput, {X: 960, Y: 576}}
	for _, in := range inputs {
		t.Columns = append(t.Columns, fmt.Sprintf("to %dx%d", in.X, in.Y))
	}
	var x, y []float64
	for _, z := range s.sizes() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		src, pic := noise(z.size, 1), noise(z.size, 2)
		fns := []func() error{does(func() { copyPicture(pic, src) })}
		for _, in := range inputs {
			p := newPreparation(z.size, in, 1)
			fns = append(fns, func() error { return p.run(pic) })
		}
		took, err := sides(s.budget(300*time.Millisecond), fns...)
		if err != nil {
			return err
		}
		cells := []any{z.name}
		for i := range inputs {
			cells = append(cells, fmt.Sprintf("%s (%s)", reach.Number(median(took[i+1])), reach.Number(ratio(took[i+1], took[0]))))
		}
		t.Line(cells...)
		x, y = append(x, float64(z.size.X*z.size.Y)), append(y, median(took[2]))
	}
	s.report.grows("preparation to 640x384", "pixels of the frame", x, y)
	s.report.Tables = append(s.report.Tables, t)
	return nil
}
