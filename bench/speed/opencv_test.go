package speed

import (
	"errors"
	"image"
	"image/color"

	"gocv.io/x/gocv"
)

// Redaction and preparation as they are done with OpenCV today. The picture is
// in OpenCV's memory already, and all matrices are kept, both of which favours
// OpenCV: what many programs do costs more.

// i420 returns a matrix that holds the picture as planar 4:2:0.
func i420(p *image.YCbCr) (gocv.Mat, error) {
	m := gocv.NewMatWithSize(p.Rect.Dy()*3/2, p.Rect.Dx(), gocv.MatTypeCV8UC1)
	data, err := m.DataPtrUint8()
	if err != nil {
		return m, errors.Join(err, m.Close())
	}
	n := copy(data, p.Y)
	n += copy(data[n:], p.Cb)
	copy(data[n:], p.Cr)
	return m, nil
}

// blur hides a whole picture with a Gaussian of 99 pixels, by way of BGR.
type blur struct {
	in, bgr, soft, out gocv.Mat
}

func newBlur(p *image.YCbCr) (*blur, error) {
	in, err := i420(p)
	if err != nil {
		return nil, err
	}
	return &blur{in: in, bgr: gocv.NewMat(), soft: gocv.NewMat(), out: gocv.NewMat()}, nil
}

func (b *blur) run() error {
	return errors.Join(
		gocv.CvtColor(b.in, &b.bgr, gocv.ColorYUVToBGRIYUV),
		gocv.GaussianBlur(b.bgr, &b.soft, image.Pt(99, 99), 0, 0, gocv.BorderDefault),
		gocv.CvtColor(b.soft, &b.out, gocv.ColorBGRToYUVI420),
	)
}

func (b *blur) close() error { return closeMats(&b.in, &b.bgr, &b.soft, &b.out) }

// chain prepares a picture for one network, from the full frame on: BGR, resize,
// letterbox, float, planes.
type chain struct {
	in, bgr, small, boxed, float gocv.Mat
	input                        image.Point
	tensor                       []float32
}

func newChain(p *image.YCbCr, input image.Point) (*chain, error) {
	in, err := i420(p)
	if err != nil {
		return nil, err
	}
	return &chain{
		in: in, bgr: gocv.NewMat(), small: gocv.NewMat(), boxed: gocv.NewMat(), float: gocv.NewMat(),
		input: input, tensor: make([]float32, 3*input.X*input.Y),
	}, nil
}

func (c *chain) run() error {
	fit := image.Pt(c.input.X, c.input.X*c.in.Rows()*2/3/c.in.Cols())
	err := errors.Join(
		gocv.CvtColor(c.in, &c.bgr, gocv.ColorYUVToBGRIYUV),
		gocv.Resize(c.bgr, &c.small, fit, 0, 0, gocv.InterpolationLinear),
		gocv.CopyMakeBorder(c.small, &c.boxed, 0, c.input.Y-fit.Y, 0, 0, gocv.BorderConstant, color.RGBA{R: 114, G: 114, B: 114, A: 255}),
		c.boxed.ConvertTo(&c.float, gocv.MatTypeCV32F),
	)
	if err != nil {
		return err
	}
	planes := gocv.Split(c.float)
	n := 0
	for i := range planes {
		data, derr := planes[i].DataPtrFloat32()
		n += copy(c.tensor[n:], data)
		err = errors.Join(err, derr, planes[i].Close())
	}
	if err == nil && n != len(c.tensor) {
		err = errors.New("opencv: the planes do not fill the network's input")
	}
	return err
}

func (c *chain) close() error { return closeMats(&c.in, &c.bgr, &c.small, &c.boxed, &c.float) }

func closeMats(mats ...*gocv.Mat) (err error) {
	for _, m := range mats {
		err = errors.Join(err, m.Close())
	}
	return err
}
