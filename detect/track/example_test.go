package track_test

import (
	"fmt"
	"image"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/track"
)

// Somebody who was found in four pictures is still known in one that no detector saw.
func Example() {
	c := track.DefaultConfig()
	c.Size = image.Pt(640, 360)
	t := track.New(c)
	for i := range 4 {
		x := float32(100 + 10*i)
		t.Update(track.Inference{
			Time: time.Duration(i) * 100 * time.Millisecond, Classes: detect.Classes(detect.Person),
			Detections: []detect.Detection{{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: x, Y0: 100, X1: x + 40, Y1: 200}}},
		})
	}
	for _, o := range t.At(400*time.Millisecond, nil) {
		x, _ := o.Box.Center()
		fmt.Println(o.Class, o.ID, o.Confirmed, x > 150, o.Padded.Contains(o.Box))
	}
	// Output: person 1 true true true
}
