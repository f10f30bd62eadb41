package pipeline_test

import (
	"bytes"
	"context"
	"image"
	"io"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The scene of these tests: 128x96 pixels, 16x12 blocks. The property is the
// lower half, so that rows 0..5 of blocks are outside.
const (
	width, height = 128, 96
	insideRow     = 6
	interval      = 40 * time.Millisecond
)

const (
	zones       = `"property": [[[0,0.5],[1,0.5],[1,1],[0,1]]]`
	hideAll     = `{"version": 1, ` + zones + `, "outside": {"hide": "all", "fill": "solid"}, "found": {"fill": "solid"}}`
	hideFound   = `{"version": 1, ` + zones + `, "outside": {"hide": "detected", "fill": "solid"}, "found": {"fill": "solid"}}`
	hideInside  = `{"version": 1, ` + zones + `, "outside": {"hide": "detected", "fill": "solid"}, "found": {"fill": "solid"}, "inside": {"hide": ["face"]}}`
	hideAllFace = `{"version": 1, ` + zones + `, "outside": {"hide": "all", "fill": "solid"}, "found": {"fill": "solid"}, "inside": {"hide": ["face"]}}`
)

func policy(t testing.TB, text string) *redact.Policy {
	t.Helper()
	p, err := redact.ParsePolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// raw fills a picture with noise, of which a little depends on the frame's number: no
// two neighbouring samples are alike, so that a hidden block cannot look like a
// shown one, and the scene goes on from frame to frame.
func raw(pic *image.YCbCr, n int) { rawScene(pic, 0, n) }

// rawScene is raw for another scene.
func rawScene(pic *image.YCbCr, scene, n int) {
	seed, other := uint32(scene)*2654435761+1, uint32(n)*2654435761+1
	for _, plane := range [][]byte{pic.Y, pic.Cb, pic.Cr} {
		for i := range plane {
			seed = seed*1664525 + 1013904223
			other = other*1664525 + 1013904223
			plane[i] = uint8(16 + seed>>24%200 + other>>24%8)
		}
	}
}

// camera is a source of numbered noise pictures.
type camera struct {
	frames int
	size   func(n int) image.Point                // defaults to width x height
	native func(n int) image.Point                // defaults to none
	at     func(n int) time.Duration              // defaults to n*interval
	fault  func(ctx context.Context, n int) error // before frame n is made
	pace   time.Duration                          // real time between frames

	n int
}

func (c *camera) Read(ctx context.Context, b *pipeline.Buffer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.n == c.frames {
		return io.EOF
	}
	n := c.n
	c.n++
	if c.pace > 0 {
		select {
		case <-time.After(c.pace):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if c.fault != nil {
		if err := c.fault(ctx, n); err != nil {
			return err
		}
	}
	size := image.Pt(width, height)
	if c.size != nil {
		size = c.size(n)
	}
	if c.native != nil {
		b.Native = c.native(n)
	}
	raw(b.Resize(size.X, size.Y), n)
	b.Time = time.Duration(n) * interval
	if c.at != nil {
		b.Time = c.at(n)
	}
	return nil
}

// shot is what reached the sink: which blocks of a frame were shown.
type shot struct {
	n     int
	at    time.Duration
	size  image.Point
	shown [][]bool // by row and column of blocks
}

// outsideShown and insideShown count the shown blocks of either side.
func (s shot) outsideShown() int { return count(s.shown[:len(s.shown)/2]) }
func (s shot) insideShown() int  { return count(s.shown[len(s.shown)/2:]) }

func count(rows [][]bool) (n int) {
	for _, row := range rows {
		for _, v := range row {
			if v {
				n++
			}
		}
	}
	return n
}

// album is a sink that compares every byte it gets with the raw picture of the
// same time: each block is either the raw one or one flat colour.
type album struct {
	t     testing.TB
	fault func(ctx context.Context, n int) error // before frame n is taken
	index func(at time.Duration) int             // defaults to at/interval

	mu       sync.Mutex
	shots    []shot
	writes   int
	finished int
}

func (a *album) Write(ctx context.Context, f redact.Frame) error {
	a.writes++
	if a.fault != nil {
		if err := a.fault(ctx, a.writes-1); err != nil {
			return err
		}
	}
	pic := f.Picture()
	n := int(f.Time() / interval)
	if a.index != nil {
		n = a.index(f.Time())
	}
	ref := image.NewYCbCr(pic.Rect, image.YCbCrSubsampleRatio420)
	raw(ref, n)
	s := shot{n: n, at: f.Time(), size: pic.Rect.Size()}
	for y := 0; y < pic.Rect.Dy(); y += 8 {
		var row []bool
		for x := 0; x < pic.Rect.Dx(); x += 8 {
			row = append(row, a.block(pic, ref, x, y))
		}
		s.shown = append(s.shown, row)
	}
	a.mu.Lock()
	a.shots = append(a.shots, s)
	a.mu.Unlock()
	return nil
}

// block reports whether half of the block of 8x8 pixels at (x, y) is shown, and fails
// the test if a block of 2x2 in it is neither raw nor of one colour.
func (a *album) block(pic, ref *image.YCbCr, x, y int) bool {
	shown, all := 0, 0
	for v := y; v < min(y+8, pic.Rect.Dy()); v += 2 {
		for u := x; u < min(x+8, pic.Rect.Dx()); u += 2 {
			c := pic.COffset(u, v)
			isRaw, isFlat := pic.Cb[c] == ref.Cb[c] && pic.Cr[c] == ref.Cr[c], true
			first := pic.Y[pic.YOffset(u, v)]
			for r := v; r < min(v+2, pic.Rect.Dy()); r++ {
				from, to := pic.YOffset(u, r), pic.YOffset(min(u+2, pic.Rect.Dx())-1, r)+1
				isRaw = isRaw && bytes.Equal(pic.Y[from:to], ref.Y[from:to])
				for _, luma := range pic.Y[from:to] {
					isFlat = isFlat && luma == first
				}
			}
			if !isRaw && !isFlat {
				a.t.Errorf("the pixels at %d,%d are neither raw nor flat", u, v)
			}
			if all++; !isFlat {
				shown++
			}
		}
	}
	return 2*shown >= all
}

func (a *album) Finish(context.Context) error { a.finished++; return nil }

// seen is the album's shots so far.
func (a *album) seen() []shot {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]shot(nil), a.shots...)
}

// patience is how long a faulty detector is waited for: not long where it hangs
// on purpose, and long where a busy machine must not look like a hang.
func patience(fault string) time.Duration {
	if fault == "hang" {
		return 20 * time.Millisecond
	}
	return time.Minute
}

// everything is all classes that the policies of these tests need.
var everything = detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle)

func newPipeline(t testing.TB, c pipeline.Config) *pipeline.Pipeline {
	t.Helper()
	// Noise pictures are all motion; that voice has its own tests.
	c.Moving = true
	return newFixed(t, c)
}

// newFixed is newPipeline with the motion voice.
func newFixed(t testing.TB, c pipeline.Config) *pipeline.Pipeline {
	t.Helper()
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
