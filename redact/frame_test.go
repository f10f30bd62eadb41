package redact

import (
	"image"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

func TestZeroFrameIsEmpty(t *testing.T) {
	var f Frame
	if f.Valid() || f.Picture() != nil || f.Time() != 0 || f.Size() != (image.Point{}) || !f.Hidden() {
		t.Fatal("the zero frame has content")
	}
	if c := f.Mask(); c.Size() != (image.Point{}) || c.At(0, 0) != Solid || c.Hidden() != 1 || c.HiddenOf(detect.Box{X1: 1, Y1: 1}) != 1 {
		t.Fatal("the zero frame's mask has content")
	}
	f.Release()
}

// TestFrameIsSealed: there is nothing in a Frame or a Mask that another
// package could set, and only the Redactor's code makes one.
func TestFrameIsSealed(t *testing.T) {
	for _, typ := range []reflect.Type{reflect.TypeFor[Frame](), reflect.TypeFor[Mask]()} {
		for i := range typ.NumField() {
			if typ.Field(i).IsExported() {
				t.Errorf("%v has the exported field %s", typ, typ.Field(i).Name)
			}
		}
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[Frame](), reflect.TypeFor[*Frame]()} {
		for _, name := range []string{"UnmarshalJSON", "UnmarshalBinary", "UnmarshalText", "GobDecode", "Set", "Scan"} {
			if _, ok := typ.MethodByName(name); ok {
				t.Errorf("%v can be made by %s", typ, name)
			}
		}
	}
}

// TestReleasedFrameSeesNothing: copies of a released frame, and the picture a
// careless user kept, do not see the memory's next, raw, picture.
func TestReleasedFrameSeesNothing(t *testing.T) {
	size := image.Pt(64, 48)
	r := mustNew(t, nil, size, DefaultOptions())
	pic := noise(64, 48, 1)
	f := mustRedact(t, r, pic, Scene{Time: time.Second})
	copied, kept, mask := f, f.Picture(), f.Mask()
	if !copied.Valid() || kept == nil || copied.Time() != time.Second || copied.Size() != size {
		t.Fatal("the frame is not what was redacted")
	}
	f.Release()
	copy(pic.Y, noise(64, 48, 2).Y)
	if copied.Valid() || f.Valid() || copied.Picture() != nil || copied.Time() != 0 {
		t.Error("a copy of a released frame is alive")
	}
	if len(kept.Y)+len(kept.Cb)+len(kept.Cr) != 0 || !kept.Rect.Empty() {
		t.Error("the picture of a released frame still has pixels")
	}
	if mask.Size() != (image.Point{}) {
		t.Error("the mask of a released frame is alive")
	}

	next := mustRedact(t, r, pic, Scene{Time: 2 * time.Second})
	if next.s != f.s {
		t.Error("the released frame's memory was not used again")
	}
	copied.Release() // a second release must not end the next frame
	if !next.Valid() || copied.Valid() || f.Picture() != nil {
		t.Error("old and new frame are confused")
	}
	other := mustRedact(t, r, noise(64, 48, 3), Scene{Time: 3 * time.Second})
	if other.s == next.s || next.Time() != 2*time.Second || other.Time() != 3*time.Second {
		t.Error("two living frames share their state")
	}
}

func TestRedactDoesNotAllocate(t *testing.T) {
	size := image.Pt(640, 360)
	p := &Policy{Version: 1, Outside: Outside{Hide: HideDetected}, Visitors: VisitorsFeet,
		Property: []Polygon{{{0, 0.5}, {1, 0.5}, {1, 1}, {0, 1}}}}
	r := mustNew(t, p, size, options(func(o *Options) { o.Grow = 1 }))
	pic := noise(640, 360, 1)
	var objects []detect.Object
	for i := range 20 {
		b := detect.Box{X0: float32(30 * i), Y0: 100, X1: float32(30*i + 25), Y1: 180}
		objects = append(objects, detect.Object{Class: detect.Class(i % detect.NumClasses), Score: 1, Box: b, Padded: b})
	}
	at := time.Duration(0)
	for name, plate := range map[string]*BackgroundPlate{"no plate": nil, "a plate": randomPlate(size, rand.New(rand.NewPCG(1, 2)))} {
		painted := 0
		run := func() {
			a := mustRedact(t, r, pic, Scene{Time: at, Objects: objects, Plate: plate})
			b := mustRedact(t, r, pic, Scene{Time: at, Objects: objects[:10], Level: HideOutside, Plate: plate})
			painted += a.s.by[Background].count()
			a.Release()
			b.Release()
			at += 300 * time.Millisecond
		}
		run()
		if n := testing.AllocsPerRun(50, run); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if painted == 0 {
			t.Errorf("%s: no background is painted", name)
		}
	}
}

func TestFramesAcrossGoroutines(t *testing.T) {
	r := mustNew(t, nil, image.Pt(64, 48), DefaultOptions())
	frames := make(chan Frame, 4)
	done := make(chan int)
	go func() {
		n := 0
		for f := range frames {
			if f.Hidden() && len(f.Picture().Y) == 64*48 {
				n++
			}
			f.Release()
		}
		done <- n
	}()
	for i := range 200 {
		frames <- mustRedact(t, r, noise(64, 48, uint64(i)), Scene{Time: time.Duration(i)})
	}
	close(frames)
	if n := <-done; n != 200 {
		t.Fatalf("%d of 200 frames arrived", n)
	}
}
