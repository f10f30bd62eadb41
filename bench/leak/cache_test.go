package main

import (
	"image"
	"slices"
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
)

func TestCache(t *testing.T) {
	dir := t.TempDir()
	one := detect.Detection{Box: detect.Box{X1: 8, Y1: 8}, Class: detect.Face, Score: 0.9}
	two := detect.Detection{Box: detect.Box{X1: 9, Y1: 9}, Class: detect.Plate, Score: 0.8}
	pic := image.NewYCbCr(image.Rect(0, 0, 33, 31), image.YCbCrSubsampleRatio420)
	other := image.NewYCbCr(image.Rect(0, 0, 33, 31), image.YCbCrSubsampleRatio420)
	other.Cr[len(other.Cr)-1] = 1

	look := func(c *cache, pic *image.YCbCr) []detect.Detection {
		t.Helper()
		got, err := c.Detect(t.Context(), pic, []detect.Detection{two})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	inner := detecttest.New(everything, detecttest.Script([]detect.Detection{one}, nil, []detect.Detection{two}))
	c, err := openCache(dir, "a", inner)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := look(c, pic); !slices.Equal(got, []detect.Detection{two, one}) {
			t.Errorf("first picture: %v", got)
		}
		if got := look(c, other); !slices.Equal(got, []detect.Detection{two}) {
			t.Errorf("second picture: %v", got)
		}
	}
	if inner.Calls() != 2 {
		t.Errorf("asked %d times, want 2", inner.Calls())
	}
	if err := c.save(); err != nil {
		t.Fatal(err)
	}
	again, err := openCache(dir, "a", inner)
	if err != nil {
		t.Fatal(err)
	}
	if got := look(again, pic); !slices.Equal(got, []detect.Detection{two, one}) || inner.Calls() != 2 {
		t.Errorf("after loading: %v, asked %d times", got, inner.Calls())
	}
	fresh, err := openCache(dir, "b", inner)
	if err != nil {
		t.Fatal(err)
	}
	if got := look(fresh, pic); !slices.Equal(got, []detect.Detection{two, two}) || inner.Calls() != 3 {
		t.Errorf("under another name: %v, asked %d times", got, inner.Calls())
	}
}
