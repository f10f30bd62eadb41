package onnx

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
)

// sample is a picture in which each family finds something.
var samples = map[Family]struct{ set, image string }{
	YuNet:    {"faces_dlib_voc", "images/2007_007763.jpg"},
	YOLOX:    {"people_coco", "images/000000000036.jpg"},
	LPDYuNet: {"plates_openalpr_eu", "images/test_002.jpg"},
	Hedge:    {"people_coco", "images/000000000036.jpg"},
	HedgeP:   {"people_coco", "images/000000000036.jpg"},
}

func sample(t testing.TB, f Family) labelled {
	t.Helper()
	found := set(t, samples[f].set, 1, samples[f].image)
	if len(found) != 1 {
		t.Fatalf("no picture %v", samples[f])
	}
	return found[0]
}

func TestConformance(t *testing.T) {
	for _, n := range networks {
		t.Run(n.family.String(), func(t *testing.T) {
			conform(t, sample(t, n.family).pic, config(t, n.family))
		})
	}
	t.Run("shared", func(t *testing.T) {
		conform(t, sample(t, YOLOX).pic, config(t, YuNet), config(t, YOLOX), config(t, LPDYuNet))
	})
}

func conform(t *testing.T, pic *image.YCbCr, cfgs ...Config) {
	for i := range cfgs { // small, because the kit runs each some 80 times
		cfgs[i].FullRange, cfgs[i].InputSize = true, image.Pt(320, 192)
	}
	detecttest.Run(t, func() detect.Detector {
		n, err := Open(cfgs...)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}, detecttest.Options{Picture: pic, Finds: 1})
}

// Every label of one picture a family, and the intersection over union that its
// best box has at least.
func TestKnownBoxes(t *testing.T) {
	for _, c := range []struct {
		family Family
		iou    float32
	}{{YuNet, 0.5}, {YOLOX, 0.85}, {LPDYuNet, 0.8}} {
		t.Run(c.family.String(), func(t *testing.T) {
			cfg := config(t, c.family)
			cfg.FullRange = true
			n, l := open(t, cfg), sample(t, c.family)
			dets, err := n.Detect(t.Context(), l.pic, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range l.Boxes {
				box := detect.Box{X0: b.X, Y0: b.Y, X1: b.X + b.W, Y1: b.Y + b.H}
				best := float32(0)
				for _, d := range dets {
					if d.Class.String() == b.Class {
						best = max(best, d.Box.IoU(box))
					}
				}
				t.Logf("%s %v: IoU %.2f", b.Class, box, best)
				if best < c.iou {
					t.Errorf("%s %v: best IoU %.2f, want %.2f", b.Class, box, best, c.iou)
				}
			}
		})
	}
}

// Networks that share an input find what they find alone.
func TestSharedInput(t *testing.T) {
	var cfgs []Config
	for _, n := range networks {
		c := config(t, n.family)
		c.FullRange = true
		cfgs = append(cfgs, c)
	}
	shared := open(t, cfgs...)
	if want := detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle); shared.Classes() != want {
		t.Errorf("classes %b, want %b", shared.Classes(), want)
	}
	pic := sample(t, YOLOX).pic
	got, err := shared.Detect(t.Context(), pic, nil)
	if err != nil {
		t.Fatal(err)
	}
	var want []detect.Detection
	for _, c := range cfgs {
		if want, err = open(t, c).Detect(t.Context(), pic, want); err != nil {
			t.Fatal(err)
		}
	}
	if len(want) == 0 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("together %v, alone %v", got, want)
	}
}

// A picture scaled by the caller to InputSize gives the boxes that the full one
// gives.
func TestPreparedPicture(t *testing.T) {
	cfg := config(t, LPDYuNet)
	cfg.FullRange = true
	n, l := open(t, cfg), sample(t, LPDYuNet)
	want, err := n.Detect(t.Context(), l.pic, nil)
	if err != nil {
		t.Fatal(err)
	}
	full, size := l.pic.Rect.Size(), n.InputSize(l.pic.Rect.Size())
	small := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	if err := n.input.scaler.Scale(small, l.pic); err != nil {
		t.Fatal(err)
	}
	got, err := n.Detect(t.Context(), small, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) || len(got) == 0 {
		t.Fatalf("%d detections, %d in the full picture", len(got), len(want))
	}
	for i, g := range got {
		b := g.Box.Scale(float32(full.X)/float32(size.X), float32(full.Y)/float32(size.Y))
		if b.IoU(want[i].Box) < 0.999 || g.Score != want[i].Score {
			t.Errorf("%v, in the full picture %v", b, want[i])
		}
	}
}

