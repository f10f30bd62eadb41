package pixel

import (
	"fmt"
	"image"
)

// Coefficients of ITU-R BT.601 (Kb = 0.114, Kr = 0.299) with 13 bits of
// fraction: luma factor, luma of black, then chroma into B, G (two) and R.
var (
	limitedRange = [6]int32{9539, 16, 16525, -3209, -6660, 13075}
	fullRange    = [6]int32{8192, 0, 14516, -2819, -5850, 11485}
)

// FillBGR writes pic, which is 4:2:0, into dst, three planes of w x h float32 in
// the order B, G, R with values 0..255, with pic's top left pixel at the point
// at. What lies outside of the picture is left as it is. Samples are taken as
// BT.601, of limited range (16..235) unless full is set; chroma samples are
// repeated over their pixels.
//
// It panics if dst is too short or pic does not fit in at the point at, and
// returns ErrLayout if pic is unusable.
func FillBGR(dst []float32, w, h int, pic *image.YCbCr, at image.Point, full bool) error {
	if err := Check(pic); err != nil {
		return err
	}
	if pic.SubsampleRatio != image.YCbCrSubsampleRatio420 {
		return ErrLayout
	}
	pw, ph := pic.Rect.Dx(), pic.Rect.Dy()
	if len(dst) < 3*w*h || at.X < 0 || at.Y < 0 || at.X+pw > w || at.Y+ph > h {
		panic(fmt.Sprintf("pixel: picture of %dx%d at %v does not fit into %d floats of %dx%d", pw, ph, at, len(dst), w, h))
	}
	k := &limitedRange
	if full {
		k = &fullRange
	}
	o := at.Y*w + at.X
	fill(dst[o:], dst[w*h+o:], dst[2*w*h+o:], w,
		pic.Y, pic.YStride, pic.Cb, pic.Cr, pic.CStride,
		pw, ph, pic.Rect.Min.X&1, pic.Rect.Min.Y&1, k)
	return nil
}
