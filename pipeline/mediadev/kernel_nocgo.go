//go:build !cgo

package mediadev

import "image"

func unpack422(dst *image.YCbCr, src []byte, stride, w, h int, uyvy bool) {
	unpack422Go(dst, src, stride, w, h, uyvy)
}

func split(first, second []byte, dstStride int, src []byte, srcStride, w, h int) {
	splitGo(first, second, dstStride, src, srcStride, w, h)
}

func halveRows(dst []byte, dstStride int, src []byte, srcStride, w, h int) {
	halveRowsGo(dst, dstStride, src, srcStride, w, h)
}

func halveBoth(dst []byte, dstStride int, src []byte, srcStride, w, h int) {
	halveBothGo(dst, dstStride, src, srcStride, w, h)
}

func limit(s []byte, gain, offset int) { limitGo(s, gain, offset) }
