//go:build cgo

package mediadev

// #cgo CFLAGS: -O3
// #include "kernel.h"
import "C"

func halveRows(dst []byte, dstStride int, src []byte, srcStride, w, h int) {
	C.mediadev_halve_rows((*C.uint8_t)(&dst[0]), C.int(dstStride), (*C.uint8_t)(&src[0]), C.int(srcStride), C.int(w), C.int(h))
}

func halveBoth(dst []byte, dstStride int, src []byte, srcStride, w, h int) {
	C.mediadev_halve_both((*C.uint8_t)(&dst[0]), C.int(dstStride), (*C.uint8_t)(&src[0]), C.int(srcStride), C.int(w), C.int(h))
}

func limit(s []byte, gain, offset int) {
	C.mediadev_limit((*C.uint8_t)(&s[0]), C.int(len(s)), C.int(gain), C.int(offset))
}
