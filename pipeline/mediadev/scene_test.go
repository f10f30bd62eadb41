package mediadev_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The scene of these tests: the property is the lower half of the picture.
const (
	interval      = 40 * time.Millisecond // that a look-ahead of so many pictures is meant for
	width, height = 128, 96

	zones      = `"property": [[[0,0.5],[1,0.5],[1,1],[0,1]]]`
	hideWhole  = `{"version": 1, "outside": {"hide": "all", "fill": "solid"}, "found": {"fill": "solid"}}`
	hideAll    = `{"version": 1, ` + zones + `, "outside": {"hide": "all", "fill": "solid"}, "found": {"fill": "solid"}}`
	hideFound  = `{"version": 1, ` + zones + `, "outside": {"hide": "detected", "fill": "solid"}, "found": {"fill": "solid"}}`
	hideInside = `{"version": 1, ` + zones + `, "outside": {"hide": "detected", "fill": "solid"}, "found": {"fill": "solid"}, "inside": {"hide": ["face"]}}`
)

var (
	errFake    = errors.New("fake failure")
	everything = detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle)
	modes      = []pipeline.Mode{pipeline.File, pipeline.Live}
)

func policy(t testing.TB, text string) *redact.Policy {
	t.Helper()
	p, err := redact.ParsePolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newPipeline(t testing.TB, c pipeline.Config) *pipeline.Pipeline {
	t.Helper()
	// Noise pictures are all motion; that voice has its own tests.
	c.Moving = true
	p, err := pipeline.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// raw fills a picture with noise that depends on the frame's number, and writes
// that number into its last four samples of luma.
func raw(pic *image.YCbCr, n int) {
	seed := uint32(n)*2654435761 + 1
	r := pic.Rect
	fill := func(plane []byte, offset func(x, y int) int) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			first, last := offset(r.Min.X, y), offset(r.Max.X-1, y)
			if y > r.Min.Y && first == offset(r.Min.X, y-1) {
				continue
			}
			for i := first; i <= last; i++ {
				seed = seed*1664525 + 1013904223
				plane[i] = uint8(16 + seed>>24%200)
			}
		}
	}
	fill(pic.Y, pic.YOffset)
	fill(pic.Cb, pic.COffset)
	fill(pic.Cr, pic.COffset)
	for i := range min(4, r.Dx()) {
		pic.Y[pic.YOffset(r.Max.X-1-i, r.Max.Y-1)] = uint8(16 + n>>(4*i)&15)
	}
}

func number(pic *image.YCbCr) (n int) {
	r := pic.Rect
	for i := range min(4, r.Dx()) {
		n |= (int(pic.Y[pic.YOffset(r.Max.X-1-i, r.Max.Y-1)]) - 16) & 15 << (4 * i)
	}
	return n
}

// camera is a video.Reader of numbered noise pictures. Like most, it writes
// every picture into the same memory.
type camera struct {
	frames int
	size   func(n int) image.Point        // defaults to width x height
	ratio  image.YCbCrSubsampleRatio      // of the pictures
	cut    bool                           // pictures are parts of larger ones
	fault  func(n int) (bool, error)      // instead of frame n: true to fail
	change func(*image.YCbCr) image.Image // applied to each picture
	pace   time.Duration                  // real time between frames

	mu     sync.Mutex
	closed bool
	n      int
	lent   atomic.Int32
	pic    *image.YCbCr
}

