package network

import (
	"image"

	"github.com/hedgecam/hedge/detect"
)

// yoloxValues is the length of one anchor's row: box, objectness, 80 classes.
const yoloxValues = 5 + 80

// Indices into COCO's 80 classes.
const (
	cocoPerson     = 0
	cocoCar        = 2
	cocoMotorcycle = 3
	cocoBus        = 5
	cocoTruck      = 7
)

func yoloxOutputs(size image.Point) []output {
	anchors := 0
	for _, s := range strides {
		anchors += size.X / s * (size.Y / s)
	}
	return []output{{name: "output", shape: []int64{1, int64(anchors), yoloxValues}}}
}

// yoloxDecoder decodes the raw grid (YOLOX, yolox/models/yolo_head.py,
// decode_outputs): centre = (value + cell) * stride, side = exp(value) *
// stride, score = objectness * class. Anchors run over strides, rows, columns.
func yoloxDecoder(size image.Point) decoder {
	return func(raw [][]float32, minScore *[detect.NumClasses]float32, dst []detect.Detection) ([]detect.Detection, string) {
		person, vehicle := minScore[detect.Person], minScore[detect.Vehicle]
		least := min(person, vehicle)
		rows := raw[0]
		for _, stride := range strides {
			cols, n := size.X/stride, size.X/stride*(size.Y/stride)
			s := float32(stride)
			for j := range n {
				p := rows[j*yoloxValues:][:yoloxValues]
				obj := p[4]
				if obj < least {
					continue // classes are at most 1
				}
				c := p[5:]
				ps := obj * c[cocoPerson]
				vs := obj * max(c[cocoCar], c[cocoMotorcycle], c[cocoBus], c[cocoTruck])
				if ps < person && vs < vehicle {
					continue
				}
				x, y := (p[0]+float32(j%cols))*s, (p[1]+float32(j/cols))*s
				w, h := exp(p[2])*s, exp(p[3])*s
				b := detect.Box{X0: x - w/2, Y0: y - h/2, X1: x + w/2, Y1: y + h/2}
				if reason := candidate(b, max(ps, vs), size); reason != "" {
					return dst, reason
				}
				if ps >= person {
					dst = append(dst, detect.Detection{Box: b, Class: detect.Person, Score: min(ps, 1)})
				}
				if vs >= vehicle {
					dst = append(dst, detect.Detection{Box: b, Class: detect.Vehicle, Score: min(vs, 1)})
				}
			}
			rows = rows[n*yoloxValues:]
		}
		return dst, ""
	}
}
