//go:build cgo

package redact

// #cgo CFLAGS: -O3
// #include "kernel.h"
import "C"

// cPlane returns what the C kernels want to know of p and m.
func cPlane(p plane, m *blockMask) C.struct_redact_plane {
	return C.struct_redact_plane{
		stride: C.int(p.stride), w: C.int(p.w), h: C.int(p.h), block: C.int(p.block),
		words: C.int(m.words), rows: C.int(m.h),
	}
}

func sumCells(p plane, m *blockMask, need []uint8, cols, n int, sums, counts []uint32) {
	C.redact_sum_cells(cPlane(p, m), (*C.uint8_t)(&p.pix[0]), (*C.uint64_t)(&m.bits[0]),
		(*C.uint8_t)(&need[0]), C.int(cols), C.int(n), (*C.uint32_t)(&sums[0]), (*C.uint32_t)(&counts[0]))
}

func fillFrost(p plane, m *blockMask, values []uint8, cols, rows, cell int, line []uint16) {
	C.redact_fill_frost(cPlane(p, m), (*C.uint8_t)(&p.pix[0]), (*C.uint64_t)(&m.bits[0]),
		(*C.uint8_t)(&values[0]), C.int(cols), C.int(rows), C.int(cell), (*C.uint16_t)(&line[0]))
}
