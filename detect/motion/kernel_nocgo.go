//go:build !cgo

package motion

func shrink(dst []uint16, src []uint8, stride, w, h, k, step int, acc []uint16) {
	shrinkGo(dst, src, stride, w, h, k, step, acc)
}

func diff(d []int16, t []uint16, table *[lumaSteps]int16, bg []int32) { diffGo(d, t, table, bg) }

func boxMean(m, d []int16, w, h int, col, row []int32) { boxMeanGo(m, d, w, h, col, row) }

func classify(px []uint8, d, m []int16, noise []int32, gain, floor, k int) {
	classifyGo(px, d, m, noise, gain, floor, k)
}

func learn(bg, noise []int32, d, m []int16, w, h, odd int, cells []uint8, stride, gain, ab, an, clip int, _ []uint8) {
	learnGo(bg, noise, d, m, w, h, odd, cells, stride, gain, ab, an, clip)
}

func gather(c gathered, px, last []uint8, d, mean []int16, w, h, gain, cw, stride int) {
	gatherGo(c, px, last, d, mean, w, h, gain, cw, stride)
}
