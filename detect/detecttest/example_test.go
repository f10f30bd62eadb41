package detecttest_test

import (
	"context"
	"errors"
	"fmt"
	"image"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
)

// A fake finds a person in the first picture and fails in the second.
func Example() {
	person := detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 10, Y0: 10, X1: 30, Y1: 60}}
	fake := detecttest.New(detect.Classes(detect.Person), detecttest.Steps(
		detecttest.Find(person), detecttest.Fail(errors.New("out of memory"))))
	defer fake.Close()
	picture := image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio420)
	for range 2 {
		found, err := fake.Detect(context.Background(), picture, nil)
		fmt.Println(len(found), err)
	}
	// Output:
	// 1 <nil>
	// 0 out of memory
}
