package onnx

import (
	"image"

	"github.com/hedgecam/hedge/detect"
)

// hedgeValues is the length of one row: box and a score for each class.
const hedgeValues = 4 + detect.NumClasses

// hedgeOutputs returns the outputs of a network that looks for faces in a picture
// which it makes larger: of 32 columns and rows so many, up to the next multiples
// of 32. First comes a row for each grid cell of the strides 8, 16 and 32 for
// people and vehicles, then one for each cell of the larger picture for faces,
// then one for plates.
func hedgeOutputs(columns, rows int) func(image.Point) []output {
	return func(size image.Point) []output {
		large := image.Pt((size.X/32*columns+31)/32*32, (size.Y/32*rows+31)/32*32)
		cells := 0
		for _, s := range strides {
			cells += 2*(size.X/s)*(size.Y/s) + (large.X/s)*(large.Y/s)
		}
		return []output{{"detections", []int64{1, int64(cells), hedgeValues}}}
	}
}

// hedgeDecoder reads rows that the network itself has decoded: x0, y0, x1, y1 in
// pixels of the input, then the scores in the order of detect's classes. A score
// that a row does not give is 0. models/hedge-n/README.md describes it.
func hedgeDecoder(size image.Point) decoder {
	return func(raw [][]float32, minScore *[detect.NumClasses]float32, dst []detect.Detection) ([]detect.Detection, string) {
		for rows := raw[0]; len(rows) >= hedgeValues; rows = rows[hedgeValues:] {
			for c := range detect.Class(detect.NumClasses) {
				score := rows[4+c]
				if score < minScore[c] || score <= 0 {
					continue
				}
				b := detect.Box{X0: rows[0], Y0: rows[1], X1: rows[2], Y1: rows[3]}
				if reason := candidate(b, score, size); reason != "" {
					return dst, reason
				}
				dst = append(dst, detect.Detection{Box: b, Class: c, Score: min(score, 1)})
			}
		}
		return dst, ""
	}
}
