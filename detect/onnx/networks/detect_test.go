package networks

import (
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/detect/network"

	"github.com/hedgecam/hedge/internal/ort"
	"github.com/hedgecam/hedge/internal/pixel"
	"github.com/hedgecam/hedge/models"
)

// samples are pictures in which each network finds something.
var samples = map[string]struct{ set, image string }{
	"yunet_s":    {"faces_dlib_voc", "images/2007_007763.jpg"},
	"yolox_nano": {"people_coco", "images/000000000036.jpg"},
	"lpd_yunet":  {"plates_openalpr_eu", "images/test_002.jpg"},
	"centerface": {"faces_dlib_voc", "images/2007_007763.jpg"},
	HedgeN:       {"people_coco", "images/000000000036.jpg"},
	HedgeP:       {"people_coco", "images/000000000036.jpg"},
}

func sample(t testing.TB, name string) labelled {
	t.Helper()
	found := set(t, samples[name].set, 1, samples[name].image)
	if len(found) != 1 {
		t.Fatalf("no picture %v", samples[name])
	}
	return found[0]
}

func TestConformance(t *testing.T) {
	for _, name := range all {
		t.Run(name, func(t *testing.T) {
			pic := sample(t, name).pic
			open(t, name, Options{}) // or skips, which the kit's own tests cannot
			detecttest.Run(t, func() detect.Detector {
				// Small, because the kit runs each some 80 times.
				return open(t, name, Options{FullRange: true, InputSize: image.Pt(320, 192)})
			}, detecttest.Options{Picture: pic, Finds: 1})
		})
	}
}

// Every label of one picture a family, and the intersection over union that its
// best box has at least.
func TestKnownBoxes(t *testing.T) {
	for _, c := range []struct {
		name string
		iou  float32
	}{{"yunet_s", 0.5}, {"yolox_nano", 0.85}, {"lpd_yunet", 0.8}} {
		t.Run(c.name, func(t *testing.T) {
			n, l := open(t, c.name, fullRange), sample(t, c.name)
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

// A picture scaled by the caller to InputSize gives the boxes that the full one
// gives.
func TestPreparedPicture(t *testing.T) {
	n, l := open(t, "lpd_yunet", fullRange), sample(t, "lpd_yunet")
	want, err := n.Detect(t.Context(), l.pic, nil)
	if err != nil {
		t.Fatal(err)
	}
	full, size := l.pic.Rect.Size(), n.InputSize(l.pic.Rect.Size())
	small := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	if err := (&pixel.Scaler{}).Scale(small, l.pic); err != nil {
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

// TestInt8Weights: the file with weights of 8 bits finds what hedge-n finds.
func TestInt8Weights(t *testing.T) {
	m, err := models.Find(HedgeN)
	if err != nil {
		t.Fatal(err)
	}
	weights, err := os.ReadFile("../../../models/hedge-n/hedge-n-int8.onnx")
	if err != nil || len(weights) > 1_500_000 {
		t.Fatalf("%d bytes, %v", len(weights), err)
	}
	pic := sample(t, HedgeN).pic
	least := func(v float32) Options {
		o := Options{FullRange: true, InputSize: image.Pt(640, 384)}
		for i := range o.MinScore {
			o.MinScore[i] = v
		}
		return o
	}
	want, err := open(t, HedgeN, least(0.3)).Detect(t.Context(), pic, nil)
	if err != nil {
		t.Fatal(err)
	}
	small, err := OpenModel(m, weights, least(0.2))
	if err != nil {
		t.Fatal(err)
	}
	defer small.Close()
	got, err := small.Detect(t.Context(), pic, nil)
	if err != nil {
		t.Fatal(err)
	}
	sure := 0 // found by int8 at the scores that hedge-n was asked for
	for _, g := range got {
		if g.Score >= 0.3 {
			sure++
		}
	}
	if len(want) == 0 || sure > len(want)*5/4 {
		t.Fatalf("%d found, with int8 %d", len(want), sure)
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

func BenchmarkDetect(b *testing.B) {
	pic := image.NewYCbCr(image.Rect(0, 0, 640, 360), image.YCbCrSubsampleRatio420)
	rng := rand.New(rand.NewPCG(2, 2))
	for i := range pic.Y {
		pic.Y[i] = byte(rng.Uint32())
	}
	for _, name := range all {
		b.Run(name+"/640x384/threads=1", func(b *testing.B) {
			n := open(b, name, Options{})
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
}

// TestSelect: a network cut down to what is wanted finds of that what the whole
// one finds, and nothing else; widened again, it finds everything again. Nothing
// native is left behind.
func TestSelect(t *testing.T) {
	everything := detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle)
	for _, name := range []string{HedgeN, HedgeP} {
		t.Run(name, func(t *testing.T) {
			o := fullRange
			for i := range o.MinScore {
				o.MinScore[i] = 0.02
			}
			pic := sample(t, name).pic
			look := func(n *network.Network, only detect.ClassSet) []detect.Detection {
				t.Helper()
				ds, err := n.Detect(t.Context(), pic, nil)
				if err != nil {
					t.Fatal(err)
				}
				return slices.DeleteFunc(ds, func(d detect.Detection) bool { return !only.Has(d.Class) })
			}
			n := open(t, name, o)
			all := look(n, everything)
			held := ort.Live.Load()
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
					if got[i].Class != want[i].Class || got[i].Box.IoU(want[i].Box) < 0.99 || math.Abs(float64(got[i].Score-want[i].Score)) > 1e-3 {
						t.Errorf("%v wanted: found %+v, %+v by the whole network", wanted, got[i], want[i])
					}
				}
			}
			if ort.Live.Load() != held {
				t.Errorf("%d native objects, %d before", ort.Live.Load(), held)
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