// A box of the input goes to the picture and back to within a pixel, whatever
// the picture's size and origin.
func TestLetterboxRoundTrip(t *testing.T) {
	if Version() == "" {
		t.Skip("needs ONNX Runtime (HEDGE_ORT_LIB)")
	}
	in, err := newInput(image.Pt(640, 384), false)
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		full := image.Pt(16+rng.IntN(2500), 16+rng.IntN(1500))
		org := image.Pt(rng.IntN(50), rng.IntN(50))
		size := in.fit(full)
		if size.X > 640 || size.Y > 384 || size.X%2 != 0 || size.Y%2 != 0 {
			t.Fatalf("%v fits as %v", full, size)
		}
		if size.X != 640 && size.Y != 384 {
			t.Fatalf("%v fits as %v, which fills neither side", full, size)
		}
		m := in.mapping(full, size, org)
		whole := m.box(detect.Box{X1: float32(size.X), Y1: float32(size.Y)})
		want := detect.Box{X0: float32(org.X), Y0: float32(org.Y), X1: float32(org.X + full.X), Y1: float32(org.Y + full.Y)}
		if m.bounds != want || abs(whole.X1-want.X1) > 0.001 || abs(whole.Y1-want.Y1) > 0.001 || whole.X0 != want.X0 || whole.Y0 != want.Y0 {
			t.Fatalf("%v: the whole input is %v of the picture, want %v", full, whole, want)
		}
		// A point of the picture, to the input by its scale (the aspect that is
		// kept) and back.
		s := min(640/float64(full.X), 384/float64(full.Y))
		x, y := rng.Float64()*float64(full.X), rng.Float64()*float64(full.Y)
		b := m.box(detect.Box{X0: float32(x * s), Y0: float32(y * s)})
		px := float32(max(1, 1/s)) // one pixel of the picture or of the input
		if abs(b.X0-float32(org.X)-float32(x)) > px || abs(b.Y0-float32(org.Y)-float32(y)) > px {
			t.Fatalf("%v: (%.1f,%.1f) came back as (%.1f,%.1f)", full, x, y, b.X0-float32(org.X), b.Y0-float32(org.Y))
		}
	}
}

func abs(v float32) float32 { return max(v, -v) }

func TestBars(t *testing.T) {
	if Version() == "" {
		t.Skip("needs ONNX Runtime (HEDGE_ORT_LIB)")
	}
	in, err := newInput(image.Pt(64, 64), true)
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	// Each picture must not leave pixels of the one before in its bars.
	for _, size := range []image.Point{{64, 64}, {64, 32}, {20, 64}, {64, 32}} {
		pic := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		for i := range pic.Y {
			pic.Y[i] = 200
		}
		for i := range pic.Cb {
			pic.Cb[i], pic.Cr[i] = 128, 128
		}
		if _, err := in.prepare(pic); err != nil {
			t.Fatal(err)
		}
		for i, v := range in.tensor.data {
			want := float32(barValue)
			if x, y := i%64, i/64%64; x < size.X && y < size.Y {
				want = 200
			}
			if v != want {
				t.Fatalf("%v: value %d is %v, want %v", size, i, v, want)
			}
		}
	}
}

