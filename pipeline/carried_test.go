package pipeline_test

import (
	"context"
	"image"
	"io"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// traffic is a fixed camera on a street of coarse blocks, with a van and a walker.
type traffic struct {
	frames, n   int
	van, walker func(n int) image.Rectangle
}

func paint(pic *image.YCbCr, r image.Rectangle, seed uint32, cell int) {
	for y := max(r.Min.Y, 0); y < min(r.Max.Y, pic.Rect.Dy()); y++ {
		for x := max(r.Min.X, 0); x < min(r.Max.X, pic.Rect.Dx()); x++ {
			h := (uint32((x-r.Min.X)/cell)*2654435761 ^ uint32((y-r.Min.Y)/cell)*40503 ^ seed*977) * 2246822519
			pic.Y[y*pic.YStride+x] = uint8(40 + h>>24%160)
		}
	}
}

func (c *traffic) Read(_ context.Context, b *pipeline.Buffer) error {
	if c.n == c.frames {
		return io.EOF
	}
	pic := b.Resize(640, 360)
	paint(pic, pic.Rect, 1, 40)
	paint(pic, c.van(c.n), 2, 25)
	paint(pic, c.walker(c.n), 3, 12)
	// The picture's number, for the network of this test, too small for any other.
	pic.Y[0], pic.Y[1] = uint8(16+c.n%200), uint8(16+c.n/200)
	b.Time = time.Duration(c.n) * interval
	c.n++
	return nil
}

// TestWalkerBeforeVehicle: a walker whom no network finds is hidden before a vehicle
// that everybody knows as well as without it, however that stands or drives; the
// vehicle itself is shown while it drives alone.
func TestWalkerBeforeVehicle(t *testing.T) {
	const frames, comes = 260, 190
	parked := func(int) image.Rectangle { return image.Rect(180, 120, 460, 260) }
	// It drives in, before the walker does.
	drives := func(n int) image.Rectangle { return parked(n).Add(image.Pt(5*(n-220), 0)) }
	none := func(int) image.Rectangle { return image.Rectangle{} }
	// As tall as the van or less, so that all of them lies in its box.
	walks := func(speed float64, tall int) func(int) image.Rectangle {
		return func(n int) image.Rectangle {
			if n < comes {
				return image.Rectangle{}
			}
			x := 420 - int(speed*float64(n-comes))
			return image.Rect(x, 255-tall, x+tall*2/5, 255)
		}
	}
	for _, tt := range []struct {
		name        string
		van, walker func(int) image.Rectangle
	}{
		{"no van", none, walks(4, 120)},
		{"parked", parked, walks(4, 120)},
		{"parked, slow", parked, walks(2, 120)},
		{"parked, small", parked, walks(3, 60)},
		{"drives the other way", drives, walks(4, 120)},
		{"drives alone", drives, none},
		{"parked, alone", parked, none},
	} {
		{
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				d := detecttest.New(everything, func(_ context.Context, _ int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
					v := tt.van(int(pic.Y[0]) - 16 + 200*(int(pic.Y[1])-16)).Intersect(pic.Rect)
					if v.Dx() > 20 {
						dst = append(dst, detect.Detection{Class: detect.Vehicle, Score: 0.9,
							Box: detect.Box{X0: float32(v.Min.X), Y0: float32(v.Min.Y), X1: float32(v.Max.X), Y1: float32(v.Max.Y)}})
					}
					return dst, nil
				})
				c := &traffic{frames: frames, van: tt.van, walker: tt.walker}
				p, err := pipeline.New(pipeline.Config{Policy: policy(t, `{"version": 1, "outside": {"hide": "detected", "fill": "solid"}, "found": {"fill": "solid"}}`),
					Detectors: []detect.Detector{d}, LookAhead: 4 * interval})
				if err != nil {
					t.Fatal(err)
				}
				shown, there, van, vans := 0, 0, 0, 0
				sink := sinkFunc(func(f redact.Frame) {
					n := int(f.Time() / interval)
					box := func(r image.Rectangle) detect.Box {
						r = r.Intersect(image.Rect(0, 0, 640, 360))
						return detect.Box{X0: float32(r.Min.X), Y0: float32(r.Min.Y), X1: float32(r.Max.X), Y1: float32(r.Max.Y)}
					}
					if w := tt.walker(n); n >= comes+3 && (w.In(tt.van(n)) || tt.van(n).Empty() && w.Min.X > 100) {
						there++
						if f.Mask().HiddenOf(box(w)) < 0.8 {
							shown++
						}
					}
					if v := box(tt.van(n)); n >= comes && v.W() > 150 && tt.walker(comes).Empty() {
						vans++
						if f.Mask().HiddenOf(v) < 0.5 {
							van++
						}
					}
				})
				if err := p.Run(t.Context(), c, sink); err != nil {
					t.Fatal(err)
				}
				if shown > 0 {
					t.Errorf("the walker is shown in %d of %d frames", shown, there)
				}
				if there == 0 && vans == 0 {
					t.Error("nothing was seen")
				}
				if vans > 0 && van < vans*9/10 {
					t.Errorf("the van is shown in %d of %d frames only", van, vans)
				}
			})
		}
	}
}
