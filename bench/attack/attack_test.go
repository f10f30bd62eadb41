package main

import (
	"bytes"
	"image"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/detect"
)

// TestInterval compares with published values (R's binom.test).
func TestInterval(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{
		{0, 10, 0, 0.3084971}, {10, 10, 0.6915029, 1}, {5, 10, 0.1870860, 0.8129140},
		{1, 20, 0.001265, 0.248733}, {0, 0, 0, 1},
	} {
		low, high := interval(c.k, c.n)
		if math.Abs(low-c.low) > 2e-5 || math.Abs(high-c.high) > 2e-5 {
			t.Errorf("%d of %d: %.6f to %.6f, want %.6f to %.6f", c.k, c.n, low, high, c.low, c.high)
		}
	}
}

func TestSimilarity(t *testing.T) {
	a := []float64{10, 20, 30, 40}
	if c := correlation(a, []float64{1, 2, 3, 4}); math.Abs(c-1) > 1e-12 {
		t.Errorf("correlation with itself, darker: %v", c)
	}
	if c := correlation(a, []float64{4, 3, 2, 1}); math.Abs(c+1) > 1e-12 {
		t.Errorf("correlation with its negative: %v", c)
	}
	if c := correlation(a, []float64{7, 7, 7, 7}); c != 0 {
		t.Errorf("correlation with a flat picture: %v", c)
	}
	almost := []float64{7, 7, 7 + 1e-12, 7}
	if c := correlation(almost, almost); c != 0 {
		t.Errorf("correlation of what rounding left: %v", c)
	}
	if p := psnr(a, a); p != 99 {
		t.Errorf("PSNR of the same: %v", p)
	}
	if p := psnr([]float64{0, 0}, []float64{255, 255}); math.Abs(p) > 1e-12 {
		t.Errorf("PSNR of black against white: %v", p)
	}
}

// TestClassifiersLearn: what can be told apart is; what cannot is at chance.
func TestClassifiersLearn(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const n, d = 5, 12
	draw := func(signal float64, count int) (out []sample) {
		for i := range count {
			x := make([]float64, d)
			for j := range x {
				x[j] = rng.NormFloat64()
			}
			x[i%n] += signal
			out = append(out, sample{x, i % n})
		}
		return out
	}
	for _, c := range []struct{ signal, low, high float64 }{{6, 0.95, 1}, {0, 0.1, 0.3}} {
		train, test := draw(c.signal, 500), draw(c.signal, 500)
		standardise(train, test)
		softmax, mlp := newLayers(rng, d, n), newLayers(rng, d, 16, n)
		softmax.train(train, 20, rng)
		mlp.train(train, 20, rng)
		for name, k := range map[string]classifier{"neighbours": &neighbours{5, n, train}, "softmax": softmax, "mlp": mlp} {
			right, groups := accuracy(k, test, 1)
			if a := float64(right) / 500; a < c.low || a > c.high || groups != 500 {
				t.Errorf("%s with signal %v: accuracy %v, want %v to %v", name, c.signal, a, c.low, c.high)
			}
		}
	}
}

func TestViewsAddUp(t *testing.T) {
	right, groups := accuracy(echo{}, []sample{
		{[]float64{1, 0}, 0}, {[]float64{0, 0.4}, 0}, // together right
		{[]float64{1, 0}, 1}, {[]float64{0, 0.4}, 1}, // together wrong
		{[]float64{0, 1}, 1}, // half a group
	}, 2)
	if right != 1 || groups != 2 {
		t.Errorf("%d right of %d, want 1 of 2", right, groups)
	}
}

// echo gives the features as scores.
type echo struct{}

func (echo) scores(x []float64) []float64 { return slices.Clone(x) }

// TestRecogniser: a mosaic of small cells is broken, one colour is not.
func TestRecogniser(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	plates := newCast(nil, 4, rng).plates(128)
	o := &options{people: 4, train: 20}
	for _, c := range []struct {
		trial     trial
		low, high float64
	}{
		{trial{what: "plate", fill: "mosaic", class: detect.Plate, subjects: plates, lines: 256, way: way{mosaic: 8}}, 0.8, 1},
		{trial{what: "plate", fill: "solid", class: detect.Plate, subjects: plates, lines: 256, way: way{known: true}}, 0.1, 0.42},
		{trial{what: "plate", fill: "direct", class: detect.Plate, subjects: plates, lines: 256, way: way{direct: 8}}, 0.8, 1},
		{trial{what: "plate", fill: "frost", class: detect.Plate, subjects: plates, lines: 256, seen: passes}, 0.1, 0.42},
	} {
		res, err := c.trial.run(o, rng)
		if err != nil {
			t.Fatal(err)
		}
		if res.Accuracy < c.low || res.Accuracy > c.high || res.Tests != 4*tests || res.Low > res.Accuracy || res.High < res.Accuracy {
			t.Errorf("%s: %+v", c.trial.fill, res)
		}
	}
}

// TestMotionIsUndone: a mosaic that moves gives the text away, one colour does not.
func TestMotionIsUndone(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	plate := drawPlate("AB 123 CD", 192)
	m, err := (&under{fill: "mosaic", way: way{mosaic: 16}}).run(plate, rng)
	if err != nil {
		t.Fatal(err)
	}
	if m.Back < m.One+0.1 || m.Back < 0.7 {
		t.Errorf("back-projection under a mosaic: %+v", m)
	}
	s, err := (&under{fill: "solid", way: way{solid: true}}).run(plate, rng)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(s.Average) > 0.1 || math.Abs(s.Back) > 0.3 {
		t.Errorf("one colour gives something away: %+v", s)
	}
}

