package detecttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/hedgecam/hedge/detect"
)

var supported = []image.YCbCrSubsampleRatio{
	image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio444,
}

// sizes hands over pictures of odd and tiny sizes, in every subsampling, cut
// out of larger ones: strides are wide, origins odd, and bytes beside the
// picture are somebody else's.
func sizes(d detect.Detector, o Options) error {
	for _, size := range []image.Point{{1, 1}, {3, 5}, {2, 2}, {1, 40}, {333, 2}, {17, 9}, {97, 61}} {
		for i, ratio := range supported {
			whole := gradient(image.Rect(0, 0, size.X+11, size.Y+7), ratio)
			was := clone(whole)
			pic := whole.SubImage(image.Rectangle{Max: size}.Add(image.Pt(3+i, 1+i))).(*image.YCbCr)
			dets, err := d.Detect(context.Background(), pic, nil)
			if err != nil {
				return fmt.Errorf("picture of %v at %v, %v: %w", size, pic.Rect.Min, ratio, err)
			}
			if err := valid(d, pic, dets); err != nil {
				return fmt.Errorf("%v: %w", ratio, err)
			}
			if !bytes.Equal(whole.Y, was.Y) || !bytes.Equal(whole.Cb, was.Cb) || !bytes.Equal(whole.Cr, was.Cr) {
				return fmt.Errorf("picture of %v, %v: bytes changed", size, ratio)
			}
		}
	}
	return nil
}

// crops holds the result for a part of a larger picture against that for a
// tight copy of the same part. Detectors whose answers change from call to call
// (scripts) are told by their answers to one and the same picture.
func crops(d detect.Detector, o Options) error {
	r := o.Picture.Rect
	shift := image.Pt(6, 4)
	whole := gradient(image.Rectangle{Max: r.Size().Add(image.Pt(13, 9))}, o.Picture.SubsampleRatio)
	pic := whole.SubImage(image.Rectangle{Max: r.Size()}.Add(shift)).(*image.YCbCr)
	tight := gradient(image.Rectangle{Max: r.Size()}, o.Picture.SubsampleRatio)
	for _, to := range []*image.YCbCr{pic, tight} {
		copyPlanes(to, o.Picture)
	}
	ctx := context.Background()
	once, err := d.Detect(ctx, tight, nil)
	if err != nil {
		return err
	}
	twice, err := d.Detect(ctx, tight, nil)
	if err != nil {
		return err
	}
	cropped, err := d.Detect(ctx, pic, nil)
	if err != nil {
		return err
	}
	if err := valid(d, pic, cropped); err != nil {
		return err
	}
	if !slices.Equal(once, twice) {
		return nil
	}
	if len(once) != len(cropped) {
		return fmt.Errorf("%d detections in a crop, %d in its copy", len(cropped), len(once))
	}
	for i, c := range cropped {
		c.Box = c.Box.Shift(-float32(shift.X), -float32(shift.Y))
		// Shifting rounds the coordinates.
		if c.Class != once[i].Class || c.Score != once[i].Score || distance(c.Box, once[i].Box) > 0.01 {
			return fmt.Errorf("detection %d in a crop %v, in its copy %v", i, c, once[i])
		}
	}
	return nil
}

func distance(a, b detect.Box) float64 {
	f := func(x, y float32) float64 { return math.Abs(float64(x - y)) }
	return max(f(a.X0, b.X0), f(a.Y0, b.Y0), f(a.X1, b.X1), f(a.Y1, b.Y1))
}

// copyPlanes copies src's samples into dst, of the same size and subsampling,
// both with even origins.
func copyPlanes(dst, src *image.YCbCr) {
	w, h := src.Rect.Dx(), src.Rect.Dy()
	for y := range h {
		copy(dst.Y[y*dst.YStride:][:w], src.Y[y*src.YStride:])
	}
	cw, ch := w, h
	if src.SubsampleRatio != image.YCbCrSubsampleRatio444 {
		cw = (w + 1) / 2
	}
	if src.SubsampleRatio == image.YCbCrSubsampleRatio420 {
		ch = (h + 1) / 2
	}
	for y := range ch {
		copy(dst.Cb[y*dst.CStride:][:cw], src.Cb[y*src.CStride:])
		copy(dst.Cr[y*dst.CStride:][:cw], src.Cr[y*src.CStride:])
	}
}

func badPicture(d detect.Detector, o Options) error {
	for name, pic := range map[string]*image.YCbCr{
		"empty":     image.NewYCbCr(image.Rect(4, 4, 4, 9), image.YCbCrSubsampleRatio420),
		"zero":      {},
		"4:1:1":     image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio411),
		"4:4:0":     image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio440),
		"no ratio":  {Rect: image.Rect(0, 0, 2, 2), Y: make([]byte, 4), Cb: make([]byte, 4), Cr: make([]byte, 4), YStride: 2, CStride: 2, SubsampleRatio: 77},
		"no planes": {Rect: image.Rect(0, 0, 2, 2), YStride: 2, CStride: 1},
	} {
		dst := slices.Clone(some)
		got, err := d.Detect(context.Background(), pic, dst)
		if !errors.Is(err, detect.ErrPicture) {
			return fmt.Errorf("%s picture: error %v, want ErrPicture", name, err)
		}
		if err := unchanged(some, dst, got); err != nil {
			return err
		}
	}
	return nil
}

// names checks that the detector says which one it is.
func names(d detect.Detector, _ Options) error {
	if d.Name() == "" {
		return errors.New("Name is empty")
	}
	return nil
}

// inputSize checks detect.Detector's InputSize.
func inputSize(d detect.Detector, _ Options) error {
	for _, full := range []image.Point{{1920, 1080}, {1, 1}, {3, 5}, {4096, 2304}, {641, 359}, {1080, 1920}, {5000, 3}, {7, 4000}, {640, 384}} {
		size := d.InputSize(full)
		if size.X < 1 || size.Y < 1 {
			return fmt.Errorf("InputSize(%v) = %v", full, size)
		}
		if again := d.InputSize(size); again != size {
			return fmt.Errorf("InputSize(%v) = %v, and of that %v", full, size, again)
		}
		// The aspect is kept up to the rounding of the shorter side.
		if min(size.X, size.Y) > 2 {
			want := float64(full.X) / float64(full.Y)
			lo, hi := float64(size.X-2)/float64(size.Y+2), float64(size.X+2)/float64(size.Y-2)
			if want < lo || want > hi {
				return fmt.Errorf("InputSize(%v) = %v: another aspect", full, size)
			}
		}
	}
	return nil
}
