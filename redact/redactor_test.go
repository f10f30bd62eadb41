package redact

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/race"
)

// noise returns a 4:2:0 picture of random samples.
func noise(w, h int, seed uint64) *image.YCbCr {
	rng := rand.New(rand.NewPCG(seed, 1))
	pic := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for _, p := range [][]byte{pic.Y, pic.Cb, pic.Cr} {
		randomBytes(rng, p)
	}
	return pic
}

func randomBytes(rng *rand.Rand, p []byte) {
	var b [8]byte
	for len(p) > 0 {
		binary.LittleEndian.PutUint64(b[:], rng.Uint64())
		p = p[copy(p, b[:]):]
	}
}

func clone(p *image.YCbCr) *image.YCbCr {
	q := *p
	q.Y, q.Cb, q.Cr = slices.Clone(p.Y), slices.Clone(p.Cb), slices.Clone(p.Cr)
	return &q
}

func equal(a, b *image.YCbCr) bool {
	return bytes.Equal(a.Y, b.Y) && bytes.Equal(a.Cb, b.Cb) && bytes.Equal(a.Cr, b.Cr)
}

// padded returns a copy of pic with wide strides, an offset and guard bytes in
// between, and the memory it lies in.
func padded(pic *image.YCbCr, rng *rand.Rand) (*image.YCbCr, [3][]byte) {
	const guard = 64
	q := *pic
	off := image.Pt(2*rng.IntN(9), 2*rng.IntN(9))
	q.Rect = pic.Rect.Add(off)
	q.YStride += rng.IntN(50)
	q.CStride += rng.IntN(50)
	var mem [3][]byte
	for i, p := range planes(pic) {
		stride := [3]int{q.YStride, q.CStride, q.CStride}[i]
		mem[i] = make([]byte, guard+stride*p.h+guard)
		randomBytes(rng, mem[i])
		plane := mem[i][guard:][:stride*(p.h-1)+p.w]
		for y := range p.h {
			copy(plane[y*stride:], p.pix[y*p.stride:][:p.w])
		}
		*[3]*[]byte{&q.Y, &q.Cb, &q.Cr}[i] = plane
	}
	return &q, mem
}

