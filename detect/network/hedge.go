package network

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

// hedgeOutputs: how many rows an output has is the network's own business, since
// it looks for faces in a picture that it makes larger.
func hedgeOutputs(image.Point) []output {
	var out []output
	for _, t := range hedgeTables {
		out = append(out, output{t.name, []int64{1, 0, int64(4 + len(t.classes))}, detect.Classes(t.classes...)})
	}
	return out
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
