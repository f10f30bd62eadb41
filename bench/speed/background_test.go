package speed

import (
	"fmt"
	"image"
	"slices"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

// knownPlate returns a plate that knows the whole of a picture in which nobody ever was.
func knownPlate(tb testing.TB, pic *image.YCbCr) *redact.BackgroundPlate {
	tb.Helper()
	p := redact.NewBackgroundPlate(pic.Rect.Size(), redact.PlateConfig{Networks: 1, Span: time.Second})
	for n := 0; p.Known() < 1; n++ {
		if n == 10000 {
			tb.Fatalf("%.3f of a picture that never changes is known after %d frames", p.Known(), n)
		}
		at := time.Duration(n) * frameStep
		p.Looked(redact.Inference{Time: at, Scale: 1})
		p.Frame(pic, at, nil)
	}
	return p
}

// background returns a function that redacts a share of pic with the fill Background, a
// plate that is known everywhere, and soft edges.
func background(tb testing.TB, pic *image.YCbCr, share float64) (run func() error, hides func() float64) {
	tb.Helper()
	p := &redact.Policy{Version: 1, Outside: redact.Outside{Fill: redact.Background}, Found: redact.Found{Fill: redact.Background}}
	var objects []detect.Object
	if share < 1 {
		p.Outside.Hide = redact.HideDetected
		objects = people(pic.Rect.Size(), share)
	}
	o := redact.DefaultOptions()
	o.Margin = 0
	r, err := redact.New(p, pic.Rect.Size(), o)
	if err != nil {
		tb.Fatal(err)
	}
	s := redact.Scene{Objects: objects, Plate: knownPlate(tb, pic)}
	hidden := 0.0
	return func() error {
		f, err := r.Redact(pic, s)
		if err != nil {
			return err
		}
		hidden = f.Mask().Hidden()
		f.Release()
		s.Time += frameStep
		return nil
	}, func() float64 { return hidden }
}

// BenchmarkBackground hides shares of a 1080p picture in turn with a memcpy of it, and
// with the whole picture.
func BenchmarkBackground(b *testing.B) {
	src, pic := noise(fullHD, 1), noise(fullHD, 2)
	restore := does(func() { copyPicture(pic, src) })
	whole, _ := background(b, pic, 1)
	for _, share := range []float64{0.05, 0.2, 1} {
		b.Run(fmt.Sprintf("hidden=%.0f%%", 100*share), func(b *testing.B) {
			part, hides := background(b, pic, share)
			took := inTurn(b, restore, whole, restore, part)
			tell(b, median(took[3]), coreMS)
			tell(b, ratio(took[3], took[2]), times)
			tell(b, ratio(took[3], took[1]), "x-whole")
			tell(b, 100*hides(), "hidden-%")
		})
	}
}

// BenchmarkUpkeep keeps up the plate of 1080p: a frame, and an inference at every tenth.
func BenchmarkUpkeep(b *testing.B) {
	b.Run("size=1080p", func(b *testing.B) {
		src, pic := noise(fullHD, 1), noise(fullHD, 2)
		p := redact.NewBackgroundPlate(fullHD, redact.PlateConfig{Networks: 1, Span: 30 * time.Second})
		occupied := []detect.Box{{X0: 100, Y0: 100, X1: 300, Y1: 500}, {X0: 900, Y0: 500, X1: 1000, Y1: 700}}
		n := 0
		against(b, does(func() { copyPicture(pic, src) }), does(func() {
			at := time.Duration(n) * frameStep
			if n%10 == 0 {
				p.Looked(redact.Inference{Time: at, Scale: 1})
			}
			p.Frame(pic, at, occupied)
			n++
		}))
	})
}

// TestBackgroundShares: what is measured hides the share that it says, and shows the place
// there.
func TestBackgroundShares(t *testing.T) {
	size := sizes["360p"]
	place := noise(size, 2)
	for _, share := range []float64{0.05, 0.2, 1} {
		pic := noise(size, 2)
		run, hides := background(t, pic, share)
		objects := people(size, share)
		for i := range pic.Y {
			x, y := float32(i%size.X), float32(i/size.X)
			if slices.ContainsFunc(objects, func(o detect.Object) bool {
				return x >= o.Box.X0 && x < o.Box.X1 && y >= o.Box.Y0 && y < o.Box.Y1
			}) {
				pic.Y[i] ^= 0x80 // somebody
			}
		}
		if err := run(); err != nil {
			t.Fatal(err)
		}
		if got := hides(); got < share-0.01 || got > share+0.06 {
			t.Errorf("%.3f hidden, want %.2f", got, share)
		}
		same := 0
		for i, v := range pic.Y {
			if d := int(v) - int(place.Y[i]); d > -8 && d < 8 {
				same++
			}
		}
		if got := float64(same) / float64(len(pic.Y)); got < 0.98 {
			t.Errorf("%.2f hidden: the place is shown in %.3f of the picture", share, got)
		}
	}
}
