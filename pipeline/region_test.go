package pipeline

import (
	"image"
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
)

// small is a detector that sees pictures at smallSize.
type small struct{ detect.Detector }

var smallSize = image.Pt(640, 384)

func (small) InputSize(image.Point) image.Point { return smallSize }

// TestRegionOrder: of what moves unexplained, the picture's edge is looked at first at
// native size, every second time, and nothing else is forgotten; what an object
// explains is no part.
func TestRegionOrder(t *testing.T) {
	d := small{detecttest.New(detect.Classes(detect.Person), detecttest.Find())}
	tr := &trust{detectors: []detectorTrust{{support: support{motion: true}}}}
	s := &scheduler{live: true, trust: tr}
	k := &slot{detector: d, classes: detect.Classes(detect.Person)}
	square := func(x, y float32) detect.Box { return detect.Box{X0: x, Y0: y, X1: x + 64, Y1: y + 128} }
	edges := []detect.Box{square(0, 300), square(1856, 800)}
	inside := []detect.Box{square(900, 500), square(300, 600)}
	known := square(1200, 200)
	f := &frame{moved: append(append([]detect.Box{inside[0]}, edges...), inside[1], known)}
	f.buf.pic = image.NewYCbCr(image.Rect(0, 0, 1920, 1080), image.YCbCrSubsampleRatio420)
	a := &activity{objects: []detect.Object{{Class: detect.Person, Box: known, Padded: known}}}
	seen, knownOnly := map[detect.Box]int{}, 0
	for n := range 48 {
		part := s.selectRegion(k, f, a)
		if whole := part.Empty(); whole != (n%2 == 1) {
			t.Fatalf("inference %d: at the whole %t", n, whole)
		}
		if part.Empty() {
			continue
		}
		if part.Size() != smallSize {
			t.Fatalf("part %v is not at native size", part)
		}
		in := 0
		for i, b := range append(append([]detect.Box{}, edges...), inside...) {
			if b.Intersect(rectBox(part)) == b {
				in++
				seen[b]++
				if n == 0 && i >= len(edges) {
					t.Errorf("the first part, %v, is not at an edge", part)
				}
			}
		}
		if in == 0 {
			knownOnly++
		}
	}
	for _, b := range append(edges, inside...) {
		if seen[b] < 3 {
			t.Errorf("%v was looked at %d times of 24", b, seen[b])
		}
	}
	if knownOnly > 0 {
		t.Errorf("%d parts show nothing that is unexplained", knownOnly)
	}
	// In turn with people whose faces are small, nothing is forgotten either.
	faces := &slot{detector: d, classes: detect.Classes(detect.Person, detect.Face)}
	for _, n := range []int{1, 2, 3, 4} {
		people := &activity{}
		for i := range n {
			b := square(float32(100+400*i), 40)
			people.objects = append(people.objects, detect.Object{ID: uint64(i + 1), Class: detect.Person, Box: b, Padded: b})
		}
		f.moved = nil
		for i := range n {
			f.moved = append(f.moved, square(0, float32(240+200*i)), square(float32(500+300*i), 900))
		}
		seen := map[detect.Box]int{}
		for range 24 * n {
			part := s.selectRegion(faces, f, people)
			if part.Empty() {
				continue
			}
			for _, b := range f.moved {
				if b.Intersect(rectBox(part)) == b {
					seen[b]++
				}
			}
			for i := range people.objects {
				if b := people.objects[i].Box; b.Intersect(rectBox(part)) == b {
					seen[b]++
				}
			}
		}
		for i := range n {
			for _, b := range []detect.Box{f.moved[2*i], f.moved[2*i+1], people.objects[i].Box} {
				if seen[b] == 0 {
					t.Errorf("%d people, %d patches: %v is never looked at", n, 2*n, b)
				}
			}
		}
	}
	// An interval in which a part would leave the whole too long alone.
	tr.detectors[0].support = support{apart: apartFor, alone: aloneFor}
	k.turns, k.cost = turns{}, apartFor/2
	for range 4 {
		if part := s.selectRegion(k, f, a); !part.Empty() {
			t.Errorf("part %v, though the whole is hardly looked at in time", part)
		}
	}
}

// TestRegionShowsFace: the region for somebody's face shows their head, however tall they are.
func TestRegionShowsFace(t *testing.T) {
	d := small{detecttest.New(everybody, detecttest.Find())}
	s := &scheduler{live: true, trust: &trust{detectors: []detectorTrust{{support: support{motion: true}}}}}
	f := &frame{}
	f.buf.Resize(3840, 2160)
	for height := float32(100); height <= 1000; height += 50 {
		k := &slot{detector: d, classes: detect.Classes(detect.Face, detect.Person)}
		who := detect.Box{X0: 1900, Y0: 400, X1: 1900 + 0.38*height, Y1: 400 + height}
		face := detect.Box{X0: who.X0 + 0.14*height, Y0: 400 + 0.02*height, X1: who.X0 + 0.24*height, Y1: 400 + 0.13*height}
		a := &activity{objects: []detect.Object{{Class: detect.Person, Box: who, Padded: who}}}
		for range 4 {
			if part := s.selectRegion(k, f, a); !part.Empty() && face.Intersect(rectBox(part)) != face {
				t.Errorf("of somebody %.0f pixels tall %v shows no face", height, part)
			}
		}
	}
}
