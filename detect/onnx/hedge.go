package onnx

import (
	"image"

	"github.com/hedgecam/hedge/detect"
)

// hedgeTables are the classes whose scores follow the box in a row of each output.
var hedgeTables = [...]struct {
	name    string
	classes []detect.Class
}{
	{"people", []detect.Class{detect.Person, detect.Vehicle}},
	{"faces", []detect.Class{detect.Face}},
	{"plates", []detect.Class{detect.Plate}},
}

// hedgeOutputs returns the outputs of a network that looks for faces in a picture
// which it makes larger: of 32 columns and rows so many, up to the next multiples
// of 32. People and plates have a row for each grid cell of the strides 8, 16 and
// 32, faces one for each cell of the larger picture.
func hedgeOutputs(columns, rows int) func(image.Point) []output {
	return func(size image.Point) []output {
		large := image.Pt((size.X/32*columns+31)/32*32, (size.Y/32*rows+31)/32*32)
		out := make([]output, len(hedgeTables))
		for i, t := range hedgeTables {
			grid := size
			if t.name == "faces" {
				grid = large
			}
			cells := 0
			for _, s := range strides {
				cells += (grid.X / s) * (grid.Y / s)
			}
			out[i] = output{t.name, []int64{1, int64(cells), int64(4 + len(t.classes))}, detect.Classes(t.classes...)}
		}
		return out
	}
}

// hedgeDecoder reads rows that the network itself has decoded: x0, y0, x1, y1 in
// pixels of the input, then the scores. models/hedge-n/README.md describes it. An
// output that was not asked for is empty.
func hedgeDecoder(size image.Point) decoder {
	return func(raw [][]float32, minScore *[detect.NumClasses]float32, dst []detect.Detection) ([]detect.Detection, string) {
		for i, rows := range raw {
			classes := hedgeTables[i].classes
			for values := 4 + len(classes); len(rows) >= values; rows = rows[values:] {
				for j, c := range classes {
					score := rows[4+j]
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
		}
		return dst, ""
	}
}
