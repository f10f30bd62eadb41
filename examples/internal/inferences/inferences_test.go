package inferences_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/examples/internal/inferences"
)

var everything = detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle)

// odd are detections whose numbers no decimal writes short.
var odd = []detect.Detection{
	{Class: detect.Plate, Score: math.Nextafter32(0.3, 1), Box: detect.Box{X0: 1.0 / 3, Y0: math.SmallestNonzeroFloat32, X1: 10.1, Y1: 20}},
	{Class: detect.Face, Score: 1, Box: detect.Box{X1: 3, Y1: 4}},
}

func some(t testing.TB) (*inferences.Cache, []byte) {
	t.Helper()
	c := inferences.New()
	c.Add(inferences.Key{1}, odd)
	c.Add(inferences.Key{2}, nil)
	var b bytes.Buffer
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	return c, b.Bytes()
}

// TestCache: what is read is what was written, to the bit.
func TestCache(t *testing.T) {
	_, data := some(t)
	c, err := inferences.Read(bytes.NewReader(data))
	if err != nil || c.Len() != 2 {
		t.Fatal(c, err)
	}
	before := []detect.Detection{{Class: detect.Vehicle}}
	if got, ok := c.Find(inferences.Key{1}, before); !ok || !slices.Equal(got[1:], odd) || got[0] != before[0] {
		t.Errorf("%v, %t", got, ok)
	}
	if got, ok := c.Find(inferences.Key{2}, nil); !ok || len(got) != 0 {
		t.Errorf("%v, %t", got, ok)
	}
	if _, ok := c.Find(inferences.Key{3}, nil); ok {
		t.Error("it knows what it was not told")
	}
	var again bytes.Buffer
	if err := c.Write(&again); err != nil || !bytes.Equal(again.Bytes(), data) {
		t.Errorf("written again it is another file, %v", err)
	}
}

// TestMalformed: a file of which any byte was changed, that ends early or goes on, is none.
func TestMalformed(t *testing.T) {
	_, data := some(t)
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 0x41
		for name, b := range map[string][]byte{"changed": bad, "cut": data[:i]} {
			if c, err := inferences.Read(bytes.NewReader(b)); !errors.Is(err, inferences.ErrMalformed) || c != nil {
				t.Fatalf("%s at byte %d: %v, %v", name, i, c, err)
			}
		}
	}
	if _, err := inferences.Read(bytes.NewReader(append(data, 0))); !errors.Is(err, inferences.ErrMalformed) {
		t.Errorf("longer: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	_, data := some(f)
	f.Add(data)
	f.Add(data[:30])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := inferences.Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := c.Write(&again); err != nil || again.Len() > len(b) {
			t.Errorf("%d bytes read, %d written: %v", len(b), again.Len(), err)
		}
	})
}

// TestConformance: a detector with a memory keeps the contract, whether it knows or asks.
func TestConformance(t *testing.T) {
	c := inferences.New()
	detecttest.Run(t, func() detect.Detector {
		return inferences.Remember(detecttest.New(everything, detecttest.Find(odd...)), "n", c, &inferences.Counts{})
	}, detecttest.Options{Finds: len(odd)})
}

// selecting is a detector that can leave classes out.
type selecting struct {
	*detecttest.Fake
	wanted detect.ClassSet
	err    error
}

func (s *selecting) Select(c detect.ClassSet) error {
	if s.err == nil {
		s.wanted = c
	}
	return s.err
}

// TestRemember: a detector is asked once for the same input, and again if anything is
// another: a sample, the size, the classes, the network.
func TestRemember(t *testing.T) {
	fake := &selecting{Fake: detecttest.New(everything, detecttest.Find(odd...))}
	cache, counts := inferences.New(), &inferences.Counts{}
	d := inferences.Remember(fake, "network 1", cache, counts)
	other := inferences.Remember(fake, "network 2", cache, counts)
	pic := func(w, h, stride int) *image.YCbCr {
		p := image.NewYCbCr(image.Rect(0, 0, stride, h), image.YCbCrSubsampleRatio420)
		for i := range p.Y {
			p.Y[i] = byte(i % stride)
		}
		return p.SubImage(image.Rect(0, 0, w, h)).(*image.YCbCr)
	}
	chroma := pic(64, 48, 64)
	chroma.Cr[5]++
	asked := 0
	for i, step := range []struct {
		d     detect.Detector
		pic   *image.YCbCr
		knows bool
	}{
		{d, pic(64, 48, 64), false}, {d, pic(64, 48, 64), true}, {d, pic(64, 48, 80), true}, {d, pic(62, 48, 64), false},
		{d, chroma, false}, {d, chroma, true}, {other, chroma, false}, {d, pic(63, 47, 64), false}, {d, pic(63, 47, 70), true},
	} {
		if !step.knows {
			asked++
		}
		got, err := step.d.Detect(t.Context(), step.pic, nil)
		if err != nil || !slices.Equal(got, odd) || fake.Calls() != asked {
			t.Errorf("step %d: %v, %v, asked %d times, want %d", i, got, err, fake.Calls(), asked)
		}
	}
	if err := d.Select(detect.Classes(detect.Face)); err != nil || fake.wanted != detect.Classes(detect.Face) {
		t.Errorf("%v, %v", fake.wanted, err)
	}
	if _, err := d.Detect(t.Context(), chroma, nil); err != nil || fake.Calls() != asked+1 {
		t.Errorf("for other classes: %v, asked %d times", err, fake.Calls())
	}
	fake.err = errors.New("no")
	if err := d.Select(everything); !errors.Is(err, fake.err) {
		t.Error(err)
	}
	if _, err := d.Detect(t.Context(), chroma, nil); err != nil || fake.Calls() != asked+1 {
		t.Errorf("after a Select that failed: %v, asked %d times", err, fake.Calls())
	}
	if fmt.Sprint(counts.Known.Load(), counts.Asked.Load()) != fmt.Sprint(5, asked+1) {
		t.Errorf("%d known, %d asked", counts.Known.Load(), counts.Asked.Load())
	}
}

// TestFailuresAreNotKept: what a detector fails at is asked again.
func TestFailuresAreNotKept(t *testing.T) {
	bad := errors.New("bad")
	fake := detecttest.New(everything, detecttest.Steps(detecttest.Fail(bad), detecttest.Find(odd...)))
	c := inferences.New()
	d := inferences.Remember(fake, "n", c, &inferences.Counts{})
	pic := image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420)
	if _, err := d.Detect(t.Context(), pic, nil); !errors.Is(err, bad) || c.Len() != 0 {
		t.Errorf("%v, %d kept", err, c.Len())
	}
	if got, err := d.Detect(t.Context(), pic, nil); err != nil || len(got) != len(odd) {
		t.Errorf("%v, %v", got, err)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Detect(done, pic, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("its context has ended: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Detect(t.Context(), pic, nil); !errors.Is(err, detect.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
