package redact_test

import (
	"fmt"
	"image"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

// The lower half is the owner's property. Above it whoever is found is hidden.
func Example() {
	policy, err := redact.ParsePolicy([]byte(`{"version": 1,
		"property": [[[0,0.5],[1,0.5],[1,1],[0,1]]],
		"outside": {"hide": "detected", "fill": "solid"}, "found": {"fill": "solid"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	picture := image.NewYCbCr(image.Rect(0, 0, 640, 480), image.YCbCrSubsampleRatio420)
	r, err := redact.New(policy, picture.Rect.Size(), redact.DefaultOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	box := detect.Box{X0: 100, Y0: 60, X1: 150, Y1: 180}
	frame, err := r.Redact(picture, redact.Scene{Objects: []detect.Object{{ID: 1, Class: detect.Person, Box: box, Padded: box, Score: 0.9}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer frame.Release()
	fmt.Println("of the person:", frame.Mask().HiddenOf(box))
	fmt.Println("of the property:", frame.Mask().HiddenOf(detect.Box{X0: 0, Y0: 240, X1: 640, Y1: 480}))
	// Output:
	// of the person: 1
	// of the property: 0
}
