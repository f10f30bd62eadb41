package pipeline_test

import (
	"context"
	"fmt"
	"image"
	"io"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/internal/race"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// cuts is a source of noise whose scene changes at some frames.
type cuts struct {
	frames, n int
	at        []int
}

func (c *cuts) scene(n int) (scene int) {
	for _, at := range c.at {
		if n >= at {
			scene++
		}
	}
	return scene
}

func (c *cuts) Read(_ context.Context, b *pipeline.Buffer) error {
	if c.n == c.frames {
		return io.EOF
	}
	rawScene(b.Resize(width, height), c.scene(c.n), c.n)
	b.Time = time.Duration(c.n) * interval
	c.n++
	return nil
}

// TestCut: the first picture of another scene is looked at at once; what nobody
// looked at between the last look and the cut is hidden outside, since no later look
// tells of it; all else goes on.
func TestCut(t *testing.T) {
	for _, cut := range []int{20, 21, 22, 23, 30} {
		looked := map[int]bool{}
		c := &cuts{frames: 60, at: []int{cut, cut + 11, cut + 12, cut + 13}}
		frames := map[[16]byte]int{}
		pic := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
		for n := range c.frames {
			rawScene(pic, c.scene(n), n)
			frames[[16]byte(pic.Y[:16])] = n
		}
		d := detecttest.New(everything, func(_ context.Context, _ int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
			looked[frames[[16]byte(pic.Y[:16])]] = true
			return dst, nil
		})
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), LookAhead: 8 * interval, Detectors: []detect.Detector{d}})
		hidden := map[int]bool{}
		sink := sinkFunc(func(f redact.Frame) {
			hidden[int(f.Time()/interval)] = f.Mask().HiddenOf(detect.Box{X1: width, Y1: height / 2}) == 1
		})
		if err := p.Run(t.Context(), c, sink); err != nil {
			t.Fatal(err)
		}
		last := 0
		for n := range c.frames {
			isCut := n > 0 && c.scene(n) != c.scene(n-1)
			if isCut && !looked[n] {
				t.Errorf("cut at %d: the first picture of another scene, %d, was not looked at", cut, n)
			}
			if isCut {
				for m := last + 1; m < n; m++ {
					if !hidden[m] {
						t.Errorf("cut at %d: frame %d, after the last look at %d and before the cut at %d, is not hidden outside", cut, m, last, n)
					}
					delete(hidden, m)
				}
			}
			if looked[n] {
				last = n
			}
		}
		for n, is := range hidden {
			if is {
				t.Errorf("cut at %d: frame %d is hidden outside", cut, n)
			}
		}
	}
}

// walkers is a plain street along which people walk, some pixels a picture.
type walkers struct {
	frames, n, speed int
}

func (c *walkers) at(n int) []detect.Box {
	var all []detect.Box
	for i := range 4 {
		x := float32((i*160+n*c.speed)%700 - 60)
		all = append(all, detect.Box{X0: x, Y0: float32(60 + 40*i), X1: x + 50, Y1: float32(60 + 40*i + 150)})
	}
	return all
}

func (c *walkers) Read(_ context.Context, b *pipeline.Buffer) error {
	if c.n == c.frames {
		return io.EOF
	}
	pic := b.Resize(640, 360)
	for y := range 360 {
		for x := range 640 {
			pic.Y[y*640+x] = uint8(90 + (x/40+y/40)%2*30)
		}
	}
	for i, w := range c.at(c.n) {
		for y := int(w.Y0); y < min(int(w.Y1), 360); y++ {
			for x := max(int(w.X0), 0); x < min(int(w.X1), 640); x++ {
				// Clothes: another pattern for each.
				v := (uint32(x-int(w.X0))/(7+uint32(i))*2654435761 ^ uint32(y)/9*40503) * 2246822519
				pic.Y[y*640+x] = uint8(30 + v>>24%190)
			}
		}
	}
	b.Time = time.Duration(c.n) * interval
	c.n++
	return nil
}

// TestTimeLapse: where people are somewhere else in each picture, each picture is
// looked at; where they walk, no more of them than the interval asks for.
func TestTimeLapse(t *testing.T) {
	race.SkipPixels(t)
	for _, tt := range []struct {
		speed, least, most int
	}{{3, 20, 32}, {0, 20, 32}, {60, 58, 60}, {30, 55, 60}} {
		for _, moving := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d pixels, moving %t", tt.speed, moving), func(t *testing.T) {
				d := detecttest.New(everything, detecttest.Find())
				p, err := pipeline.New(pipeline.Config{Policy: policy(t, hideFound), Moving: moving, Detectors: []detect.Detector{d}})
				if err != nil {
					t.Fatal(err)
				}
				if err := p.Run(t.Context(), &walkers{frames: 60, speed: tt.speed}, discard{}); err != nil {
					t.Fatal(err)
				}
				if n := d.Calls(); n < tt.least || n > tt.most {
					t.Errorf("%d of 60 pictures looked at, want %d to %d", n, tt.least, tt.most)
				}
			})
		}
	}
}
