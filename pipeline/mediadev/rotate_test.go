package mediadev

import (
	"image"
	"testing"
)

// TestRotate: every sample of every plane goes where the angle says, at odd sizes
// too, and four quarter turns are none.
func TestRotate(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {2, 3}, {34, 20}, {65, 33}, {96, 64}} {
		src := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		for i := range src.Y {
			src.Y[i] = byte(i*7 + i/251)
		}
		for i := range src.Cb {
			src.Cb[i], src.Cr[i] = byte(i*5+1), byte(i*3+2)
		}
		for _, angle := range []int{90, 180, 270} {
			w, h := size.X, size.Y
			if angle != 180 {
				w, h = h, w
			}
			dst := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
			rotate(dst, src, angle)
			check := func(name string, got, want []byte, w, h int) {
				for y := range h {
					for x := range w {
						from := map[int]int{90: (w-1-x)*h + y, 180: (h-1-y)*w + w - 1 - x, 270: x*h + h - 1 - y}[angle]
						if got[y*w+x] != want[from] {
							t.Fatalf("%v by %d: %s at (%d,%d) is %d, want %d", size, angle, name, x, y, got[y*w+x], want[from])
						}
					}
				}
			}
			check("luma", dst.Y, src.Y, w, h)
			check("cb", dst.Cb, src.Cb, (w+1)/2, (h+1)/2)
			check("cr", dst.Cr, src.Cr, (w+1)/2, (h+1)/2)
		}
	}
}
