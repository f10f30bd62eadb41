//go:build !cgo

package pixel

func box(dst []byte, dstride int, src []byte, sstride int, dw, dh, kx, ky int) {
	boxGo(dst, dstride, src, sstride, dw, dh, kx, ky)
}

func resample(dst []byte, dstride int, src []byte, sstride int, g *geometry, row []uint32) {
	resampleGo(dst, dstride, src, sstride, g, row)
}

func fill(b, g, r []float32, stride int, y []byte, ystride int, cb, cr []byte, cstride, w, h, offx, offy int, k *[6]int32) {
	fillGo(b, g, r, stride, y, ystride, cb, cr, cstride, w, h, offx, offy, k)
}
