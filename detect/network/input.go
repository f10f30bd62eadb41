package network

import (
	"fmt"
	"image"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/pixel"
)

// Input says how a picture is put into a network's input tensor.
type Input struct {
	// Layout is the order of the dimensions: "NCHW", planes, or "NHWC", pixels.
	Layout string
	// Channels is the order of the colours: "BGR" or "RGB".
	Channels string
	// Low and High are the values of black and of full intensity.
	Low, High float32
	// Pad is the value of the bars beside the picture.
	Pad float32
	// Multiple must divide the input's width and height.
	Multiple int
}

// input prepares pictures in a session's input tensor.
type input struct {
	Input
	size   image.Point
	full   bool
	data   []float32
	planes []float32 // B, G, R, 0..255, where data wants them otherwise; else data itself
	scaler pixel.Scaler
	small  *image.YCbCr
	filled image.Point // size of the picture that the bars were drawn round
}

// newInput checks the tensor against what is known of the network's input.
func newInput(t Tensor, c Input, full bool) (*input, error) {
	if len(t.Shape) != 4 || t.Shape[0] != 1 {
		return nil, fmt.Errorf("its input has shape %v, not that of one picture", t.Shape)
	}
	channels, h, w := t.Shape[1], t.Shape[2], t.Shape[3]
	switch c.Layout {
	case "NCHW":
	case "NHWC":
		h, w, channels = t.Shape[1], t.Shape[2], t.Shape[3]
	default:
		return nil, fmt.Errorf("layout %q is neither NCHW nor NHWC", c.Layout)
	}
	switch {
	case c.Channels != "BGR" && c.Channels != "RGB":
		return nil, fmt.Errorf("channels %q are neither BGR nor RGB", c.Channels)
	case !(c.Low < c.High):
		return nil, fmt.Errorf("its input goes from %v to %v", c.Low, c.High)
	case c.Multiple < 1 || w < 1 || h < 1 || w%int64(c.Multiple) != 0 || h%int64(c.Multiple) != 0:
		return nil, fmt.Errorf("input %dx%d is not a multiple of %d", w, h, c.Multiple)
	case channels != 3 || int64(len(t.Data)) != 3*w*h:
		return nil, fmt.Errorf("its input has shape %v and %d values, not those of a picture of three colours", t.Shape, len(t.Data))
	}
	in := &input{Input: c, size: image.Pt(int(w), int(h)), full: full, data: t.Data, planes: t.Data}
	if c.Layout != "NCHW" || c.Channels != "BGR" || c.Low != 0 || c.High != 255 {
		in.planes = make([]float32, len(t.Data))
	}
	return in, nil
}

// fit returns the size, even and at least 2x2, of a picture of size full scaled into an
// input.
func fit(input, full image.Point) image.Point {
	if full.X <= 0 || full.Y <= 0 {
		return image.Point{}
	}
	w, h := input.X, input.Y
	if full.X*h > full.Y*w {
		h = even(full.Y*w, full.X, h)
	} else {
		w = even(full.X*h, full.Y, w)
	}
	return image.Pt(w, h)
}

// even returns a/b rounded to an even number within 2..limit.
func even(a, b, limit int) int { return min(max((a+b)/(2*b)*2, 2), limit) }

// mapping takes boxes of the input to those of a picture.
type mapping struct {
	sx, sy, dx, dy float32
	bounds         detect.Box
}

func (m mapping) box(b detect.Box) detect.Box {
	return b.Scale(m.sx, m.sy).Shift(m.dx, m.dy)
}

// prepare fills the tensor with pic.
func (in *input) prepare(pic *image.YCbCr) (mapping, error) {
	if pixel.Check(pic) != nil {
		return mapping{}, detect.ErrPicture
	}
	full, size, small := pic.Rect.Size(), fit(in.size, pic.Rect.Size()), pic
	if size != full || pic.SubsampleRatio != image.YCbCrSubsampleRatio420 {
		if in.small == nil || in.small.Rect.Max != size {
			in.small = image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		}
		small = in.small
		if err := in.scaler.Scale(small, pic); err != nil {
			return mapping{}, err
		}
	}
	if in.filled != size {
		pad := (in.Pad - in.Low) * 255 / (in.High - in.Low)
		for i := range in.planes {
			in.planes[i] = pad
		}
		in.filled = size
	}
	if err := pixel.FillBGR(in.planes, in.size.X, in.size.Y, small, image.Point{}, in.full); err != nil {
		return mapping{}, err
	}
	if &in.planes[0] != &in.data[0] {
		in.arrange()
	}
	return in.mapping(full, size, pic.Rect.Min), nil
}

// mapping returns how boxes of a picture of size full at org, scaled to size,
// go back.
func (in *input) mapping(full, size, org image.Point) mapping {
	return mapping{
		sx: float32(full.X) / float32(size.X), sy: float32(full.Y) / float32(size.Y),
		dx: float32(org.X), dy: float32(org.Y),
		bounds: detect.Box{X0: float32(org.X), Y0: float32(org.Y), X1: float32(org.X + full.X), Y1: float32(org.Y + full.Y)},
	}
}

// arrange brings planes of B, G, R, 0..255, into the network's own form.
func (in *input) arrange() {
	n := in.size.X * in.size.Y
	gain := (in.High - in.Low) / 255
	step, next := 1, n // between pixels, and between colours
	if in.Layout == "NHWC" {
		step, next = 3, 1
	}
	for c := range 3 {
		to := c
		if in.Channels == "RGB" {
			to = 2 - c
		}
		dst, src := in.data[to*next:], in.planes[c*n:][:n]
		for i, v := range src {
			dst[i*step] = in.Low + v*gain
		}
	}
}
