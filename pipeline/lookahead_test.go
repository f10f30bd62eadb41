package pipeline_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// metronome is a camera of a constant rate that counts the buffers it was given.
type metronome struct {
	frames, rate, n int
	buffers         map[*uint8]bool
}

func (c *metronome) Read(_ context.Context, b *pipeline.Buffer) error {
	if c.n == c.frames {
		return io.EOF
	}
	pic := b.Resize(width, height)
	raw(pic, c.n)
	if c.buffers == nil {
		c.buffers = map[*uint8]bool{}
	}
	c.buffers[&pic.Y[0]] = true
	b.Time = time.Duration(c.n) * time.Second / time.Duration(c.rate)
	c.n++
	return nil
}

// TestLookAheadIsTime: whatever the camera's rate, an object is hidden in the frames
// of the look-ahead before it is found, and in no earlier ones; the memory for
// pictures is that of the frames held back.
func TestLookAheadIsTime(t *testing.T) {
	const beside = 10 // frames that are not held back: those read, looked at and written
	for _, tt := range []struct{ rate, held int }{{1, 1}, {7, 2}, {10, 3}, {15, 5}, {30, 9}, {60, 18}, {90, 18}} {
		t.Run(fmt.Sprintf("%d a second", tt.rate), func(t *testing.T) {
			const first = 30
			person := detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 50, Y0: 10, X1: 62, Y1: 40}}
			script := make([][]detect.Detection, 60)
			for i := first; i < len(script); i++ {
				script[i] = []detect.Detection{person}
			}
			c := pipeline.DefaultConfig()
			c.Policy, c.Every, c.Detectors = policy(t, hideFound), 1, []detect.Detector{detecttest.New(everything, detecttest.Script(script...))}
			// So that each frame counts for itself, however far apart they are.
			c.TimeToLive = time.Minute
			cam := &metronome{frames: len(script), rate: tt.rate}
			hidden := map[int]bool{}
			sink := sinkFunc(func(f redact.Frame) {
				n := int((f.Time()*time.Duration(tt.rate) + time.Second/2) / time.Second)
				hidden[n] = f.Mask().HiddenOf(person.Box) == 1
			})
			if err := newPipeline(t, c).Run(t.Context(), cam, sink); err != nil {
				t.Fatal(err)
			}
			if len(hidden) != cam.frames {
				t.Fatalf("%d frames came out", len(hidden))
			}
			for n := range cam.frames {
				if want := n >= first-tt.held; hidden[n] != want {
					t.Errorf("frame %d, with the first observation in %d: hidden %t, want %t", n, first, hidden[n], want)
				}
			}
			if most := tt.held + beside; len(cam.buffers) > most {
				t.Errorf("%d pictures in memory, want at most %d", len(cam.buffers), most)
			}
		})
	}
}

// TestLookAheadIsBounded: a fast camera fills no more memory than is said.
func TestLookAheadIsBounded(t *testing.T) {
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), LookAhead: 4 * time.Second})
	cam := &metronome{frames: 1000, rate: 240}
	out := 0
	if err := p.Run(t.Context(), cam, sinkFunc(func(redact.Frame) { out++ })); err != nil {
		t.Fatal(err)
	}
	if out != cam.frames || len(cam.buffers) > 120+10 {
		t.Errorf("%d frames came out of %d pictures in memory", out, len(cam.buffers))
	}
}