func mustNew(t testing.TB, p *Policy, size image.Point, o Options) *Redactor {
	t.Helper()
	r, err := New(p, size, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustRedact(t testing.TB, r *Redactor, pic *image.YCbCr, s Scene) Frame {
	t.Helper()
	f, err := r.Redact(pic, s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// randomScene returns a policy that shows some and hides some of a picture, and
// objects for it.
func randomScene(rng *rand.Rand, size image.Point) (*Policy, Scene) {
	p := &Policy{Version: 1, Property: []Polygon{{{rng.Float64(), 0}, {1, rng.Float64()}, {0.5, 1}}}}
	p.Outside.Hide = []Hide{HideAll, HideDetected}[rng.IntN(2)]
	p.Visitors = visitorKinds[rng.IntN(len(visitorKinds))]
	if rng.IntN(3) == 0 {
		p.Mask = []Polygon{{{0.2, 0.2}, {0.4, 0.3}, {0.3, rng.Float64()/2 + 0.4}}}
	}
	if rng.IntN(3) == 0 {
		p.Inside.Hide = []detect.Class{detect.Person}
	}
	var s Scene
	for range rng.IntN(6) {
		x, y := rng.Float32()*float32(size.X), rng.Float32()*float32(size.Y)
		b := detect.Box{X0: x - 4, Y0: y - 4, X1: x + 1 + rng.Float32()*90, Y1: y + 1 + rng.Float32()*90}
		s.Objects = append(s.Objects, detect.Object{
			Class: detect.Class(rng.IntN(detect.NumClasses)), Box: b, Padded: b,
			Score: rng.Float32(), Confirmed: rng.IntN(2) == 0,
		})
		if o := &s.Objects[len(s.Objects)-1]; rng.IntN(2) == 0 {
			o.Silhouette = blobs(rng, b.Grow(0.25, 0.25))
		}
	}
	for range rng.IntN(3) {
		x, y := rng.Float32()*float32(size.X), rng.Float32()*float32(size.Y)
		s.Motion = append(s.Motion, detect.Box{X0: x, Y0: y, X1: x + 20, Y1: y + 20})
	}
	return p, s
}

// replaceHidden replaces all samples of hidden blocks.
func replaceHidden(pic *image.YCbCr, c Mask, rng *rand.Rand) {
	for _, p := range planes(pic) {
		for by := range c.Size().Y {
			for bx := range c.Size().X {
				if c.At(bx, by) == Shown {
					continue
				}
				for y := by * p.block; y < min((by+1)*p.block, p.h); y++ {
					randomBytes(rng, p.pix[y*p.stride+bx*p.block:y*p.stride+min((bx+1)*p.block, p.w)])
				}
			}
		}
	}
}

// randomPlate returns a plate of which some blocks are known.
func randomPlate(size image.Point, rng *rand.Rand) *BackgroundPlate {
	p := NewBackgroundPlate(size, PlateConfig{Networks: 1})
	p.pic = noise(size.X, size.Y, rng.Uint64())
	for i := range p.blocks {
		if rng.IntN(3) > 0 {
			x, y := i%p.known.w, i/p.known.w
			p.known.set(blockRect{x, y, x + 1, y + 1})
			p.mean[i] = blockMean(p.pic, p.rect(i))
		}
	}
	return p
}

// TestHiddenIsGone is the promise of the package: what was in hidden blocks has
// no influence on the output, but for what frost shows of the place (see
// frost_test.go); shown blocks are unchanged; and no byte outside of the picture
// is touched.
func TestHiddenIsGone(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	sizes := []image.Point{{1, 1}, {2, 1}, {15, 17}, {16, 16}, {17, 15}, {33, 300}, {161, 95}, {240, 128}, {321, 241}}
	hidden, shown := 0, 0
	for i := range 108 {
		size := sizes[i%len(sizes)]
		p, s := randomScene(rng, size)
		p.Outside.Fill = outsideFills[i/len(sizes)%3]
		p.Found.Fill = foundFills[i/len(sizes)/3%2]
		if i%2 == 0 {
			s.Plate = randomPlate(size, rng)
		}
		o := options(func(o *Options) { o.Grow = 8 * rng.IntN(2); o.Soft *= 1 - i%2 })
		in := noise(size.X, size.Y, uint64(i))

		r := mustNew(t, p, size, o)
		first := clone(in)
		mask := mustRedact(t, r, first, s).Mask()
		if o.Soft == 0 {
			checkShown(t, in, first, mask)
		}
		other := clone(in)
		replaceHidden(other, mask, rng)
		s.Time = time.Second
		mustRedact(t, r, other, s)
		if !equal(first, other) {
			t.Fatalf("case %d, %v, %v: what is hidden shows in the output", i, size, p.Outside.Fill)
		}

		wide, mem := padded(in, rng)
		before := [3][]byte{slices.Clone(mem[0]), slices.Clone(mem[1]), slices.Clone(mem[2])}
		moved := s
		moved.Objects = slices.Clone(s.Objects)
		moved.Motion = slices.Clone(s.Motion)
		dx, dy := float32(wide.Rect.Min.X), float32(wide.Rect.Min.Y)
		for j := range moved.Objects {
			moved.Objects[j].Box = moved.Objects[j].Box.Shift(dx, dy)
			moved.Objects[j].Padded = moved.Objects[j].Box
		}
		for j := range moved.Motion {
			moved.Motion[j] = moved.Motion[j].Shift(dx, dy)
		}
		wideMask := mustRedact(t, mustNew(t, p, size, o), wide, moved).Mask()
		checkGuards(t, planes(wide), mem, before, wideMask, o.Soft == 0)

		for by := range mask.Size().Y {
			for bx := range mask.Size().X {
				if mask.At(bx, by) == Shown {
					shown++
				} else {
					hidden++
				}
			}
		}
	}
	if hidden < 500 || shown < 500 {
		t.Fatalf("%d hidden and %d shown blocks test nothing", hidden, shown)
	}
}

// checkShown fails unless all samples of shown blocks are as they were, and
// those of solid blocks of one colour.
func checkShown(t *testing.T, in, out *image.YCbCr, c Mask) {
	t.Helper()
	a, b := planes(in), planes(out)
	for i, p := range a {
		solid := grey(p.block, [3]byte{solidLuma, solidChroma, solidChroma}[i])
		for y := range p.h {
			for x := 0; x < p.w; x += p.block {
				end := min(x+p.block, p.w)
				was, is := p.pix[y*p.stride+x:y*p.stride+end], b[i].pix[y*b[i].stride+x:y*b[i].stride+end]
				switch c.At(x/p.block, y/p.block) {
				case Shown:
					if !bytes.Equal(was, is) {
						t.Fatalf("plane %d, row %d from %d: a shown block changed", i, y, x)
					}
				case Solid:
					if !bytes.Equal(is, solid[:len(is)]) {
						t.Fatalf("plane %d, row %d from %d: a solid block is not of one colour", i, y, x)
					}
				case Frost, Background:
				}
			}
		}
	}
}

// checkGuards fails when memory changed that is not of the picture or, where no edge
// is soft, not of a hidden block.
func checkGuards(t *testing.T, ps [3]plane, mem, before [3][]byte, c Mask, hard bool) {
	t.Helper()
	for i, p := range ps {
		if bytes.Equal(mem[i], before[i]) {
			continue
		}
		for j := range mem[i] {
			if mem[i][j] == before[i][j] {
				continue
			}
			k := j - 64
			x, y := k%p.stride, k/p.stride
			if k < 0 || y >= p.h || x >= p.w || hard && c.At(x/p.block, y/p.block) == Shown {
				t.Fatalf("plane %d: byte %d, sample (%d,%d) of %dx%d, was touched", i, j, x, y, p.w, p.h)
			}
		}
	}
}

func TestLevels(t *testing.T) {
	size := image.Pt(320, 160)
	left := []Polygon{{{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}}
	strip := []Polygon{{{0.5, 0}, {0.75, 0}, {0.75, 1}, {0.5, 1}}}
	base := Policy{Version: 1, Property: left, Strip: strip}
	detected, inside := base, base
	detected.Outside.Hide = HideDetected
	inside.Inside.Hide = []detect.Class{detect.Face}
	nan := float32(math.NaN())
	bad := []detect.Object{{Class: detect.Face, Score: 1, Box: detect.Box{X0: nan, X1: 5, Y1: 5}, Padded: detect.Box{X1: 5, Y1: 5}}}
	for _, c := range []struct {
		name   string
		policy Policy
		scene  Scene
		hidden float64
		failed bool
	}{
		{"policy", base, Scene{}, 0.25, false},
		{"policy, detected", detected, Scene{}, 0, false},
		{"outside", base, Scene{Level: HideOutside}, 0.5, true},
		{"outside, detected", detected, Scene{Level: HideOutside}, 0.5, true},
		{"outside, something hidden inside", inside, Scene{Level: HideOutside}, 1, true},
		{"frame", detected, Scene{Level: HideFrame}, 1, true},
		{"level that does not exist", base, Scene{Level: 17}, 1, true},
		{"object that is no number", detected, Scene{Objects: bad}, 0.5, true},
		{"object that is no number, something hidden inside", inside, Scene{Objects: bad}, 1, true},
		{"empty motion", detected, Scene{Motion: []detect.Box{{X0: 5, X1: 5, Y1: 9}}}, 0.5, true},
		{"class that does not exist", detected, Scene{Objects: []detect.Object{{Class: 9, Box: detect.Box{X1: 5, Y1: 5}, Padded: detect.Box{X1: 5, Y1: 5}}}}, 0.5, true},
		{"score that is none", detected, Scene{Objects: []detect.Object{{Score: nan, Box: detect.Box{X1: 5, Y1: 5}, Padded: detect.Box{X1: 5, Y1: 5}}}}, 0.5, true},
		{"boundless object", detected, Scene{Objects: []detect.Object{{Score: 1, Box: detect.Box{X0: -3e38, Y0: -3e38, X1: 3e38, Y1: 3e38}, Padded: detect.Box{X1: 5, Y1: 5}}}}, 0.5, true},
	} {
		f := mustRedact(t, mustNew(t, &c.policy, size, DefaultOptions()), noise(320, 160, 1), c.scene)
		if got := f.Mask().Hidden(); got != c.hidden || f.Hidden() != (c.hidden == 1) {
			t.Errorf("%s: %v hidden, want %v (whole: %v)", c.name, got, c.hidden, f.Hidden())
		}
		if f.Mask().Counts().Failed != c.failed {
			t.Errorf("%s: failed is %v", c.name, !c.failed)
		}
	}
}

func TestRefusedPictures(t *testing.T) {
	r := mustNew(t, nil, image.Pt(64, 48), DefaultOptions())
	good := noise(64, 48, 1)
	for name, spoil := range map[string]func(p *image.YCbCr){
		"another size":    func(p *image.YCbCr) { *p = *noise(48, 64, 1) },
		"empty":           func(p *image.YCbCr) { *p = image.YCbCr{} },
		"4:4:4":           func(p *image.YCbCr) { p.SubsampleRatio = image.YCbCrSubsampleRatio444 },
		"odd corner":      func(p *image.YCbCr) { p.Rect = p.Rect.Add(image.Pt(1, 0)) },
		"short luma":      func(p *image.YCbCr) { p.Y = p.Y[:len(p.Y)-1] },
		"short chroma":    func(p *image.YCbCr) { p.Cr = p.Cr[:10] },
		"no chroma":       func(p *image.YCbCr) { p.Cb = nil },
		"narrow stride":   func(p *image.YCbCr) { p.YStride = 63 },
		"negative stride": func(p *image.YCbCr) { p.CStride = -32 },
		"zero stride":     func(p *image.YCbCr) { p.CStride = 0 },
	} {
		bad := clone(good)
		spoil(bad)
		before := clone(bad)
		f, err := r.Redact(bad, Scene{})
		if !errors.Is(err, ErrPicture) || f != (Frame{}) || !equal(bad, before) {
			t.Errorf("%s: frame %v, error %v", name, f.Valid(), err)
		}
	}
	if f, err := r.Redact(nil, Scene{}); !errors.Is(err, ErrPicture) || f.Valid() {
		t.Errorf("no picture: %v", err)
	}
	if !mustRedact(t, r, good, Scene{}).Valid() {
		t.Error("the redactor does not work any more")
	}
}

func TestNewRefuses(t *testing.T) {
	for _, size := range []image.Point{{0, 0}, {0, 5}, {-3, 4}, {MaxSize + 1, 8}} {
		if _, err := New(nil, size, DefaultOptions()); !errors.Is(err, ErrPicture) {
			t.Errorf("size %v: %v", size, err)
		}
	}
	var pe *PolicyError
	if _, err := New(&Policy{}, image.Pt(8, 8), DefaultOptions()); !errors.As(err, &pe) {
		t.Errorf("bad policy: %v", err)
	}
	nan := float32(math.NaN())
	for _, o := range []Options{{Grow: -1}, {Grow: 129}, {Soft: 49}, {Soft: -1}, {Margin: nan}, {Margin: 5}, {Margin: -1}, {FrostHold: -1}, {VisitorScore: nan}, {VisitorScore: 2}, {VisitorAge: -1}} {
		if _, err := New(nil, image.Pt(8, 8), o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestPanic: a panic inside gives an error and no frame, and spoils nothing.
func TestPanic(t *testing.T) {
	r := mustNew(t, nil, image.Pt(64, 48), DefaultOptions())
	sums := frostOf(r).sums
	frostOf(r).sums = nil
	f, err := r.Redact(noise(64, 48, 1), Scene{})
	if err == nil || !strings.Contains(err.Error(), "panic") || f != (Frame{}) {
		t.Fatalf("frame %v, error %v", f.Valid(), err)
	}
	frostOf(r).sums = sums
	if f := mustRedact(t, r, noise(64, 48, 1), Scene{}); !f.Hidden() {
		t.Fatal("not hidden after a panic")
	}
}

func TestLargestPicture(t *testing.T) {
	race.SkipPixels(t)
	for _, size := range []image.Point{{MaxSize, 16}, {16, MaxSize}, {4096, 2304}} {
		in := noise(size.X, size.Y, 3)
		p := &Policy{Version: 1, Property: []Polygon{{{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}}}
		out := clone(in)
		f := mustRedact(t, mustNew(t, p, size, DefaultOptions()), out, Scene{})
		checkShown(t, in, out, f.Mask())
		if got := f.Mask().Hidden(); got < 0.5 || got > 0.51 && size.X > 16 {
			t.Errorf("%v: %v hidden", size, got)
		}
	}
}

// options returns the defaults as f changes them.
func options(f func(*Options)) Options {
	o := DefaultOptions()
	f(&o)
	return o
}

func noMargin() Options { return options(func(o *Options) { o.Margin = 0 }) }
