//go:build !cgo

package redact

func sumCells(p plane, m *blockMask, need []uint8, cols, n int, sums, counts []uint32) {
	sumCellsGo(p, m, need, cols, n, sums, counts)
}

func fillField(p plane, c shareMasks, f *fieldLayers) { fillFieldGo(p, c, f) }

func fillFrost(p plane, m *blockMask, values []uint8, cols, rows, cell int, line []uint16) {
	fillFrostGo(p, m, values, cols, rows, cell, line)
}

func pull(fine, coarse *fieldLevel) { pullGo(fine, coarse) }

func push(fine, coarse *fieldLevel) { pushGo(fine, coarse) }

func grow(m, tmp *blockMask) { growGo(m, tmp) }
