package motion_test

import (
	"fmt"
	"image"

	"github.com/hedgecam/hedge/detect/motion"
)

// A picture that has nothing of the one before is a cut.
func ExampleContinuity() {
	stripes := func(width int) *image.YCbCr {
		pic := image.NewYCbCr(image.Rect(0, 0, 160, 96), image.YCbCrSubsampleRatio420)
		for i := range pic.Y {
			pic.Y[i] = uint8(40 + 150*(i%160/width%2))
		}
		return pic
	}
	var j motion.Continuity
	for _, width := range []int{20, 20, 7} {
		fmt.Println(j.Update(stripes(width), 0, 0) == motion.Cut)
	}
	// The first picture follows nothing.

	// Output:
	// true
	// false
	// true
}
