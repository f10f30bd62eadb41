package detect_test

import (
	"fmt"

	"github.com/hedgecam/hedge/detect"
)

// Of boxes of one class that overlap the one with the highest score stays.
func Example() {
	found := []detect.Detection{
		{Class: detect.Face, Score: 0.9, Box: detect.Box{X0: 10, Y0: 10, X1: 50, Y1: 60}},
		{Class: detect.Face, Score: 0.6, Box: detect.Box{X0: 12, Y0: 10, X1: 52, Y1: 60}},
		{Class: detect.Person, Score: 0.7, Box: detect.Box{X0: 0, Y0: 5, X1: 80, Y1: 200}},
	}
	var nms detect.NMS
	for _, d := range nms.Apply(found, detect.DefaultMaxIoU) {
		fmt.Println(d.Class, d.Score)
	}
	// Output:
	// face 0.9
	// person 0.7
}
