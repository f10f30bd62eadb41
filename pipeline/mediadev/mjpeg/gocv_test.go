//go:build gocv_specific_modules

package mjpeg_test

import (
	"testing"

	"gocv.io/x/gocv"
)

// colorBGRToI420 is OpenCV's COLOR_BGR2YUV_I420, for which gocv has no name.
const colorBGRToI420 = gocv.ColorConversionCode(128)

func init() {
	// OpenCV decodes with the same library to BGR, from which the planes of
	// 4:2:0 are made again.
	others["gocv"] = func(b *testing.B, data []byte, _, _ int) (decode, done func()) {
		bgr, yuv := gocv.NewMat(), gocv.NewMat()
		return func() {
				if err := gocv.IMDecodeIntoMat(data, gocv.IMReadColor, &bgr); err != nil {
					b.Fatal(err)
				}
				if err := gocv.CvtColor(bgr, &yuv, colorBGRToI420); err != nil {
					b.Fatal(err)
				}
			}, func() {
				for _, m := range []*gocv.Mat{&bgr, &yuv} {
					if err := m.Close(); err != nil {
						b.Error(err)
					}
				}
			}
	}
}
