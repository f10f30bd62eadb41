//go:build cgo

package redact

// #cgo CFLAGS: -O3
// #include "kernel.h"
import "C"

import "math/bits"

func cPlane(p plane) C.struct_redact_plane {
	return C.struct_redact_plane{
		pix: (*C.uint8_t)(&p.pix[0]), stride: C.int(p.stride), w: C.int(p.w), h: C.int(p.h), block: C.int(p.block),
	}
}

func cMask(m *blockMask) C.struct_redact_mask {
	return C.struct_redact_mask{
		bits: (*C.uint64_t)(&m.bits[0]), starts: (*C.uint64_t)(&m.starts[0]),
		words: C.int(m.words), lo: C.int(m.lo), hi: C.int(m.hi),
	}
}

func sumCells(p plane, m *blockMask, need []uint8, cols, n int, sums, counts []uint32) {
	C.redact_sum_cells(cPlane(p), cMask(m), (*C.uint8_t)(&need[0]), C.int(cols), C.int(n),
		(*C.uint32_t)(&sums[0]), (*C.uint32_t)(&counts[0]))
}

func fillFrost(p plane, m *blockMask, values []uint8, cols, rows, cell int, line []uint16) {
	C.redact_fill_frost(cPlane(p), cMask(m), (*C.uint8_t)(&values[0]), C.int(cols), C.int(rows), C.int(cell),
		(*C.uint16_t)(&line[0]))
}

func fillField(p plane, c shareMasks, f *fieldLayers) {
	var masks C.struct_redact_share_masks
	for i, m := range c {
		masks.of[i] = cMask(m)
	}
	layers := C.struct_redact_layers{
		known: cMask(f.known), cols: C.int(f.cols), rows: C.int(f.rows), cell: C.int(f.cell),
		shift:       C.int(bits.TrailingZeros(uint(f.cell))),
		base_stride: C.int(f.base.stride), line: (*C.int16_t)(&f.line[0]), half: C.int(len(f.line) / 4),
	}
	for i := range f.values {
		layers.values[i] = (*C.int16_t)(&f.values[i][0])
	}
	if f.base.pix != nil {
		layers.base = (*C.uint8_t)(&f.base.pix[0])
	}
	C.redact_fill_field(cPlane(p), masks, layers)
}

func pull(fine, coarse *fieldLevel) {
	C.redact_pull((*C.int32_t)(&fine.cells[0][0]), C.int(fine.w), C.int(fine.h), (*C.int32_t)(&coarse.cells[0][0]))
}

func push(fine, coarse *fieldLevel) {
	C.redact_push((*C.int32_t)(&fine.cells[0][0]), C.int(fine.w), C.int(fine.h), (*C.int32_t)(&coarse.cells[0][0]),
		(*C.int32_t)(&fine.todo[0]), sweeps)
}

func grow(m, tmp *blockMask) { C.redact_grow(cMask(m), cMask(tmp), C.int(m.w)) }
