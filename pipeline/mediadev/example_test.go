package mediadev_test

import (
	"fmt"
	"image"
	"io"

	"github.com/pion/mediadevices/pkg/io/video"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/mediadev"
	"github.com/hedgecam/hedge/redact"
)

// A camera's reader becomes one that gives redacted pictures only. A VideoTrack takes it
// by its method Transform.
func ExampleTransform() {
	c := pipeline.DefaultConfig()
	c.Policy, c.LookAhead = redact.HideEverything(), 0
	p, err := pipeline.New(c)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	n := 0
	camera := video.ReaderFunc(func() (image.Image, func(), error) {
		if n == 3 {
			return nil, func() {}, io.EOF
		}
		n++
		return image.NewYCbCr(image.Rect(0, 0, 320, 240), image.YCbCrSubsampleRatio420), func() {}, nil
	})
	redacted := mediadev.Transform(p)(camera)
	for {
		pic, release, err := redacted.Read()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(pic.Bounds().Size())
		release()
	}
	// Output:
	// (320,240)
	// (320,240)
	// (320,240)
	// EOF
}
