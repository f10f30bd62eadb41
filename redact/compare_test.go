package redact

import (
	"image"
	"math/rand/v2"
	"testing"

	"github.com/hedgecam/hedge/detect"
)

// TestTightens: what Tightens calls no tightening hides nothing more, for all pairs
// of policies made of a few parts, whatever stands in the picture.
func TestTightens(t *testing.T) {
	lower := Polygon{{0, 0.5}, {1, 0.5}, {1, 1}, {0, 1}}
	left := Polygon{{0, 0}, {0.4, 0}, {0.4, 1}, {0, 1}}
	small := Polygon{{0.1, 0.6}, {0.3, 0.6}, {0.3, 0.8}, {0.1, 0.8}}
	var all []*Policy
	for _, property := range [][]Polygon{nil, {lower}, {lower, left}} {
		for _, strip := range [][]Polygon{nil, {left}} {
			for _, mask := range [][]Polygon{nil, {small}} {
				for _, hide := range []Hide{"", HideDetected} {
					for _, visitors := range []Visitors{"", VisitorsSilhouette, VisitorsFeet} {
						for _, inside := range [][]detect.Class{nil, {detect.Face}, {detect.Person, detect.Plate}} {
							all = append(all, &Policy{Version: 1, Property: property, Strip: strip, Mask: mask,
								Outside: Outside{Hide: hide}, Inside: Inside{Hide: inside}, Visitors: visitors})
						}
					}
				}
			}
		}
	}
	size := image.Pt(160, 120)
	rng := rand.New(rand.NewPCG(1, 2))
	o := DefaultOptions()
	const scenes = 5
	masks := make([][scenes]blockMask, len(all))
	for k := range scenes {
		_, scene := randomScene(rng, size)
		for i, p := range all {
			st := newFrameState(nil, size)
			newRules(p, newZones(p, size), o).decide(st, scene, image.Point{})
			masks[i][k] = st.hidden
		}
	}
	looser := 0
	for i, was := range all {
		for j, p := range all {
			if p.Tightens(was) {
				continue
			}
			looser++
			for k := range scenes {
				more := newBlockMask(size)
				more.copyFrom(&masks[j][k])
				more.remove(&masks[i][k])
				if more.count() > 0 {
					t.Errorf("said to be no tighter, and hides more:\n%s\n%s", was.Canonical(), p.Canonical())
				}
			}
		}
	}
	if looser < 2*len(all) {
		t.Errorf("only %d of %d pairs are no tighter", looser, len(all)*len(all))
	}
	var none *Policy
	if none.Tightens(none) || !none.Tightens(all[len(all)-1]) || all[0].Tightens(nil) {
		t.Error("a nil policy does not count as one that hides everything")
	}
}

// TestUnion: with several policies in force a block is hidden exactly when one of
// them hides it, and solid when one of those is solid there.
func TestUnion(t *testing.T) {
	size := image.Pt(320, 240)
	texts := []string{
		`{"version": 1, "property": [[[0,0.5],[1,0.5],[1,1],[0,1]]], "outside": {"fill": "frost"}}`,
		`{"version": 1, "property": [[[0,0],[0.5,0],[0.5,1],[0,1]]], "outside": {"fill": "solid"}}`,
		`{"version": 1, "outside": {"hide": "detected"}, "found": {"fill": "solid"}}`,
	}
	_, scene := randomScene(rand.New(rand.NewPCG(3, 4)), size)
	masked := func(ps ...*Policy) (Mask, func()) {
		r, err := New(ps[0], size, DefaultOptions())
		if err == nil {
			err = r.SetPolicies(ps...)
		}
		if err != nil {
			t.Fatal(err)
		}
		f, err := r.Redact(image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420), scene)
		if err != nil {
			t.Fatal(err)
		}
		return f.Mask(), f.Release
	}
	var ps []*Policy
	var alone []Mask
	for _, text := range texts {
		p, err := ParsePolicy([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		c, release := masked(p)
		t.Cleanup(release)
		ps, alone = append(ps, p), append(alone, c)
	}
	both, release := masked(ps...)
	defer release()
	n := both.Size()
	for y := range n.Y {
		for x := range n.X {
			want := Shown
			for _, c := range alone {
				want = max(want, c.At(x, y))
			}
			if got := both.At(x, y); got != want {
				t.Fatalf("block %d,%d is %v, want %v", x, y, got, want)
			}
		}
	}
}