func (c *camera) Read() (image.Image, func(), error) {
	if c.pace > 0 {
		<-time.After(c.pace)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.lent.Load(); n != 0 {
		panic(fmt.Sprintf("read while %d pictures are not released", n))
	}
	if c.n == c.frames || c.closed {
		return nil, nil, io.EOF
	}
	n := c.n
	c.n++
	if c.fault != nil {
		if fail, err := c.fault(n); fail {
			return nil, nil, err
		}
	}
	size := image.Pt(width, height)
	if c.size != nil {
		size = c.size(n)
	}
	if c.pic == nil || c.pic.Rect.Size() != size {
		c.pic = image.NewYCbCr(image.Rectangle{Max: size}, c.ratio)
		if c.cut {
			c.pic = image.NewYCbCr(image.Rectangle{Max: size.Add(image.Pt(24, 12))}, c.ratio).
				SubImage(image.Rectangle{image.Pt(8, 4), size.Add(image.Pt(8, 4))}).(*image.YCbCr)
		}
	}
	raw(c.pic, n)
	c.lent.Add(1)
	var img image.Image = c.pic
	if c.change != nil {
		img = c.change(c.pic)
	}
	return img, func() {
		if c.lent.Add(-1) != 0 {
			panic("released twice")
		}
		// Who still reads the picture reads this.
		for i := range c.pic.Y {
			c.pic.Y[i] = 255
		}
	}, nil
}

// close ends the camera: its next Read is the end.
func (c *camera) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

// what is shown of a picture outside and inside of the property.
type shot struct {
	n               int
	outside, inside bool
}

// look checks that img is what encoders need, and that each half of it is
// either raw or hidden.
func look(img image.Image) (s shot, err error) {
	pic, ok := img.(*image.YCbCr)
	if !ok {
		return s, fmt.Errorf("it is a %T", img)
	}
	size := pic.Rect.Size()
	cw, ch := (size.X+1)/2, (size.Y+1)/2
	if pic.Rect.Min != (image.Point{}) || pic.SubsampleRatio != image.YCbCrSubsampleRatio420 ||
		pic.YStride != size.X || pic.CStride != cw || len(pic.Y) != size.X*size.Y || len(pic.Cb) != cw*ch || len(pic.Cr) != cw*ch {
		return s, fmt.Errorf("not a tight picture: %v %v, strides %d %d, planes %d %d %d",
			pic.Rect, pic.SubsampleRatio, pic.YStride, pic.CStride, len(pic.Y), len(pic.Cb), len(pic.Cr))
	}
	s.n = number(pic)
	ref := image.NewYCbCr(pic.Rect, image.YCbCrSubsampleRatio420)
	raw(ref, s.n)
	part := func(name string, y0, y1 int) (shown bool, err error) {
		got := [][]byte{pic.Y[y0*size.X : y1*size.X], pic.Cb[y0/2*cw : (y1+1)/2*cw], pic.Cr[y0/2*cw : (y1+1)/2*cw]}
		want := [][]byte{ref.Y[y0*size.X : y1*size.X], ref.Cb[y0/2*cw : (y1+1)/2*cw], ref.Cr[y0/2*cw : (y1+1)/2*cw]}
		hidden := 0
		for i := range got {
			if bytes.Count(got[i], got[i][:1]) == len(got[i]) {
				hidden++
			}
		}
		if hidden == len(got) {
			return false, nil
		}
		for i := range got {
			if !bytes.Equal(got[i], want[i]) {
				return true, fmt.Errorf("plane %d of the %s half is neither hidden nor that of frame %d", i, name, s.n)
			}
		}
		return true, nil
	}
	if s.outside, err = part("upper", 0, size.Y/2); err != nil {
		return s, err
	}
	s.inside, err = part("lower", size.Y/2, size.Y)
	return s, err
}

// reader is what Read of a transformed reader looks like.
type reader interface {
	Read() (image.Image, func(), error)
}

// drain reads to the end.
func drain(t testing.TB, r reader) (shots []shot, end error) {
	t.Helper()
	for {
		img, release, err := r.Read()
		if err != nil {
			if img != nil || release == nil {
				t.Errorf("with error %v: picture %v", err, img)
			}
			return shots, err
		}
		s, err := look(img)
		if err != nil {
			t.Fatalf("picture %d: %v", len(shots), err)
		}
		release()
		shots = append(shots, s)
	}
}
