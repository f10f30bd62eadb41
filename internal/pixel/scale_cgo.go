//go:build cgo

package pixel

/*
#cgo CFLAGS: -O3
#cgo noescape hedge_box
#cgo nocallback hedge_box
#cgo noescape hedge_resample
#cgo nocallback hedge_resample
#cgo noescape hedge_fill_bgr
#cgo nocallback hedge_fill_bgr
#include "scale.h"
*/
import "C"

import "unsafe"

func u8(p []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(p)) }

func box(dst []byte, dstride int, src []byte, sstride int, dw, dh, kx, ky int) {
	C.hedge_box(u8(dst), C.ptrdiff_t(dstride), u8(src), C.ptrdiff_t(sstride),
		C.int(dw), C.int(dh), C.int(kx), C.int(ky))
}

func resample(dst []byte, dstride int, src []byte, sstride int, g *geometry, row []uint32) {
	C.hedge_resample(u8(dst), C.ptrdiff_t(dstride), u8(src), C.ptrdiff_t(sstride),
		C.int(g.nx), C.int(g.ny), C.int(g.xspan[0]), C.int(g.cols()),
		(*C.int32_t)(unsafe.SliceData(g.xspan)), (*C.uint32_t)(unsafe.SliceData(g.xw)),
		(*C.int32_t)(unsafe.SliceData(g.yspan)), (*C.uint32_t)(unsafe.SliceData(g.yw)),
		(*C.uint32_t)(unsafe.SliceData(row)))
}

func fill(b, g, r []float32, stride int, y []byte, ystride int, cb, cr []byte, cstride, w, h, offx, offy int, k *[6]int32) {
	C.hedge_fill_bgr((*C.float)(unsafe.SliceData(b)), (*C.float)(unsafe.SliceData(g)), (*C.float)(unsafe.SliceData(r)),
		C.int(stride), u8(y), C.ptrdiff_t(ystride), u8(cb), u8(cr), C.ptrdiff_t(cstride),
		C.int(w), C.int(h), C.int(offx), C.int(offy), (*C.int32_t)(unsafe.Pointer(k)))
}
