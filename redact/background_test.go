package redact

import (
	"image"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// scenery returns a picture with detail, and a plate that knows it.
func scenery(size image.Point, seed uint64) (*image.YCbCr, *BackgroundPlate) {
	pic := noise(size.X, size.Y, seed)
	for i, p := range planes(pic) {
		for j := range p.pix {
			p.pix[j] = 60 + p.pix[j]/4 + byte(20*i)
		}
	}
	plate := NewBackgroundPlate(size, PlateConfig{Networks: 1})
	plate.pic = clone(pic)
	know(plate)
	return pic, plate
}

func know(p *BackgroundPlate) {
	p.known.fill()
	for i := range p.blocks {
		p.mean[i] = blockMean(p.pic, p.rect(i))
	}
}

// someone is a person found in the middle of a picture, and a policy that hides them.
func someone(size image.Point) (*Policy, Scene, image.Rectangle) {
	r := image.Rect(size.X/3, size.Y/4, size.X/2, 3*size.Y/4)
	b := detect.Box{X0: float32(r.Min.X), Y0: float32(r.Min.Y), X1: float32(r.Max.X), Y1: float32(r.Max.Y)}
	return &Policy{Version: 1, Outside: Outside{Hide: HideDetected}},
		Scene{Objects: []detect.Object{{Class: detect.Person, Score: 0.9, Box: b, Padded: b}}}, r
}

// TestBackgroundFollowsTheLight: what is shown under a mask is the empty place in the
// light of the picture, also when that changes from one picture to the next.
func TestBackgroundFollowsTheLight(t *testing.T) {
	size := image.Pt(640, 480)
	empty, plate := scenery(size, 3)
	policy, s, who := someone(size)
	s.Plate = plate
	r := mustNew(t, policy, size, DefaultOptions())
	for n, light := range []func(x int) int{
		func(int) int { return 0 },
		func(int) int { return 30 },
		func(x int) int { return -40 + x/10 }, // from the left to the right
		func(int) int { return -25 },
	} {
		truth := clone(empty)
		for i := range truth.Y {
			truth.Y[i] = uint8(int(truth.Y[i]) + light(i%size.X))
		}
		for i := range truth.Cb {
			truth.Cb[i] = uint8(int(truth.Cb[i]) + light(2*(i%truth.CStride))/4)
		}
		pic := clone(truth)
		blob{at: who, colour: [3]byte{200, 30, 220}}.draw(pic, Mask{}, rand.New(rand.NewPCG(1, 1)))
		// The far cells are measured in turn, those around at once.
		s.Time = time.Duration(n) * 40 * time.Millisecond
		mustRedact(t, r, pic, s).Release()
		for i, p := range planes(truth) {
			q := planes(pic)[i]
			for j := range p.pix {
				if d := int(p.pix[j]) - int(q.pix[j]); d > 4 || d < -4 {
					t.Fatalf("light %d, plane %d: %d at (%d,%d), the empty place has %d there", n, i, q.pix[j], j%p.stride, j/p.stride, p.pix[j])
				}
			}
		}
	}
}

// TestBackgroundContinues: without a plate the surroundings are continued: on a plain
// place that grows brighter to one side nobody can be seen to have been there.
func TestBackgroundContinues(t *testing.T) {
	size := image.Pt(640, 480)
	truth := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	for i, p := range planes(truth) {
		for j := range p.pix {
			p.pix[j] = uint8(60 + 20*i + 100*(j%p.stride)/p.w)
		}
	}
	policy, s, who := someone(size)
	pic := clone(truth)
	blob{at: who, colour: [3]byte{220, 30, 220}}.draw(pic, Mask{}, rand.New(rand.NewPCG(1, 1)))
	f := mustRedact(t, mustNew(t, policy, size, DefaultOptions()), pic, s)
	if got := f.Mask().At(who.Min.X/2+5, who.Min.Y/2+5); got != Background {
		t.Fatalf("the person is %v", got)
	}
	for i, p := range planes(truth) {
		q := planes(pic)[i]
		for j := range p.pix {
			if d := int(p.pix[j]) - int(q.pix[j]); d > 8 || d < -8 {
				t.Fatalf("plane %d: %d at (%d,%d), the place has %d there", i, q.pix[j], j%p.stride, j/p.stride, p.pix[j])
			}
		}
	}
}

// TestBackgroundJoins: where one half of what is hidden is known and the other not,
// there is no seam between the two.
func TestBackgroundJoins(t *testing.T) {
	size := image.Pt(640, 480)
	truth := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	for _, p := range planes(truth) {
		for j := range p.pix {
			p.pix[j] = uint8(80 + 60*(j/p.stride)/p.h)
		}
	}
	plate := NewBackgroundPlate(size, PlateConfig{Networks: 1})
	plate.pic = clone(truth)
	for i := range plate.pic.Y {
		plate.pic.Y[i] -= 30 // it was darker
	}
	know(plate)
	plate.known.unset(blockRect{0, 0, plate.known.w, plate.known.h / 2})
	policy, s, who := someone(size)
	s.Plate = plate
	pic := clone(truth)
	mustRedact(t, mustNew(t, policy, size, DefaultOptions()), pic, s).Release()
	x := (who.Min.X + who.Max.X) / 2
	for y := who.Min.Y + 1; y < who.Max.Y; y++ {
		a, b := int(pic.Y[pic.YOffset(x, y-1)]), int(pic.Y[pic.YOffset(x, y)])
		if b-a > 4 || a-b > 4 {
			t.Errorf("a seam in row %d: from %d to %d", y, a, b)
		}
	}
}

// TestBackgroundBlind: where nothing is shown and nothing is known there is frost, and
// so there is over masks and where the whole frame must be hidden; a license plate is
// solid then.
func TestBackgroundBlind(t *testing.T) {
	size := image.Pt(640, 480)
	pic, plate := scenery(size, 4)
	everywhere := &Policy{Version: 1, Outside: Outside{Fill: Background}}
	masked := &Policy{Version: 1, Outside: Outside{Fill: Background}, Mask: []Polygon{{{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}}}
	number := detect.Box{X0: 10, Y0: 10, X1: 80, Y1: 40}
	found := &Policy{Version: 1, Outside: Outside{Hide: HideDetected}}
	whole := detect.Box{X1: 640, Y1: 480}
	filling := detect.Object{Class: detect.Plate, Score: 0.9, Box: whole, Padded: whole}
	car := []detect.Object{{Class: detect.Plate, Score: 0.9, Box: number, Padded: number}}
	for _, c := range []struct {
		name        string
		policy      *Policy
		s           Scene
		left, right Fill
	}{
		{"nothing known", everywhere, Scene{}, Frost, Frost},
		{"known", everywhere, Scene{Plate: plate}, Background, Background},
		{"mask", masked, Scene{Plate: plate}, Frost, Background},
		{"outside hidden", everywhere, Scene{Plate: plate, Level: HideOutside}, Background, Background},
		{"frame hidden", everywhere, Scene{Plate: plate, Level: HideFrame}, Frost, Frost},
		{"license plate, nothing known", everywhere, Scene{Objects: car}, Solid, Frost},
		{"license plate, known", everywhere, Scene{Objects: car, Plate: plate}, Background, Background},
		{"license plate, frame hidden", everywhere, Scene{Objects: car, Plate: plate, Level: HideFrame}, Solid, Frost},
		{"license plate that fills the picture", found, Scene{Objects: []detect.Object{filling}}, Solid, Solid},
		{"a plate of another size", everywhere, Scene{Plate: NewBackgroundPlate(image.Pt(64, 64), PlateConfig{})}, Frost, Frost},
	} {
		f := mustRedact(t, mustNew(t, c.policy, size, DefaultOptions()), clone(pic), c.s)
		if l, r := f.Mask().At(20, 20), f.Mask().At(300, 20); l != c.left || r != c.right || !f.Hidden() {
			t.Errorf("%s: %v and %v, want %v and %v; hidden %v", c.name, l, r, c.left, c.right, f.Hidden())
		}
		f.Release()
	}
}
