package redact

import (
	"image"
	"testing"

	"github.com/hedgecam/hedge/detect"
)

// TestRoundCorners: the padded box of a face or a person is hidden but for its corners, and
// their own box wholly; of a plate all corners are hidden.
func TestRoundCorners(t *testing.T) {
	size := image.Pt(640, 480)
	p := &Policy{Version: 1, Outside: Outside{Hide: HideDetected}}
	box := detect.Box{X0: 120, Y0: 120, X1: 200, Y1: 280}
	padded := detect.Box{X0: 100, Y0: 100, X1: 220, Y1: 300}
	corner := func(b detect.Box, left, top bool) detect.Box {
		x, y := b.X1-2, b.Y1-2
		if left {
			x = b.X0
		}
		if top {
			y = b.Y0
		}
		return detect.Box{X0: x, Y0: y, X1: x + 2, Y1: y + 2}
	}
	for _, class := range []detect.Class{detect.Person, detect.Face, detect.Plate} {
		o := detect.Object{Class: class, Score: 0.9, Box: box, Padded: padded}
		f := mustRedact(t, mustNew(t, p, size, noMargin()), noise(size.X, size.Y, 1), Scene{Objects: []detect.Object{o}})
		mask := f.Mask()
		for i := range 4 {
			left, top := i%2 == 0, i/2 == 0
			if got := mask.HiddenOf(corner(padded, left, top)); (got == 1) != (class == detect.Plate) {
				t.Errorf("%v: corner %d of the padded box is hidden to %v", class, i, got)
			}
			if got := mask.HiddenOf(corner(box, left, top)); got != 1 {
				t.Errorf("%v: corner %d of the box is hidden to %v", class, i, got)
			}
		}
		for _, side := range []detect.Box{{X0: 140, Y0: 100, X1: 180, Y1: 102}, {X0: 140, Y0: 298, X1: 180, Y1: 300},
			{X0: 100, Y0: 160, X1: 102, Y1: 240}, {X0: 218, Y0: 160, X1: 220, Y1: 240}} {
			if got := mask.HiddenOf(side); got != 1 {
				t.Errorf("%v: %v of the side %v is hidden", class, got, side)
			}
		}
		f.Release()
	}
}

// TestSoftEdge: the soft edge lies outside of what is hidden: all of that is fill, and around it
// the share of the fill falls by quarters over the given width. The mask is as without it.
func TestSoftEdge(t *testing.T) {
	size := image.Pt(640, 480)
	policy, s, who := someone(size)
	for _, soft := range []int{0, 6, 12} {
		pic := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		for i := range pic.Y {
			pic.Y[i] = uint8(90 + 80*(i&1)) // columns, which the fill does not have
		}
		for i := range pic.Cb {
			pic.Cb[i], pic.Cr[i] = 128, 128
		}
		f := mustRedact(t, mustNew(t, policy, size, options(func(o *Options) { o.Margin, o.Soft = 0, soft })), pic, s)
		y := (who.Min.Y + who.Max.Y) / 2
		right := (who.Max.X + 1) &^ 1
		for x := right - 20; x < right+20; x += 2 {
			ring := softSteps // how far outside, in steps of the edge
			if soft > 0 && x >= right {
				ring = min((x-right)*softSteps/soft, softSteps)
			}
			want := 80 * (ring + 1) / fullShare
			if x < right {
				want = 0
			}
			at := pic.YOffset(x, y)
			if got := int(pic.Y[at+1]) - int(pic.Y[at]); got < want-3 || got > want+3 {
				t.Errorf("soft edge of %d pixels: contrast %d at %d pixels from the border, want %d", soft, got, x-right, want)
			}
			if hidden := f.Mask().At(x/blockSide, y/blockSide) != Shown; hidden != (x < right) {
				t.Errorf("soft edge of %d pixels: at %d pixels from the border hidden is %t", soft, x-right, hidden)
			}
		}
		f.Release()
	}
}