// A cancelled run says so, and the network goes on working.
func TestCancelEndsTheRun(t *testing.T) {
	n := open(t, config(t, LPDYuNet))
	pic := image.NewYCbCr(image.Rect(0, 0, 640, 360), image.YCbCrSubsampleRatio420)
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel.begin(ctx)
	cancel()
	// The watcher sets the flag that every run looks at, before or during it.
	for err := n.sessions[0].try(n.cancel.options); err == nil; {
		err = n.sessions[0].try(n.cancel.options)
	}
	if !n.cancel.end() {
		t.Error("the run ended by itself")
	}
	if _, err := n.Detect(t.Context(), pic, nil); err != nil {
		t.Errorf("after a cancelled run: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	good := config(t, YuNet)
	dir := t.TempDir()
	model, err := os.ReadFile(good.Path)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	with := func(f func(*Config)) Config {
		c := good
		f(&c)
		return c
	}
	for name, c := range map[string]struct {
		cfgs []Config
		says string
	}{
		"none":       {nil, "no network"},
		"family":     {[]Config{with(func(c *Config) { c.Family = 0 })}, "family(0)"},
		"both":       {[]Config{with(func(c *Config) { c.Model = model })}, "either a path or a model"},
		"neither":    {[]Config{with(func(c *Config) { c.Path = "" })}, "either a path or a model"},
		"missing":    {[]Config{with(func(c *Config) { c.Path = filepath.Join(dir, "none.onnx") })}, "none.onnx"},
		"folder":     {[]Config{with(func(c *Config) { c.Path = dir })}, "is a directory"},
		"empty":      {[]Config{with(func(c *Config) { c.Path = file("empty.onnx", nil) })}, "empty.onnx"},
		"truncated":  {[]Config{with(func(c *Config) { c.Path = file("cut.onnx", model[:len(model)/2]) })}, "cut.onnx"},
		"text":       {[]Config{with(func(c *Config) { c.Path = file("text.onnx", []byte("hello")) })}, "text.onnx"},
		"other":      {[]Config{with(func(c *Config) { c.Family = LPDYuNet })}, `no output "loc"`},
		"odd size":   {[]Config{with(func(c *Config) { c.InputSize = image.Pt(640, 380) })}, "multiple of 32"},
		"score":      {[]Config{with(func(c *Config) { c.MinScore[detect.Face] = 1.5 })}, "class face"},
		"iou":        {[]Config{with(func(c *Config) { c.MaxIoU = -1 })}, "MaxIoU"},
		"two sizes":  {[]Config{good, with(func(c *Config) { c.InputSize = image.Pt(320, 192) })}, "cannot share"},
		"two ranges": {[]Config{good, with(func(c *Config) { c.FullRange = true })}, "cannot share"},
	} {
		t.Run(name, func(t *testing.T) {
			before := Live()
			n, err := Open(c.cfgs...)
			if err == nil {
				t.Fatal("opened", n.Close())
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q does not say %q", err, c.says)
			}
			if name == "missing" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("error %v is not fs.ErrNotExist", err)
			}
			if Live() != before {
				t.Errorf("%d native objects left", Live()-before)
			}
		})
	}
	fixed := filepath.Join(filepath.Dir(good.Path), "face_detection_yunet_2023mar.onnx")
	if _, err := os.Stat(fixed); err == nil {
		n := open(t, Config{Path: fixed, Family: YuNet})
		if n.input.size != image.Pt(640, 640) {
			t.Errorf("a model of fixed size has input %v", n.input.size)
		}
		var me *ModelError
		if _, err := Open(Config{Path: fixed, Family: YuNet, InputSize: image.Pt(320, 320)}); !errors.As(err, &me) {
			t.Errorf("another size than the model's: %v", err)
		}
	}
}

func BenchmarkDetect(b *testing.B) {
	pic := image.NewYCbCr(image.Rect(0, 0, 640, 360), image.YCbCrSubsampleRatio420)
	rng := rand.New(rand.NewPCG(2, 2))
	for i := range pic.Y {
		pic.Y[i] = byte(rng.Uint32())
	}
	run := func(name string, cfgs ...Config) {
		b.Run(name, func(b *testing.B) {
			n := open(b, cfgs...)
			b.ReportAllocs()
			var dets []detect.Detection
			for b.Loop() {
				var err error
				if dets, err = n.Detect(b.Context(), pic, dets[:0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	var all []Config
	for _, n := range networks {
		c := config(b, n.family)
		run(n.family.String()+"/640x384/threads=1", c)
		all = append(all, c)
	}
	run("shared/640x384/threads=1", all...)
}

// TestInt8Weights: the file with weights of 8 bits finds what hedge-n finds.
func TestInt8Weights(t *testing.T) {
	full := config(t, Hedge)
	small := full
	small.Path = strings.TrimSuffix(full.Path, ".onnx") + "-int8.onnx"
	if info, err := os.Stat(small.Path); err != nil || info.Size() > 1_500_000 {
		t.Fatalf("%v, %v", info, err)
	}
	pic := sample(t, Hedge).pic
	found := func(c Config, least float32) []detect.Detection {
		c.FullRange = true
		for i := range c.MinScore {
			c.MinScore[i] = least
		}
		ds, err := open(t, c).Detect(t.Context(), pic, nil)
		if err != nil {
			t.Fatal(err)
		}
		return ds
	}
	want, got := found(full, 0.3), found(small, 0.2)
	if len(want) == 0 || len(got) > 2*len(want) {
		t.Fatalf("%d found, with int8 %d", len(want), len(got))
	}
	for _, w := range want {
		best := float32(0)
		for _, g := range got {
			if g.Class == w.Class {
				best = max(best, g.Box.IoU(w.Box))
			}
		}
		if best < 0.8 {
			t.Errorf("%v at %v: the best with int8 overlaps by %.2f", w.Class, w.Box, best)
		}
	}
}

// TestSelect: a network cut down to what is wanted finds of that what the whole
// one finds, and nothing else; widened again, it finds everything again. Nothing
// native is left behind.
func TestSelect(t *testing.T) {
	for _, f := range []Family{Hedge, HedgeP} {
		t.Run(f.String(), func(t *testing.T) {
			c := config(t, f)
			c.FullRange = true
			for i := range c.MinScore {
				c.MinScore[i] = 0.02
			}
			pic := sample(t, f).pic
			look := func(n *Network, only detect.ClassSet) []detect.Detection {
				t.Helper()
				ds, err := n.Detect(t.Context(), pic, nil)
				if err != nil {
					t.Fatal(err)
				}
				return slices.DeleteFunc(ds, func(d detect.Detection) bool { return !only.Has(d.Class) })
			}
			n := open(t, c)
			all := look(n, everything)
			held := Live()
			for _, wanted := range []detect.ClassSet{
				detect.Classes(detect.Face), detect.Classes(detect.Person), detect.Classes(detect.Plate),
				detect.Classes(detect.Face, detect.Plate), everything, detect.Classes(detect.Vehicle), everything,
			} {
				if err := n.Select(wanted); err != nil {
					t.Fatal(err)
				}
				got, want := look(n, everything), slices.DeleteFunc(slices.Clone(all), func(d detect.Detection) bool { return !wanted.Has(d.Class) })
				for i, d := range got {
					if vital := wanted; !vital.Has(d.Class) && !(vital.Has(detect.Person) || vital.Has(detect.Vehicle)) {
						t.Fatalf("%v wanted, a %v found", wanted, got[i].Class)
					}
				}
				got = slices.DeleteFunc(got, func(d detect.Detection) bool { return !wanted.Has(d.Class) })
				if len(want) == 0 && wanted.Has(detect.Person) || len(got) != len(want) {
					t.Fatalf("%v wanted: %d found, %d by the whole network", wanted, len(got), len(want))
				}
				for i := range got {
					if got[i].Class != want[i].Class || got[i].Box.IoU(want[i].Box) < 0.99 || abs(got[i].Score-want[i].Score) > 1e-3 {
						t.Errorf("%v wanted: found %+v, %+v by the whole network", wanted, got[i], want[i])
					}
				}
			}
			if Live() != held {
				t.Errorf("%d native objects, %d before", Live(), held)
			}
			if err := n.Select(0); err != nil {
				t.Fatal(err)
			}
			if ds := look(n, everything); len(ds) != 0 {
				t.Errorf("nothing wanted, %d found", len(ds))
			}
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			if err := n.Select(everything); !errors.Is(err, detect.ErrClosed) {
				t.Errorf("closed: %v", err)
			}
		})
	}
}
