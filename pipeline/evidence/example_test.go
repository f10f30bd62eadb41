package evidence_test

import (
	"bytes"
	"fmt"
	"image"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

// What a network found in two pictures is written and read again.
func Example() {
	var file bytes.Buffer
	w, err := evidence.NewWriter(&file, evidence.Header{
		Input: evidence.Input{Bytes: 1000, Sample: "00"}, Size: image.Pt(640, 360),
		Networks: []evidence.Network{{Name: "my-network", Classes: []detect.Class{detect.Person}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	person := detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 10, Y0: 20, X1: 50, Y1: 120}}
	for i := range 2 {
		err := w.Frame(&evidence.Frame{Time: time.Duration(i) * 40 * time.Millisecond,
			Inferences: []evidence.Inference{{Scale: 1, Found: []detect.Detection{person}}}})
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := w.End(); err != nil {
		fmt.Println(err)
		return
	}
	r, err := evidence.NewReader(&file)
	if err != nil {
		fmt.Println(err)
		return
	}
	var f evidence.Frame
	for r.Next(&f) == nil {
		for _, l := range f.Inferences {
			fmt.Println(f.Time, r.Header().Networks[l.Network].Name, l.Found[0].Class, l.Found[0].Box)
		}
	}
	// Output:
	// 0s my-network person {10 20 50 120}
	// 40ms my-network person {10 20 50 120}
}
