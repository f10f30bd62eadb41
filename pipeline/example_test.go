package pipeline_test

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// A source of three pictures goes through a pipeline whose detector finds a person. A
// program would take its source and sink from pipeline/ffmpeg or pipeline/mediadev, and
// its detectors from detect/onnx/networks.
func Example() {
	policy, err := redact.ParsePolicy([]byte(`{"version": 1, "outside": {"hide": "detected", "fill": "solid"}, "found": {"fill": "solid"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	person := detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 40, Y0: 30, X1: 60, Y1: 90}}
	finds := detecttest.New(detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle), detecttest.Find(person))

	c := pipeline.DefaultConfig()
	c.Policy, c.Detectors = policy, []detect.Detector{finds}
	p, err := pipeline.New(c)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()

	n := 0
	source := pipeline.SourceFunc(func(_ context.Context, b *pipeline.Buffer) error {
		if n == 3 {
			return io.EOF
		}
		b.Resize(320, 240) // the picture; a source fills its planes
		b.Time = time.Duration(n) * 40 * time.Millisecond
		n++
		return nil
	})
	sink := pipeline.SinkFunc(func(_ context.Context, f redact.Frame) error {
		fmt.Println(f.Time(), f.Size(), "of the person hidden:", f.Mask().HiddenOf(person.Box))
		return nil
	})
	if err := p.Run(context.Background(), source, sink); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 0s (320,240) of the person hidden: 1
	// 40ms (320,240) of the person hidden: 1
	// 80ms (320,240) of the person hidden: 1
}
