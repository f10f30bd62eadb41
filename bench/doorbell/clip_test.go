package doorbell

import (
	"context"
	"fmt"
	"image"
	"math"
	"path/filepath"

	"github.com/hedgecam/hedge/bench/internal/clip"
)

const (
	frameRate = 30
	// bits is the number of digits of the counter: enough for a loop.
	bits = 10
)

// loop is the recording that plays the camera, in a loop.
type loop struct {
	path   string
	size   image.Point
	frames int // of the loop
}

// length returns the length of the loop in milliseconds.
func (f *loop) length() float64 { return float64(f.frames) * 1000 / frameRate }

// cell is the side of a digit of the counter.
func (f *loop) cell() int { return f.size.X / 80 }

// corner is where the counter begins: within the property, where a network may
// take it for a number plate without its being hidden.
func (f *loop) corner() image.Point { return image.Pt(f.size.X/10, f.size.Y*17/20) }

// policy shows a part of the ground with the counter, and what no network finds.
func policy(networks string) string {
	hide := "detected"
	if networks == "none" {
		hide = "all"
	}
	return `{"version":1,"property":[[[0,0.6],[0.6,0.6],[0.6,1],[0,1]]],"outside":{"hide":"` + hide + `"}}`
}

// counter returns the filters that paint a frame's number in the loop into it: a
// row of squares, white for 1, the lowest digit first, and below it a row with
// the digits reversed, by which a counter that is covered or blurred is known.
func (f *loop) counter() string {
	at, side := f.corner(), f.cell()
	paint := func(x, y, w, h int, color, when string) string {
		return fmt.Sprintf(",drawbox=x=%d:y=%d:w=%d:h=%d:color=%s:t=fill%s", x, y, w, h, color, when)
	}
	text := paint(at.X-side, at.Y-side, (bits+2)*side, 4*side, "gray", "") + paint(at.X, at.Y, bits*side, 2*side, "black", "")
	for i := range bits {
		one := fmt.Sprintf("mod(floor(n/%d)\\,2)", 1<<i)
		text += paint(at.X+i*side, at.Y, side, side, "white", ":enable='"+one+"'")
		text += paint(at.X+i*side, at.Y+side, side, side, "white", ":enable='1-"+one+"'")
	}
	return text
}

// record makes the camera's recording.
func (b *bench) record(ctx context.Context) (*loop, error) {
	f := &loop{path: filepath.Join(b.dir, "camera.mp4"), size: image.Pt(1920, 1080), frames: 20 * frameRate}
	if b.seconds < 10 {
		f.size, f.frames = image.Pt(640, 360), 4*frameRate
	}
	what, err := clip.Record(ctx, b.clip, f.path, f.size, f.frames, f.counter())
	b.report.Note("The camera: %s, with a counter painted into a corner, a loop of %.0f s. The policy: %s.", what, f.length()/1000, policy(b.networks))
	return f, err
}

// late returns how late in milliseconds a picture with a number was, of a camera
// that began at base and repeats itself.
func (f *loop) late(shown, base float64, number int) float64 {
	late := math.Mod(shown-base-float64(number)*1000/frameRate, f.length())
	if late < 0 {
		late += f.length()
	}
	if late > f.length()-1000 {
		late -= f.length() // a little early, not a loop late
	}
	return late
}
