//go:build cgo

package mediadev

// #cgo CFLAGS: -O3
// #include "kernel.h"
import "C"

import "image"

func halveRows(dst []byte, dstStride int, src []byte, srcStride, w, h int) {
	C.mediadev_halve_rows((*C.uint8_t)(&dst[0]), C.int(dstStride), (*C.uint8_t)(&src[0]), C.int(srcStride), C.int(w), C.int(h))
}

func halveBoth(dst []byte, dstStride int, src []byte, srcStride, w, h int) {
	C.mediadev_halve_both((*C.uint8_t)(&dst[0]), C.int(dstStride), (*C.uint8_t)(&src[0]), C.int(srcStride), C.int(w), C.int(h))
}

func unpack422(dst *image.YCbCr, src []byte, stride, w, h int, uyvy bool) {
	var order C.int
	if uyvy {
		order = 1
	}
	_, _ = src[(h-1)*stride:][:2*w], dst.Y[(h-1)*dst.YStride:][:w]
	last := (h - 1) / 2 * dst.CStride
	_, _ = dst.Cb[last:][:w/2], dst.Cr[last:][:w/2]
	C.mediadev_unpack422((*C.uint8_t)(&dst.Y[0]), C.int(dst.YStride), (*C.uint8_t)(&dst.Cb[0]), (*C.uint8_t)(&dst.Cr[0]), C.int(dst.CStride),
		(*C.uint8_t)(&src[0]), C.int(stride), C.int(w), C.int(h), order)
}

func split(first, second []byte, dstStride int, src []byte, srcStride, w, h int) {
	_, _, _ = src[(h-1)*srcStride:][:2*w], first[(h-1)*dstStride:][:w], second[(h-1)*dstStride:][:w]
	C.mediadev_split((*C.uint8_t)(&first[0]), (*C.uint8_t)(&second[0]), C.int(dstStride), (*C.uint8_t)(&src[0]), C.int(srcStride), C.int(w), C.int(h))
}

func limit(s []byte, gain, offset int) {
	C.mediadev_limit((*C.uint8_t)(&s[0]), C.int(len(s)), C.int(gain), C.int(offset))
}
