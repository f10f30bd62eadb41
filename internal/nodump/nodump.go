// Package nodump keeps raw pictures out of files that the operating system
// writes by itself: core dumps and swap.
//
// A program calls Process first of all; the library calls Child for the decoders
// that it starts, and Memory for its own pictures, since a program that imports
// it may dump as it likes.
package nodump

import "image"

// Picture returns a 4:2:0 picture of the given size in pixels whose memory is
// left out of a core dump. Its planes lie one behind the other with tight
// strides, its corner is (0,0).
func Picture(w, h int) *image.YCbCr {
	cw, ch := (w+1)/2, (h+1)/2
	luma, chroma := w*h, cw*ch
	b := make([]byte, luma+2*chroma)
	Memory(b)
	return &image.YCbCr{
		Y: b[:luma:luma], Cb: b[luma : luma+chroma : luma+chroma], Cr: b[luma+chroma:],
		YStride: w, CStride: cw, SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, w, h),
	}
}
