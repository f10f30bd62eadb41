package redact

import (
	"hash/crc64"
	"image"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// blob is something that passes: a rectangle of noise about a colour, in the
// pictures from sample from to before sample to.
type blob struct {
	at       image.Rectangle
	colour   [3]byte
	from, to int
}

// draw puts the blob into the hidden blocks of a picture. Where the mask shows
// the picture it would be seen anyway.
func (b blob) draw(pic *image.YCbCr, c Mask, rng *rand.Rand) {
	ps := planes(pic)
	for i, p := range ps {
		shrink := ps[0].block / p.block
		x0, x1 := b.at.Min.X/shrink, min(b.at.Max.X/shrink, p.w)
		for y := b.at.Min.Y / shrink; y < min(b.at.Max.Y/shrink, p.h); y++ {
			for x := x0; x < x1; {
				end := min((x/p.block+1)*p.block, x1)
				if c.At(x/p.block, y/p.block) != Shown {
					row := p.pix[y*p.stride+x : y*p.stride+end]
					for j := range row {
						row[j] = b.colour[i] + byte(rng.Uint32()&7)
					}
				}
				x = end
			}
		}
	}
}

func frostOf(r *Redactor) *frost { return r.fills[Frost].(*frost) }

// runStill redacts still for so many samples, a second apart, with a picture in
// between, and returns a checksum of each output.
func runStill(t *testing.T, r *Redactor, still *image.YCbCr, s Scene, samples int, change func(pic *image.YCbCr, sample int)) (out []uint64) {
	t.Helper()
	pic := clone(still)
	for n := range 2 * samples {
		copyPicture(pic, still)
		change(pic, n/2)
		s.Time = time.Duration(n) * time.Second / 2
		f := mustRedact(t, r, pic, s)
		sum := crc64.New(crcTable)
		for _, p := range [][]byte{pic.Y, pic.Cb, pic.Cr} {
			sum.Write(p)
		}
		out = append(out, sum.Sum64())
		f.Release()
	}
	return out
}

var crcTable = crc64.MakeTable(crc64.ECMA)

// TestPassersLeaveNothing is what frost promises: whatever passes and is found
// by nobody, for fewer than 10 samples, leaves not one bit in the picture, at no
// time, when the rest is static; wherever the values are on their way.
func TestPassersLeaveNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	const cases = 16
	hidden, moved := 0, 0
	for i := range cases {
		size := []image.Point{{160, 128}, {161, 95}, {97, 300}, {33, 33}}[i%4]
		policy, s := randomScene(rng, size)
		policy.Outside.Fill = Frost
		o := options(func(o *Options) { o.Grow = 8 * rng.IntN(2) })
		still := noise(size.X, size.Y, uint64(i))
		for _, p := range planes(still) {
			for j := range p.pix {
				p.pix[j] = p.pix[j]/4 + byte(j*190/len(p.pix))
			}
		}
		mask := mustRedact(t, mustNew(t, policy, size, o), clone(still), s).Mask()

		const samples = 64
		var blobs []blob
		for from := 1 + rng.IntN(12); from < samples; {
			x, y := rng.IntN(size.X), rng.IntN(size.Y)
			b := blob{at: image.Rect(x, y, x+1+rng.IntN(size.X), y+1+rng.IntN(size.Y)), from: from, to: from + 9 - rng.IntN(4)*rng.IntN(3)}
			b.colour = [3]byte{byte(rng.IntN(247)), byte(rng.IntN(247)), byte(rng.IntN(247))}
			blobs = append(blobs, b)
			// Fewer than 10 in any 20: that they come again gives nothing either.
			from = b.from + 20
		}
		empty := runStill(t, mustNew(t, policy, size, o), still, s, samples, func(*image.YCbCr, int) {})
		passed := runStill(t, mustNew(t, policy, size, o), still, s, samples, func(pic *image.YCbCr, n int) {
			for _, b := range blobs {
				if n >= b.from && n < b.to {
					b.draw(pic, mask, rng)
				}
			}
		})
		for n := range empty {
			if empty[n] != passed[n] {
				t.Fatalf("case %d, %v: what passed shows in picture %d", i, size, n)
			}
		}
		hidden += int(1000 * mask.Hidden())
		if empty[0] != empty[len(empty)-1] {
			moved++
		}
	}
	if hidden < 200*cases || moved < cases/3 {
		t.Fatalf("%d hidden, %d in which values moved: this tests nothing", hidden, moved)
	}
}

