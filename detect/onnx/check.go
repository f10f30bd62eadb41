package onnx

/*
#cgo CFLAGS: -O3
#cgo noescape hedge_finite
#cgo nocallback hedge_finite
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// An exponent of all ones is an infinity or not a number. On bits, because a
// sum could overflow or be optimised away.
static int hedge_finite(const float *p, size_t n) {
	const uint32_t mask = 0x7f800000;
	uint32_t bad = 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t v;
		memcpy(&v, p + i, 4);
		bad |= (v & mask) == mask;
	}
	return !bad;
}
*/
import "C"

import (
	"math"
	"unsafe"
)

// finite reports whether no value is infinite or not a number.
func finite(v []float32) bool {
	return C.hedge_finite((*C.float)(unsafe.SliceData(v)), C.size_t(len(v))) != 0
}

// poison marks an output as unwritten: its first and last value are not numbers.
func poison(v []float32) {
	nan := float32(math.NaN())
	v[0], v[len(v)-1] = nan, nan
}
