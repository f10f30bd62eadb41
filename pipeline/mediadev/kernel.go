package mediadev

import "image"

// The kernels in plain Go. kernel.c has the same in C, with the same results;
// kernel_cgo.go and kernel_nocgo.go choose. Sizes are those of the source
// plane, in samples, and not zero.

// halveRowsGo makes one row out of two: each sample is the mean of two, halves
// rounded up. An odd last row is copied.
func halveRowsGo(dst []byte, dstStride int, src []byte, srcStride, w, h int) {
	for y := 0; y < h; y += 2 {
		a := src[y*srcStride:][:w]
		b := src[min(y+1, h-1)*srcStride:][:w]
		d := dst[y/2*dstStride:][:w]
		for x := range d {
			d[x] = uint8((int(a[x]) + int(b[x]) + 1) >> 1)
		}
	}
}

// halveBothGo makes one sample out of two by two: their mean, halves rounded
// up. An odd last column or row counts twice.
func halveBothGo(dst []byte, dstStride int, src []byte, srcStride, w, h int) {
	for y := 0; y < h; y += 2 {
		a := src[y*srcStride:][:w]
		b := src[min(y+1, h-1)*srcStride:][:w]
		d := dst[y/2*dstStride:][:(w+1)/2]
		for x := range d {
			x0, x1 := 2*x, min(2*x+1, w-1)
			d[x] = uint8((int(a[x0]) + int(a[x1]) + int(b[x0]) + int(b[x1]) + 2) >> 2)
		}
	}
}

// unpack422Go takes samples of 4:2:2 that lie one behind the other apart: luma as it is, and
// each chroma sample the mean of two rows, halves rounded up. w is even. With uyvy chroma
// comes before luma.
func unpack422Go(dst *image.YCbCr, src []byte, stride, w, h int, uyvy bool) {
	luma, chroma := 0, 1
	if uyvy {
		luma, chroma = 1, 0
	}
	for y := 0; y < h; y += 2 {
		a := src[y*stride:][:2*w]
		b := src[min(y+1, h-1)*stride:][:2*w]
		ya, yb := dst.Y[y*dst.YStride:][:w], dst.Y[min(y+1, h-1)*dst.YStride:][:w]
		cb, cr := dst.Cb[y/2*dst.CStride:][:w/2], dst.Cr[y/2*dst.CStride:][:w/2]
		for x := range cb {
			ya[2*x], ya[2*x+1] = a[4*x+luma], a[4*x+2+luma]
			yb[2*x], yb[2*x+1] = b[4*x+luma], b[4*x+2+luma]
			cb[x] = uint8((int(a[4*x+chroma]) + int(b[4*x+chroma]) + 1) >> 1)
			cr[x] = uint8((int(a[4*x+2+chroma]) + int(b[4*x+2+chroma]) + 1) >> 1)
		}
	}
}

// splitGo takes samples in turns apart: w of each in a row.
func splitGo(first, second []byte, dstStride int, src []byte, srcStride, w, h int) {
	for y := range h {
		s, a, b := src[y*srcStride:][:2*w], first[y*dstStride:][:w], second[y*dstStride:][:w]
		for x := range a {
			a[x], b[x] = s[2*x], s[2*x+1]
		}
	}
}

// limitGo replaces each sample v by (v*gain + offset) / 255, rounded to nearest:
// from full to limited range as ITU-T H.273 defines both. 255*gain + offset must
// be less than 65000.
func limitGo(s []byte, gain, offset int) {
	for i, b := range s {
		// v/255 is (v + v/256) / 256 with 128 added for rounding, exact for all
		// v of 16 bits.
		v := int(b)*gain + offset + 128
		s[i] = uint8((v + v>>8) >> 8)
	}
}
