package redact

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

var fullHD = image.Pt(1920, 1080)

// benchArea runs Redact on 1080p pictures of which the given share is hidden.
// Every run is followed by a memcpy of as many bytes, outside of ns/op (a median);
// the metric "memcpy" is the median ratio of the two times, which load on the
// machine moves little.
//
// A part of a picture is hidden as objects or, with anew, as zones: of objects
// frost takes no samples.
func benchArea(b *testing.B, share float64, fill Fill, anew bool) {
	p := &Policy{Version: 1, Outside: Outside{Fill: fill}}
	if fill != Frost {
		p.Found.Fill = fill
	}
	var objects []detect.Object
	if share < 1 {
		p.Outside.Hide = HideDetected
		// Four areas, of 272 x 96 pixels for 5 %.
		k := float32(math.Sqrt(share / 0.05))
		for i := range 4 {
			x, y := float32(160+400*i), float32(112+224*i)
			box := detect.Box{X0: x, Y0: y, X1: x + k*17*16, Y1: y + k*6*16}
			if fill == Frost {
				p.Mask = append(p.Mask, rectangle(box, fullHD))
				continue
			}
			objects = append(objects, detect.Object{Class: detect.Person, Score: 1, Box: box, Padded: box})
		}
	}
	var plate *BackgroundPlate
	if fill == Background {
		plate = randomPlate(fullHD, rand.New(rand.NewPCG(1, 1)))
		plate.known.fill()
	}
	step := time.Duration(0)
	if anew {
		step = time.Second
	}
	r, err := New(p, fullHD, noMargin())
	if err != nil {
		b.Fatal(err)
	}
	pic := noise(fullHD.X, fullHD.Y, 1)
	at := time.Duration(0)
	run := func() {
		f, err := r.Redact(pic, Scene{Time: at, Objects: objects, Plate: plate})
		if err != nil {
			b.Fatal(err)
		}
		f.Release()
		at += step
	}
	run()
	b.ReportAllocs()
	src, dst := clone(pic), clone(pic)
	var times, ratios []float64
	for b.Loop() {
		start := time.Now()
		run()
		spent := float64(time.Since(start))
		start = time.Now()
		copyPicture(dst, src)
		times = append(times, spent)
		ratios = append(ratios, spent/float64(time.Since(start)))
	}
	slices.Sort(times)
	slices.Sort(ratios)
	b.ReportMetric(times[len(times)/2], "ns/op")
	b.ReportMetric(ratios[len(ratios)/2], "memcpy")
}

// rectangle returns a box as a polygon.
func rectangle(b detect.Box, size image.Point) Polygon {
	x0, y0 := float64(b.X0)/float64(size.X), float64(b.Y0)/float64(size.Y)
	x1, y1 := float64(b.X1)/float64(size.X), float64(b.Y1)/float64(size.Y)
	return Polygon{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}
}

func copyPicture(dst, src *image.YCbCr) {
	copy(dst.Y, src.Y)
	copy(dst.Cb, src.Cb)
	copy(dst.Cr, src.Cr)
}

func BenchmarkFrost(b *testing.B) {
	for _, share := range []float64{1, 0.05} {
		b.Run(fmt.Sprintf("1080p/area=%.0f%%/anew", 100*share), func(b *testing.B) {
			benchArea(b, share, Frost, true)
		})
		b.Run(fmt.Sprintf("1080p/area=%.0f%%/held", 100*share), func(b *testing.B) {
			benchArea(b, share, Frost, false)
		})
	}
}

// BenchmarkBackground has the plate known everywhere, and soft edges.
func BenchmarkBackground(b *testing.B) {
	for _, share := range []float64{1, 0.2, 0.05} {
		b.Run(fmt.Sprintf("1080p/area=%.0f%%", 100*share), func(b *testing.B) {
			benchArea(b, share, Background, false)
		})
	}
}

// BenchmarkPlate is the upkeep of a plate: a frame, and an inference at every tenth.
func BenchmarkPlate(b *testing.B) {
	p := NewBackgroundPlate(fullHD, PlateConfig{Networks: 1, Span: 30 * time.Second})
	pic := noise(fullHD.X, fullHD.Y, 3)
	n := 0
	occupied := []detect.Box{{X0: 100, Y0: 100, X1: 300, Y1: 500}, {X0: 900, Y0: 500, X1: 1000, Y1: 700}}
	b.ReportAllocs()
	for b.Loop() {
		at := time.Duration(n) * 33 * time.Millisecond
		if n%10 == 0 {
			p.Looked(Inference{Time: at, Scale: 1})
		}
		p.Frame(pic, at, occupied)
		n++
	}
}

func BenchmarkSolid(b *testing.B) {
	for _, share := range []float64{1, 0.05} {
		b.Run(fmt.Sprintf("1080p/area=%.0f%%", 100*share), func(b *testing.B) {
			benchArea(b, share, Solid, false)
		})
	}
}

// BenchmarkMemcpy copies the bytes of a 1080p picture, for comparison.
func BenchmarkMemcpy(b *testing.B) {
	b.Run("1080p", func(b *testing.B) {
		src, dst := noise(fullHD.X, fullHD.Y, 1), noise(fullHD.X, fullHD.Y, 2)
		b.SetBytes(int64(fullHD.X * fullHD.Y * 3 / 2))
		for b.Loop() {
			copyPicture(dst, src)
		}
	})
}