// TestPaintHidesAll: what is not hidden would be measured as a strong fill.
func TestPaintHidesAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	s := newStage(image.Pt(320, 256), rng)
	plate := drawPlate("X", 96)
	box := s.show(plate, look{x: 100.5, y: 90.25, scale: 1, gain: 1, back: [3]float64{90, 128, 128}})
	p, err := way{known: true}.painter(detect.Plate, s.pic.Rect.Size())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.paint(s.pic, box, 0); err != nil {
		t.Fatal(err)
	}
	for y := int(box.Y0); y < int(box.Y1); y++ {
		for x := int(box.X0); x < int(box.X1); x++ {
			if v := s.pic.Y[y*s.pic.YStride+x]; v != 112 {
				t.Fatalf("luma %d at %d,%d under a found plate, want that of solid", v, x, y)
			}
		}
	}
}

// TestDirect: the model of a direct average is what it says: means at the cells'
// centres, straight lines between them, and nothing outside of the area.
func TestDirect(t *testing.T) {
	pic := image.NewYCbCr(image.Rect(0, 0, 128, 64), image.YCbCrSubsampleRatio420)
	for y := range 64 {
		for x := range 128 {
			pic.Y[y*pic.YStride+x] = byte(40 + 80*(x/32%2) + 2*(x%2))
		}
	}
	was := clone(pic)
	area := image.Rect(16, 16, 112, 48)
	direct(pic, area, 32)
	for y := range 64 {
		for x := range 128 {
			got, want := pic.Y[y*pic.YStride+x], was.Y[y*pic.YStride+x]
			if !image.Pt(x, y).In(area) && got != want {
				t.Fatalf("(%d,%d) outside of the area changed", x, y)
			}
			// From 40 in the middle of the first cell to 120 in that of the second.
			if v := 40 + 80*(float64(x)-15.5)/32; image.Pt(x, y).In(area) && x < 48 && math.Abs(float64(got)-v) > 1 {
				t.Fatalf("(%d,%d) is %d, want %.1f", x, y, got, v)
			}
		}
	}
}

// TestFilm: who passes is in the pictures of their seconds and in no other, and
// who stands there under frost shows in the end.
func TestFilm(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	plate := drawPlate("DARK", 96)
	for i := range plate.planes[0] {
		plate.planes[0][i] = 0
	}
	tr := trial{class: detect.Plate, subjects: []*subject{plate}, lines: longClipLines}
	s := newStage(tr.size(), rng)
	l := look{x: 40, y: 128, scale: 1, gain: 1, back: [3]float64{160, 128, 128}}
	middle := func() byte { return s.pic.Y[138*s.pic.YStride+88] }
	for _, c := range []struct {
		stay int
		low  byte
		high byte
	}{{5, 155, 165}, {400, 0, 60}} {
		p, err := way{}.painter(detect.Plate, s.pic.Rect.Size())
		if err != nil {
			t.Fatal(err)
		}
		f := clip{painter: p, stage: s, look: l, drift: drift{stage: s, period: 100}, lasts: 3}
		for _, part := range []struct {
			who     *subject
			seconds int
			dark    bool
		}{{nil, 30, false}, {plate, c.stay, true}, {nil, 3, false}} {
			f.who = part.who
			if err := f.run(part.seconds); err != nil {
				t.Fatal(err)
			}
			if dark := f.keep.Y[138*f.keep.YStride+88] < 40; dark != part.dark {
				t.Errorf("somebody is in the picture: %v, want %v", dark, part.dark)
			}
			if v := middle(); part.who != nil && (v < c.low || v > c.high) {
				t.Errorf("after %d s frost shows luma %d, want %d to %d", part.seconds, v, c.low, c.high)
			}
		}
		if f.seconds != 33+c.stay {
			t.Errorf("%d seconds", f.seconds)
		}
	}
}

func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.jpg": "no picture",
		labels.File: `{"image": "a.jpg", "width": 30, "height": 30, "boxes": [{"class": "face", "x": 1, "y": 1, "w": 9, "h": 20}]}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := labels.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hiddenPictures(s, 3); err == nil || !strings.Contains(err.Error(), "a.jpg") {
		t.Errorf("a file that is no picture: %v", err)
	}
	for _, args := range [][]string{{"-only", "luck"}, {"-identities", "1"}, {"-train", "1"}, {"-pictures", "0"}, {"x"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}

// TestWithoutData says what was left out.
func TestWithoutData(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-only", "detect", "-data", ""}, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "HEDGE_DATA is not set") {
		t.Errorf("said %q", out.String())
	}
}

func TestVerdicts(t *testing.T) {
	r := &results{
		Recognition: []recognition{{What: "plate", Fill: "frost", Default: true, Chance: 0.05, Accuracy: 0.11}, {What: "plate", Fill: "mosaic", Accuracy: 1, Chance: 0.05}},
		Motion:      []rebuilt{{What: "plate", Fill: "frost", Default: true, Best: 0.3, Average: 0.31, Back: 0.4, BackFrom1: 0.2, Values: 3}},
	}
	r.judge()
	var kept []bool
	for _, v := range r.Verdicts {
		kept = append(kept, v.Kept)
	}
	if len(kept) != 3 || kept[0] || !kept[1] || kept[2] {
		t.Errorf("verdicts %v, want no, yes, no", kept)
	}
	if md := r.markdown(); strings.Count(md, "**no**") != 2 {
		t.Errorf("tables:\n%s", md)
	}
}
