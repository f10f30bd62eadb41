package network

import (
	"fmt"
	"image"

	"github.com/hedgecam/hedge/detect"
)

var strides = [...]int{8, 16, 32}

func yunetOutputs(size image.Point) []output {
	var out []output
	for _, part := range []struct {
		name string
		n    int64
	}{{"cls", 1}, {"obj", 1}, {"bbox", 4}} {
		for _, s := range strides {
			cells := int64(size.X / s * (size.Y / s))
			out = append(out, output{name: fmt.Sprintf("%s_%d", part.name, s), shape: []int64{1, cells, part.n}})
		}
	}
	return out
}

// yunetDecoder decodes as published: score = sqrt(cls*obj), centre and side
// from the cell's corner, sides logarithmic (OpenCV, FaceDetectorYN;
// libfacedetection.train, yunet_head).
func yunetDecoder(size image.Point) decoder {
	return func(raw [][]float32, minScore *[detect.NumClasses]float32, dst []detect.Detection) ([]detect.Detection, string) {
		least := minScore[detect.Face]
		for i, stride := range strides {
			cls, obj, bbox := raw[i], raw[i+3], raw[i+6]
			cols := size.X / stride
			s := float32(stride)
			for j, c := range cls {
				score := sqrt(max(c, 0) * max(obj[j], 0))
				if score < least {
					continue
				}
				p := bbox[4*j:][:4]
				x, y := (float32(j%cols)+p[0])*s, (float32(j/cols)+p[1])*s
				w, h := exp(p[2])*s, exp(p[3])*s
				b := detect.Box{X0: x - w/2, Y0: y - h/2, X1: x + w/2, Y1: y + h/2}
				if reason := candidate(b, score, size); reason != "" {
					return dst, reason
				}
				dst = append(dst, detect.Detection{Box: b, Class: detect.Face, Score: min(score, 1)})
			}
		}
		return dst, ""
	}
}
