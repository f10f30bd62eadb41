package network

import (
	"image"

	"github.com/hedgecam/hedge/detect"
)

// Priors of LPD-YuNet and their variance (opencv_zoo,
// models/license_plate_detection_yunet/lpd_yunet.py): sides in pixels of the
// input for each of the strides 8, 16, 32, 64.
var lpdSides = [...][]float32{{10, 16, 24}, {32, 48}, {64, 96}, {128, 192, 256}}

const lpdVariance = 0.1

// lpdGrids returns columns and rows for each stride, halved and rounded down
// step by step as upstream does.
func lpdGrids(size image.Point) [len(lpdSides)]image.Point {
	var g [len(lpdSides)]image.Point
	p := image.Pt((size.X+1)/2/2, (size.Y+1)/2/2)
	for i := range g {
		p = p.Div(2)
		g[i] = p
	}
	return g
}

// lpdInvented reports whether b is what the network invents on large plain
// scenes: a near-square of a third of the picture, at scores up to 0.74 (all its
// false boxes on the PETS09-S2L1 clip). It was trained on Chinese car plates,
// which are over 3 times as wide as high; of 248 plates of openalpr/benchmarks
// two fill more than a tenth of the picture, both 4 times as wide as high.
func lpdInvented(b detect.Box, size image.Point) bool {
	return b.Area() > 0.1*float32(size.X*size.Y) && b.W() < 1.5*b.H()
}

func lpdOutputs(size image.Point) []output {
	n := int64(0)
	for i, g := range lpdGrids(size) {
		n += int64(g.X * g.Y * len(lpdSides[i]))
	}
	return []output{{name: "loc", shape: []int64{n, 14}}, {name: "conf", shape: []int64{n, 2}}, {name: "iou", shape: []int64{n, 1}}}
}

// lpdDecoder decodes as lpd_yunet.py does: score = sqrt(plate class * iou), and
// four corners, values 4..7 and 10..13 of loc, each relative to the prior's
// centre in units of variance times its side. The box is the corners' hull.
func lpdDecoder(size image.Point) decoder {
	return func(raw [][]float32, minScore *[detect.NumClasses]float32, dst []detect.Detection) ([]detect.Detection, string) {
		loc, conf, iou := raw[0], raw[1], raw[2]
		least := minScore[detect.Plate]
		i := 0
		for k, g := range lpdGrids(size) {
			step := float32(int(8) << k)
			for cell := range g.X * g.Y {
				x, y := (float32(cell%g.X)+0.5)*step, (float32(cell/g.X)+0.5)*step
				for _, side := range lpdSides[k] {
					score := sqrt(max(conf[2*i+1], 0) * min(max(iou[i], 0), 1))
					if score >= least {
						p := loc[14*i:][:14]
						u := lpdVariance * side
						b := detect.Box{
							X0: x + u*min(p[4], p[6], p[10], p[12]),
							Y0: y + u*min(p[5], p[7], p[11], p[13]),
							X1: x + u*max(p[4], p[6], p[10], p[12]),
							Y1: y + u*max(p[5], p[7], p[11], p[13]),
						}
						if reason := candidate(b, score, size); reason != "" {
							return dst, reason
						}
						if !lpdInvented(b, size) {
							dst = append(dst, detect.Detection{Box: b, Class: detect.Plate, Score: min(score, 1)})
						}
					}
					i++
				}
			}
		}
		return dst, ""
	}
}
