//go:build cgo

package motion

/*
#cgo CFLAGS: -O3
#include "kernel.h"
*/
import "C"

func shrink(dst []uint16, src []uint8, stride, w, h, k, step int, acc []uint16) {
	C.shrink((*C.uint16_t)(&dst[0]), (*C.uint8_t)(&src[0]), C.long(stride), C.int(w), C.int(h), C.int(k), C.int(step), (*C.uint16_t)(&acc[0]))
}

func diff(d []int16, t []uint16, table *[lumaSteps]int16, bg []int32) {
	C.diff((*C.int16_t)(&d[0]), (*C.uint16_t)(&t[0]), (*C.int16_t)(&table[0]), (*C.int32_t)(&bg[0]), C.int(len(d)))
}

func boxMean(m, d []int16, w, h int, col, row []int32) {
	C.box_mean((*C.int16_t)(&m[0]), (*C.int16_t)(&d[0]), C.int(w), C.int(h), (*C.int32_t)(&col[0]), (*C.int32_t)(&row[0]))
}

func classify(px []uint8, d, m []int16, noise []int32, gain, floor, k int) {
	C.classify((*C.uint8_t)(&px[0]), (*C.int16_t)(&d[0]), (*C.int16_t)(&m[0]), (*C.int32_t)(&noise[0]), C.int(len(px)), C.int(gain), C.int(floor), C.int(k))
}

func learn(bg, noise []int32, d, m []int16, w, h, odd int, cells []uint8, stride, gain, ab, an, clip int, code []uint8) {
	C.learn((*C.int32_t)(&bg[0]), (*C.int32_t)(&noise[0]), (*C.int16_t)(&d[0]), (*C.int16_t)(&m[0]), C.int(w), C.int(h), C.int(odd),
		(*C.uint8_t)(&cells[0]), C.long(stride), C.int(gain), C.int(ab), C.int(an), C.int(clip), (*C.uint8_t)(&code[0]))
}

func gather(c gathered, px, last []uint8, d, mean []int16, w, h, gain, cw, stride int) {
	C.gather((*C.uint8_t)(&c.cand[0]), (*C.uint8_t)(&c.lasting[0]), (*C.uint8_t)(&c.soft[0]), (*C.uint8_t)(&c.energy[0]), (*C.int32_t)(&c.light[0]),
		(*C.uint8_t)(&px[0]), (*C.uint8_t)(&last[0]), (*C.int16_t)(&d[0]), (*C.int16_t)(&mean[0]), C.int(w), C.int(h), C.int(gain), C.int(cw), C.long(stride))
}