// TestStayersMoveOneStep: what stays for half of a window moves the values of
// its cells by one step, at the window's end, and by no more however long it
// stays in it.
func TestStayersMoveOneStep(t *testing.T) {
	size := image.Pt(160, 128) // cells of 16
	still := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	for _, p := range planes(still) {
		for i := range p.pix {
			p.pix[i] = 128
		}
	}
	who := blob{at: image.Rect(64, 64, 96, 96), colour: [3]byte{20, 200, 60}}
	for _, c := range []struct {
		from, to int
		steps    int
	}{{1, 11, 0}, {1, 12, 1}, {1, 21, 1}, {11, 21, 0}, {10, 21, 1}, {11, 31, 0}, {10, 32, 2}, {1, 61, 3}} {
		r := mustNew(t, nil, size, DefaultOptions())
		rng := rand.New(rand.NewPCG(1, 1))
		runStill(t, r, still, Scene{}, 62, func(pic *image.YCbCr, n int) {
			if n >= c.from && n < c.to {
				who.draw(pic, Mask{}, rng)
			}
			// Nobody there later on would move the values back.
			if n == max(20*((c.to+18)/20), 20)+1 {
				for cell := range frostOf(r).shown[0] {
					x, y := cell%frostOf(r).cols*16, cell/frostOf(r).cols*16
					want := [3]int{128, 128, 128}
					if image.Pt(x, y).In(who.at) {
						want = [3]int{128 - 8*c.steps, 128 + 8*c.steps, 128 - 8*c.steps}
					}
					got := [3]int{int(frostOf(r).shown[0][cell]), int(frostOf(r).shown[1][cell]), int(frostOf(r).shown[2][cell])}
					if got != want {
						t.Fatalf("samples %d to %d: cell at (%d,%d) has %v, want %v", c.from, c.to, x, y, got, want)
					}
				}
			}
		})
	}
}

// TestFoundLeavesNothing: cells that something found touches hold their values,
// however long it stays, wherever it is hidden; the others go on.
func TestFoundLeavesNothing(t *testing.T) {
	size := image.Pt(320, 256)
	still := noise(size.X, size.Y, 5)
	for i := range still.Y {
		still.Y[i] |= 0xc0
	}
	who := inBlocks(5, 5, 7, 7)
	found := detect.Object{Class: detect.Person, Box: who, Padded: who, Score: 0.4}
	for name, s := range map[string]Scene{
		"object": {Objects: []detect.Object{found}},
		"motion": {Motion: []detect.Box{who}},
	} {
		r := mustNew(t, nil, size, noMargin())
		mustRedact(t, r, noise(size.X, size.Y, 4), s).Release() // dark: values begin low
		before := slices.Clone(frostOf(r).shown[0])
		for n := range 400 {
			s.Time = time.Duration(n+1) * time.Second
			mustRedact(t, r, clone(still), s).Release()
		}
		for cell, v := range frostOf(r).shown[0] {
			x, y := cell%frostOf(r).cols, cell/frostOf(r).cols
			held := x >= 2 && x < 4 && y >= 2 && y < 4 // who stands there: cells have two blocks a side
			if (v == before[cell]) != held {
				t.Fatalf("%s: cell (%d,%d) went from %d to %d", name, x, y, before[cell], v)
			}
		}
	}
	// Where only what was found is hidden, no value ever moves.
	r := mustNew(t, &Policy{Version: 1, Outside: Outside{Hide: HideDetected}}, size, DefaultOptions())
	mustRedact(t, r, noise(size.X, size.Y, 4), Scene{}).Release()
	before := slices.Clone(frostOf(r).shown[0])
	for n := range 100 {
		s := Scene{Time: time.Duration(n+1) * time.Second, Objects: []detect.Object{found}}
		mustRedact(t, r, clone(still), s).Release()
	}
	if !slices.Equal(before, frostOf(r).shown[0]) {
		t.Error("values moved though nothing is hidden but what was found")
	}
}

