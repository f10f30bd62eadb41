package onnx

import (
	"image"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/pixel"
)

// barValue fills what the picture leaves of the input (YOLOX's preproc).
const barValue = 114

// input is a prepared picture: the tensor that sessions read.
type input struct {
	size   image.Point
	full   bool
	tensor *tensor
	scaler pixel.Scaler
	small  *image.YCbCr
	filled image.Point // size of the picture that the bars were drawn round
}

func newInput(size image.Point, full bool) (*input, error) {
	t, err := newTensor(ort.NewShape(1, 3, int64(size.Y), int64(size.X)))
	if err != nil {
		return nil, err
	}
	return &input{size: size, full: full, tensor: t}, nil
}

// fit returns the size, even and at least 2x2, of a picture scaled into the input.
func (in *input) fit(full image.Point) image.Point {
	if full.X <= 0 || full.Y <= 0 {
		return image.Point{}
	}
	w, h := in.size.X, in.size.Y
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
	full, size, small := pic.Rect.Size(), in.fit(pic.Rect.Size()), pic
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
		for i := range in.tensor.data {
			in.tensor.data[i] = barValue
		}
		in.filled = size
	}
	if err := pixel.FillBGR(in.tensor.data, in.size.X, in.size.Y, small, image.Point{}, in.full); err != nil {
		return mapping{}, err
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

func (in *input) close() error { return in.tensor.close() }
