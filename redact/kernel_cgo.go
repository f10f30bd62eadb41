//go:build cgo

package redact

// #cgo CFLAGS: -O3
// #include "kernel.h"
import "C"

import "math/bits"

// cPlane returns what the C kernels want to know of p and m.
func cPlane(p plane, m *blockMask) C.struct_redact_plane {
	return C.struct_redact_plane{
		stride: C.int(p.stride), w: C.int(p.w), h: C.int(p.h), block: C.int(p.block),
		words: C.int(m.words), lo: C.int(m.lo), hi: C.int(m.hi),
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

func fillField(p plane, m *blockMask, f *fieldLayers, share int) {
	layers := C.struct_redact_layers{
		known: (*C.uint64_t)(&f.known.bits[0]), known_words: C.int(f.known.words),
		cols: C.int(f.cols), rows: C.int(f.rows), cell: C.int(f.cell), shift: C.int(bits.TrailingZeros(uint(f.cell))),
		base_stride: C.int(f.base.stride), line: (*C.int16_t)(&f.line[0]), half: C.int(len(f.line) / 4),
	}
	for i := range f.values {
		layers.values[i] = (*C.int16_t)(&f.values[i][0])
	}
	if f.base.pix != nil {
		layers.base = (*C.uint8_t)(&f.base.pix[0])
	}
	C.redact_fill_field(cPlane(p, m), (*C.uint8_t)(&p.pix[0]), (*C.uint64_t)(&m.bits[0]), layers, C.int(share))
}

func pull(fine, coarse *fieldLevel) {
	C.redact_pull((*C.int32_t)(&fine.cells[0][0]), C.int(fine.w), C.int(fine.h), (*C.int32_t)(&coarse.cells[0][0]))
}

func push(fine, coarse *fieldLevel) {
	C.redact_push((*C.int32_t)(&fine.cells[0][0]), C.int(fine.w), C.int(fine.h), (*C.int32_t)(&coarse.cells[0][0]),
		(*C.int32_t)(&fine.todo[0]), sweeps)
}

func grow(m, tmp *blockMask) {
	C.redact_grow((*C.uint64_t)(&m.bits[0]), (*C.uint64_t)(&tmp.bits[0]), C.int(m.words), C.int(m.w), C.int(m.h), C.int(m.lo), C.int(m.hi))
}