// TestFrostShowsThePlace: after minutes of a static picture the values are those
// of the place, and stay.
func TestFrostShowsThePlace(t *testing.T) {
	size := image.Pt(320, 256)
	still := noise(size.X, size.Y, 6)
	for i, p := range planes(still) {
		for j := range p.pix {
			p.pix[j] = p.pix[j]/16 + byte(j/p.stride*100/p.h) + byte(30*i)
		}
	}
	r := mustNew(t, nil, size, DefaultOptions())
	mean := func(p plane, cell int) (m float64) {
		side := frostOf(r).cell / frostOf(r).side * p.block
		x0, y0, n := cell%frostOf(r).cols*side, cell/frostOf(r).cols*side, 0
		for y := y0; y < y0+side; y++ {
			for x := x0; x < x0+side; x++ {
				m += float64(p.pix[y*p.stride+x])
				n++
			}
		}
		return m / float64(n)
	}
	var first []uint8
	for n := range 32 * frostWindow {
		mustRedact(t, r, clone(still), Scene{Time: time.Duration(n) * time.Second}).Release()
		if n == 25*frostWindow {
			first = slices.Clone(frostOf(r).shown[0])
		}
	}
	if !slices.Equal(first, frostOf(r).shown[0]) {
		t.Error("values go on moving in a static picture")
	}
	for i, p := range planes(still) {
		for cell, v := range frostOf(r).shown[i] {
			// The kernel takes every fourth row, hence 3 more.
			if d := float64(v) - mean(p, cell); d > frostSlack+3 || d < -frostSlack-3 {
				t.Fatalf("plane %d, cell %d: shows %d of a mean of %.1f", i, cell, v, mean(p, cell))
			}
		}
	}
}

// TestFrostIsStill: between two samples, and when a picture is not trusted, the
// pixels are not looked at.
func TestFrostIsStill(t *testing.T) {
	size := image.Pt(320, 240)
	for name, c := range map[string]struct {
		step  time.Duration
		level Level
	}{
		"between samples":           {time.Millisecond * 30, HidePolicy},
		"everything outside hidden": {2 * time.Second, HideOutside},
		"frame hidden":              {2 * time.Second, HideFrame},
		"time runs backwards":       {-2 * time.Second, HidePolicy},
	} {
		r := mustNew(t, nil, size, DefaultOptions())
		first := mustRedact(t, r, noise(320, 240, 1), Scene{Time: 1000 * time.Second})
		for n := range 33 {
			pic := noise(320, 240, uint64(n+2))
			for i := range pic.Y {
				pic.Y[i] |= 0x80
			}
			f := mustRedact(t, r, pic, Scene{Time: 1000*time.Second + time.Duration(n+1)*c.step, Level: c.level})
			if !equal(f.Picture(), first.Picture()) {
				t.Fatalf("%s: picture %d differs", name, n)
			}
		}
	}
	r := mustNew(t, nil, size, options(func(o *Options) { o.FrostHold = 0 }))
	for range 1 + frostWindow {
		mustRedact(t, r, noise(320, 240, 1), Scene{}).Release()
	}
	if frostOf(r).taken != 0 || frostOf(r).shown[0][0] == 0 {
		t.Error("a negative hold does not take a sample of every picture")
	}
}

// TestFrostStart: the first colour is that of the picture; an object in less
// than half of it does not change it, nor does one that was found.
func TestFrostStart(t *testing.T) {
	size := image.Pt(320, 256)
	start := func(objects []detect.Object, white image.Rectangle) [3]uint8 {
		pic := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		for i, p := range planes(pic) {
			for j := range p.pix {
				p.pix[j] = [3]byte{60, 120, 141}[i]
			}
		}
		blob{at: white, colour: [3]byte{220, 30, 220}}.draw(pic, Mask{}, rand.New(rand.NewPCG(1, 1)))
		r := mustNew(t, nil, size, DefaultOptions())
		mustRedact(t, r, pic, Scene{Objects: objects}).Release()
		return [3]uint8{frostOf(r).shown[0][7], frostOf(r).shown[1][7], frostOf(r).shown[2][7]}
	}
	left := detect.Box{X1: 180, Y1: 256}
	found := []detect.Object{{Class: detect.Person, Box: left, Padded: left, Score: 1}}
	for _, c := range []struct {
		name    string
		objects []detect.Object
		white   image.Rectangle
		want    [3]uint8
	}{
		{"nobody", nil, image.Rectangle{}, [3]uint8{64, 120, 144}},
		{"somebody", nil, image.Rect(0, 0, 144, 256), [3]uint8{64, 120, 144}},
		{"somebody found", found, image.Rect(0, 0, 180, 256), [3]uint8{64, 120, 144}},
		{"nothing but found", []detect.Object{{Class: detect.Face, Box: detect.Box{X1: 320, Y1: 256}, Padded: detect.Box{X1: 320, Y1: 256}}},
			image.Rectangle{}, [3]uint8{solidLuma, solidChroma, solidChroma}},
	} {
		if got := start(c.objects, c.white); got != c.want {
			t.Errorf("%s: starts at %v, want %v", c.name, got, c.want)
		}
	}
}

