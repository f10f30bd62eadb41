package network

import (
	"context"
	"errors"
	"image"
	"math"
	"testing"

	"github.com/hedgecam/hedge/detect"
)

// unit is how a network's input looks that takes 0..1.
var unit = Input{Layout: "NCHW", Channels: "RGB", Low: 0, High: 1, Pad: 0.25, Multiple: 32}

// brightness is a session whose output is the first colour of its input.
type brightness struct {
	replay
	sick float32 // a value for the last cell, if it is not 0
}

func newBrightness(size image.Point) *brightness {
	b := &brightness{}
	b.in = inputTensor(size, unit)
	n := size.X * size.Y
	b.outs = []Tensor{{"mask", []int64{1, 1, int64(size.Y), int64(size.X)}, make([]float32, n)}}
	return b
}

func (b *brightness) open(...string) (Session, error) { return b, nil }

func (b *brightness) Run(ctx context.Context) error {
	if err := b.replay.Run(ctx); err != nil {
		return err
	}
	out := b.outs[0].Data
	copy(out, b.in.Data[:len(out)])
	if b.sick != 0 {
		out[len(out)-1], out[0] = b.sick, b.sick
	}
	return nil
}

// halves is a grey picture with a white part.
func halves(r, white image.Rectangle) *image.YCbCr {
	pic := image.NewYCbCr(r, image.YCbCrSubsampleRatio420)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			pic.Y[pic.YOffset(x, y)] = 16
			if image.Pt(x, y).In(white) {
				pic.Y[pic.YOffset(x, y)] = 235
			}
		}
	}
	for i := range pic.Cb {
		pic.Cb[i], pic.Cr[i] = 128, 128
	}
	return pic
}

// TestSegment: the silhouette lies where the person is, for boxes in the middle and at the
// border, in pictures with their corner elsewhere.
func TestSegment(t *testing.T) {
	b := newBrightness(image.Pt(64, 64))
	g, err := NewSegmenter(b.open, "brightness", unit, false)
	if err != nil || g.Name() != "brightness" {
		t.Fatalf("%v", err)
	}
	var s detect.Silhouette
	for _, at := range []image.Point{{}, {40, 20}} {
		for _, person := range []image.Rectangle{image.Rect(60, 40, 100, 120), image.Rect(0, 0, 40, 90), image.Rect(121, 77, 200, 151)} {
			person = person.Add(at)
			pic := halves(image.Rect(0, 0, 200, 151).Add(at), person)
			box := detect.Box{X0: float32(person.Min.X), Y0: float32(person.Min.Y), X1: float32(person.Max.X), Y1: float32(person.Max.Y)}
			if err := g.Segment(t.Context(), pic, box, &s); err != nil {
				t.Fatal(err)
			}
			if !s.Valid() || !s.Region.Contains(box) {
				t.Fatalf("%v of %v: %d cells", s.Region, box, len(s.Cells))
			}
			w, h := s.CellSize()
			for i, v := range s.Cells {
				x, y := s.Region.X0+(float32(i%s.Columns)+0.5)*w, s.Region.Y0+(float32(i/s.Columns)+0.5)*h
				cell := detect.Box{X0: x - 1.5*w, Y0: y - 1.5*h, X1: x + 1.5*w, Y1: y + 1.5*h}
				switch {
				case box.Contains(cell) && v < 250:
					t.Fatalf("%v: cell %d at %v,%v has %d, and is the person's", person, i, x, y, v)
				case box.Intersect(cell).Empty() && v > 5:
					t.Fatalf("%v: cell %d at %v,%v has %d, and is not the person's", person, i, x, y, v)
				}
			}
		}
	}
}

// TestSegmentFails: what makes no sense is an error, as for a detector.
func TestSegmentFails(t *testing.T) {
	b := newBrightness(image.Pt(64, 64))
	g, err := NewSegmenter(b.open, "brightness", unit, false)
	if err != nil {
		t.Fatal(err)
	}
	pic := halves(image.Rect(0, 0, 64, 64), image.Rect(0, 0, 9, 9))
	box := detect.Box{X0: 10, Y0: 10, X1: 40, Y1: 40}
	var s detect.Silhouette
	for name, c := range map[string]struct {
		pic *image.YCbCr
		box detect.Box
	}{
		"no picture": {nil, box}, "outside": {pic, box.Shift(100, 0)},
		"not a number": {pic, detect.Box{X0: float32(math.NaN()), X1: 10, Y1: 10}}, "empty picture": {&image.YCbCr{}, box},
	} {
		if err := g.Segment(t.Context(), c.pic, c.box, &s); !errors.Is(err, detect.ErrPicture) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, v := range []float32{float32(math.NaN()), float32(math.Inf(1)), -0.5, 1.5} {
		b.sick = v
		var nonsense *detect.OutputError
		if err := g.Segment(t.Context(), pic, box, &s); !errors.As(err, &nonsense) {
			t.Errorf("a value of %v: %v", v, err)
		}
	}
	b.sick, b.err = 0, errors.New("no")
	if err := g.Segment(t.Context(), pic, box, &s); err == nil {
		t.Error("a failed run is no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Segment(ctx, pic, box, &s); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if errors.Join(g.Close(), g.Close()) != nil || b.closed != 1 {
		t.Errorf("closed %d times", b.closed)
	}
	if err := g.Segment(t.Context(), pic, box, &s); !errors.Is(err, detect.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestNewSegmenterRefuses: a network of another kind.
func TestNewSegmenterRefuses(t *testing.T) {
	var bad *ConfigError
	b := newBrightness(image.Pt(64, 64))
	if _, err := NewSegmenter(b.open, "", unit, false); !errors.As(err, &bad) {
		t.Errorf("without a name: %v", err)
	}
	b.outs[0].Shape[1] = 2
	if _, err := NewSegmenter(b.open, "two", unit, false); !errors.As(err, &bad) || b.closed != 1 {
		t.Errorf("of another shape: %v, closed %d times", err, b.closed)
	}
	b.outs = append(b.outs, b.outs[0])
	if _, err := NewSegmenter(b.open, "two", unit, false); !errors.As(err, &bad) {
		t.Errorf("with two outputs: %v", err)
	}
	if _, err := NewSegmenter(func(...string) (Session, error) { return nil, errors.New("no") }, "none", unit, false); err == nil {
		t.Error("a session that cannot be opened is no error")
	}
}
