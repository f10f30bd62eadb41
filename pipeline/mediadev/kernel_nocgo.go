//go:build !cgo

package mediadev

func halveRows(dst []byte, dstStride int, src []byte, srcStride, w, h int) {
	halveRowsGo(dst, dstStride, src, srcStride, w, h)
}

func halveBoth(dst []byte, dstStride int, src []byte, srcStride, w, h int) {
	halveBothGo(dst, dstStride, src, srcStride, w, h)
}

func limit(s []byte, gain, offset int) { limitGo(s, gain, offset) }