// TestSetPolicy: values go on under another policy, and an invalid one changes
// nothing.
func TestSetPolicy(t *testing.T) {
	size := image.Pt(320, 256)
	r := mustNew(t, nil, size, DefaultOptions())
	for n := range 5 * frostWindow {
		mustRedact(t, r, noise(320, 256, uint64(n)), Scene{Time: time.Duration(n) * time.Second}).Release()
	}
	dark := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	was := slices.Clone(frostOf(r).shown[0])
	if err := r.SetPolicy(&Policy{Version: 1, Property: []Polygon{{{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}}}); err != nil {
		t.Fatal(err)
	}
	f := mustRedact(t, r, clone(dark), Scene{Time: time.Duration(5*frostWindow)*time.Second - 1})
	if got := f.Mask().Hidden(); got != 0.5 {
		t.Errorf("%v hidden under the new policy", got)
	}
	if !slices.Equal(was, frostOf(r).shown[0]) {
		t.Error("values did not go on under the new policy")
	}
	if err := r.SetPolicy(&Policy{}); err == nil {
		t.Error("a policy without a version was accepted")
	}
	if got := mustRedact(t, r, clone(dark), Scene{}).Mask().Hidden(); got != 0.5 {
		t.Errorf("%v hidden after an invalid policy", got)
	}
	if err := r.SetPolicy(nil); err != nil || !mustRedact(t, r, clone(dark), Scene{}).Hidden() {
		t.Errorf("no policy does not hide everything: %v", err)
	}
}

// FuzzFrost: whatever comes, values are 5 bits, move by at most one step, only
// after a whole window, and only in cells with hidden blocks that nothing found
// touches.
func FuzzFrost(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 255, 255, 128, 7, 9})
	long := make([]byte, 400)
	randomBytes(rand.New(rand.NewPCG(3, 3)), long)
	f.Add(long)
	f.Add(slices.Repeat([]byte{8, 8, 200}, 100))
	f.Fuzz(func(t *testing.T, data []byte) {
		size := image.Pt(150, 70)
		p := &Policy{Version: 1, Property: []Polygon{{{0.5, 0}, {1, 0}, {1, 1}, {0.5, 1}}}, Inside: Inside{Hide: []detect.Class{detect.Face}}}
		r := mustNew(t, p, size, noMargin())
		at, samples := time.Duration(0), 0
		pic := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		mustRedact(t, r, pic, Scene{}).Release()
		for ; len(data) >= 3; data = data[3:] {
			was := [3][]uint8{slices.Clone(frostOf(r).shown[0]), slices.Clone(frostOf(r).shown[1]), slices.Clone(frostOf(r).shown[2])}
			step := time.Duration(data[0]%16-1) * 250 * time.Millisecond
			s := Scene{Time: at + step, Level: Level(data[0] >> 4 % 3)}
			if data[0] >= 0x80 {
				b := inBlocks(float32(data[1]%10), float32(data[1]>>4%5), float32(data[1]%10)+1.5, float32(data[1]>>4%5)+1)
				s.Objects = []detect.Object{{Class: detect.Face, Box: b, Padded: b, Score: 1}}
			}
			for i := range pic.Y {
				pic.Y[i] = data[2] + (byte(i)&data[1])>>5
			}
			last := frostOf(r).last
			fr := mustRedact(t, r, pic, s)
			samples++
			changed := false
			for i := range was {
				for c, v := range frostOf(r).shown[i] {
					d := int(v) - int(was[i][c])
					if v < 8 || v > 248 || v%8 != 0 || d > 8 || d < -8 {
						t.Fatalf("plane %d, cell %d: from %d to %d", i, c, was[i][c], v)
					}
					changed = changed || d != 0
					x := c % frostOf(r).cols
					if d != 0 && x*frostOf(r).cell >= size.X/2+8 {
						t.Fatalf("cell %d changed, which the zones show", c)
					}
				}
			}
			if changed && (samples < frostWindow || s.Time-last < time.Second || frostOf(r).taken != 0) {
				t.Fatalf("changed after %d samples", samples)
			}
			if changed {
				samples = 0
			}
			fr.Release()
			at = s.Time
		}
	})
}
