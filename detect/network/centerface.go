package network

import (
	"image"

	"github.com/hedgecam/hedge/detect"
)

// centerStride is the number of input pixels, both ways, to a cell of CenterFace's maps.
const centerStride = 4

func centerFaceOutputs(size image.Point) []output {
	h, w := int64(size.Y/centerStride), int64(size.X/centerStride)
	return []output{
		{name: "537", shape: []int64{1, 1, h, w}}, // score of a face's centre
		{name: "538", shape: []int64{1, 2, h, w}}, // logarithms of height and width, in cells
		{name: "539", shape: []int64{1, 2, h, w}}, // offset of the centre, rows and columns
	}
}

// centerFaceDecoder decodes as published (Xu et al., arXiv 1911.03599;
// github.com/ORB-HD/deface, centerface.py): a cell is a face if its score is high
// enough, its centre is half a cell and the offset after the cell's corner.
func centerFaceDecoder(size image.Point) decoder {
	cols, cells := size.X/centerStride, size.X/centerStride*(size.Y/centerStride)
	return func(raw [][]float32, minScore *[detect.NumClasses]float32, dst []detect.Detection) ([]detect.Detection, string) {
		least, side, offset := minScore[detect.Face], raw[1], raw[2]
		for i, score := range raw[0][:cells] {
			if score < least {
				continue
			}
			x := (float32(i%cols) + offset[cells+i] + 0.5) * centerStride
			y := (float32(i/cols) + offset[i] + 0.5) * centerStride
			w, h := exp(side[cells+i])*centerStride, exp(side[i])*centerStride
			b := detect.Box{X0: x - w/2, Y0: y - h/2, X1: x + w/2, Y1: y + h/2}
			if reason := candidate(b, score, size); reason != "" {
				return dst, reason
			}
			dst = append(dst, detect.Detection{Box: b, Class: detect.Face, Score: min(score, 1)})
		}
		return dst, ""
	}
}
