package redact

import (
	"crypto/sha256"
	"image"
	"math"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/race"
)

// shadow is a film of a place of which the light changes, with or without somebody.
type shadow struct {
	policy   *Policy
	who      image.Rectangle // where
	content  uint64          // how they look; 0: nobody is there
	from, to time.Duration   // when
	found    bool
	jump     time.Duration // when the light changes suddenly; 0: never
}

// outputs shows the film to a plate and a Redactor and returns the sums of all
// pictures that go out.
func (s *shadow) outputs(t *testing.T, end time.Duration) (sums [][32]byte, known float64) {
	t.Helper()
	size := image.Pt(96, 64)
	const step = time.Second
	place, who := noise(size.X, size.Y, 5), noise(size.X, size.Y, s.content)
	p := NewBackgroundPlate(size, PlateConfig{Networks: 1})
	r := mustNew(t, s.policy, size, DefaultOptions())
	pic := clone(place)
	for at := time.Duration(0); at < end; at += step {
		light := 8 * math.Sin(at.Seconds()/15)
		if s.jump > 0 && at >= s.jump {
			light += 30
		}
		there := s.content > 0 && at >= s.from && at < s.to
		for y := range size.Y {
			for x := range size.X {
				v := int(place.Y[y*place.YStride+x])/2 + 50
				if there && image.Pt(x, y).In(s.who) {
					v = int(who.Y[y*who.YStride+x])/2 + 30
				}
				pic.Y[y*pic.YStride+x] = uint8(min(max(v+int(light), 0), 255))
			}
		}
		scene := Scene{Time: at, Plate: p}
		look := Inference{Time: at, Scale: 1}
		var occupied []detect.Box
		if there && s.found {
			box := detect.Box{X0: float32(s.who.Min.X), Y0: float32(s.who.Min.Y), X1: float32(s.who.Max.X), Y1: float32(s.who.Max.Y)}
			look.Found = []detect.Detection{{Class: detect.Person, Score: 0.5, Box: box}}
			scene.Objects = []detect.Object{{Class: detect.Person, Score: 0.5, Box: box, Padded: box}}
			occupied = append(occupied, box)
		}
		for range plateVisits {
			p.Frame(pic, at, occupied)
		}
		p.Looked(look)
		out := clone(pic)
		f, err := r.Redact(out, scene)
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		h.Write(out.Y)
		h.Write(out.Cb)
		h.Write(out.Cr)
		sums = append(sums, [32]byte(h.Sum(nil)))
		f.Release()
	}
	return sums, p.Known()
}

func hideAllBackground() *Policy {
	p := HideEverything()
	p.Outside.Fill = Background
	return p
}

// TestWhoPassesLeavesNoByte: where everything is hidden, somebody whom nobody found
// and who left before the plate's span was over changes not one byte of any picture,
// though the light changes while they are there: the plate does not follow it block
// by block, which would show the outline of what they covered.
func TestWhoPassesLeavesNoByte(t *testing.T) {
	for name, s := range map[string]shadow{
		"5 s":                   {to: 65 * time.Second},
		"20 s":                  {to: 80 * time.Second},
		"20 s and sudden light": {to: 80 * time.Second, jump: 70 * time.Second},
	} {
		s.policy, s.who, s.from = hideAllBackground(), image.Rect(24, 8, 56, 48), 60*time.Second
		empty, known := s.outputs(t, 150*time.Second)
		if known != 1 {
			t.Fatalf("%v of the place is known", known)
		}
		if changes := distinct(empty[60:]); changes < 5 {
			t.Errorf("%s: the plate does not follow the light: %d pictures", name, changes)
		}
		s.content = 9
		with, _ := s.outputs(t, 150*time.Second)
		for i := range empty {
			if with[i] != empty[i] {
				t.Errorf("%s: after %d s the picture shows that somebody was there", name, i)
				break
			}
		}
	}
}

func distinct(sums [][32]byte) int {
	all := map[[32]byte]bool{}
	for _, s := range sums {
		all[s] = true
	}
	return len(all)
}

// TestFoundLeavesNoByte: two films that differ in somebody only, who is found and
// stays for ten minutes, become the same pictures to the byte, from the beginning
// and later, whether everything is hidden or only who is found.
func TestFoundLeavesNoByte(t *testing.T) {
	race.SkipPixels(t)
	detected := HideEverything()
	detected.Outside.Hide = HideDetected
	for name, s := range map[string]shadow{
		"all":                          {policy: hideAllBackground(), from: 50 * time.Second},
		"all, from the beginning":      {policy: hideAllBackground()},
		"detected":                     {policy: detected, from: 50 * time.Second},
		"detected, from the beginning": {policy: detected},
		"detected, sudden light":       {policy: detected, from: 50 * time.Second, jump: 300 * time.Second},
	} {
		s.who, s.to, s.found, s.content = image.Rect(25, 9, 55, 47), 650*time.Second, true, 9
		one, _ := s.outputs(t, 700*time.Second)
		s.content = 10
		other, known := s.outputs(t, 700*time.Second)
		if known != 1 {
			t.Fatalf("%s: %v of the place is known in the end", name, known)
		}
		for i := range one {
			if one[i] != other[i] {
				t.Errorf("%s: after %d s the picture shows who is there", name, i)
				break
			}
		}
	}
}

// TestPlateFollowsLight: a plate that was taken in the dark shows the place as bright
// as it is, and what is another thing, and not another light, replaces what was known.
func TestPlateFollowsLight(t *testing.T) {
	size := image.Pt(160, 96)
	p := NewBackgroundPlate(size, PlateConfig{Networks: 1})
	pic := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	r := mustNew(t, hideAllBackground(), size, DefaultOptions())
	at := time.Duration(0)
	show := func(seconds, luma int, thing byte) *image.YCbCr {
		for range seconds {
			for i := range pic.Y {
				pic.Y[i] = uint8(luma + i%7)
				if x, y := i%pic.YStride, i/pic.YStride; thing > 0 && x >= 64 && x < 96 && y >= 32 && y < 64 {
					pic.Y[i] = thing
				}
			}
			for range plateVisits {
				p.Frame(pic, at, nil)
			}
			p.Looked(Inference{Time: at, Scale: 1})
			at += time.Second
		}
		out := clone(pic)
		f, err := r.Redact(out, Scene{Time: at, Plate: p})
		if err != nil {
			t.Fatal(err)
		}
		f.Release()
		return out
	}
	near := func(what string, out *image.YCbCr, x, y int, want byte) {
		t.Helper()
		if v := out.Y[y*out.YStride+x]; int(v) < int(want)-4 || int(v) > int(want)+4 {
			t.Errorf("%s: luma %d, want %d", what, v, want)
		}
	}
	near("dark", show(60, 20, 0), 16, 16, 23)
	near("bright at once", show(60, 200, 0), 16, 16, 203)
	// Slowly dark again, and lighter.
	for v := 200; v > 60; v -= 2 {
		show(3, v, 0)
	}
	out := show(40, 60, 0)
	near("slowly dark", out, 16, 16, 63)
	near("slowly dark", out, 150, 90, 63)
	out = show(60, 60, 150)
	near("something new", out, 80, 48, 150)
	near("beside it", out, 16, 16, 63)
	out = show(60, 110, 200)
	near("something new in another light", out, 80, 48, 200)
	near("beside it", out, 16, 16, 113)
}
