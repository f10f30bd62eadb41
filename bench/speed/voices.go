package main

import (
	"context"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/hedgecam/hedge/bench/internal/reach"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/motion"
	"github.com/hedgecam/hedge/detect/track"
)

const frameStep = time.Second / 30

// crowd returns, for each of a number of looks, n people who walk, jostle and
// are sometimes missed.
func crowd(n, count int) [][]detect.Detection {
	r := rand.New(rand.NewPCG(7, uint64(n))) //nolint:gosec // made-up people need no secrecy
	out := make([][]detect.Detection, count)
	for range n {
		x, y := r.Float32()*3600, r.Float32()*1900
		vx, vy := r.Float32()*8-4, r.Float32()*4-2
		h := 60 + 120*r.Float32()
		for i := range out {
			if r.Float32() < 0.1 {
				continue
			}
			// There and back, so that the sequence may be repeated.
			t := float32(min(i, count-i))
			b := detect.Box{X0: x + vx*t, Y0: y + vy*t}
			b.X1, b.Y1 = b.X0+0.4*h, b.Y0+h
			out[i] = append(out[i], detect.Detection{Box: b, Class: detect.Person, Score: 0.3 + 0.6*r.Float32()})
		}
	}
	return out
}

// measureTrack measures the tracker over the number of objects: one look, one
// prediction for the frame that goes out, and forgetting, as in each frame of
// which a network has seen something.
func measureTrack(_ context.Context, s *suite) error {
	t := reach.Table{Title: "Tracker by objects, per look and frame", Columns: []string{"objects", "ms", "us an object", "allocations"}}
	counts := []int{1, 2, 5, 10, 20, 50, 100, 200, 500}
	var fns []func() error
	for _, n := range counts {
		tr, looks, i := track.New(track.Config{Size: image.Pt(3840, 2160)}), crowd(n, 120), 0
		var found []detect.Object
		step := func() {
			at := time.Duration(i) * frameStep
			tr.Update(track.Look{Time: at, Classes: detect.Classes(detect.Person), Detections: looks[i%len(looks)]})
			found = tr.At(at-8*frameStep, found[:0])
			tr.Forget(at - 8*frameStep)
			i++
		}
		for range len(looks) {
			step()
		}
		fns = append(fns, does(step))
	}
	took, err := sides(s.budget(2*time.Second), fns...)
	if err != nil {
		return err
	}
	var x, y []float64
	for i, n := range counts {
		v := median(took[i])
		t.Line(n, v, 1000*v/float64(n), reach.Number(allocations(fns[i])))
		x, y = append(x, float64(n)), append(y, v)
	}
	k := growth(x, y)
	s.report.grows("tracker", "objects", x, y)
	s.report.Tables = append(s.report.Tables, t)
	s.report.measured(goalTrack, k, fmt.Sprintf("%s ms for 500 objects", reach.Number(y[len(y)-1])))
	return nil
}

// measureMotion measures the background model.
func measureMotion(_ context.Context, s *suite) error {
	t := reach.Table{Title: "Motion, per frame", Columns: []string{"picture", "walkers", "ms", "x memcpy of 1080p", "allocations"}}
	src, dst := noise(fullHD, 1), noise(fullHD, 2)
	fns := []func() error{does(func() { copyPicture(dst, src) })}
	cases := []struct {
		name    string
		size    image.Point
		walkers int
	}{
		{"small copy 640x360", image.Pt(640, 360), 4},
		{"small copy 640x360", image.Pt(640, 360), 0},
		{"small copy 640x360", image.Pt(640, 360), 40},
		{"1080p itself", fullHD, 4},
		{"2160p itself", image.Pt(3840, 2160), 4},
	}
	for _, c := range cases {
		m, pics, i := motion.New(motion.Config{}), street(c.size, c.walkers, 8), 0
		boxes := make([]detect.Box, 0, 4096)
		full := detect.Box{X1: float32(fullHD.X), Y1: float32(fullHD.Y)}
		fns = append(fns, does(func() {
			at := time.Duration(i) * frameStep
			m.Update(at, pics[i%len(pics)], fullHD)
			boxes = m.Unexplained(boxes[:0], nil)
			if i%9 == 3 {
				m.Judge(at, full, nil)
			}
			i++
		}))
	}
	took, err := sides(s.budget(2*time.Second), fns...)
	if err != nil {
		return err
	}
	for i, c := range cases {
		t.Line(c.name, c.walkers, median(took[i+1]), ratio(took[i+1], took[0]), reach.Number(allocations(fns[i+1])))
	}
	s.report.Tables = append(s.report.Tables, t)
	s.report.measured(goalMotion, median(took[1]), "on the networks' small copy, 4 walkers")
	return measureView(s)
}

// measureView measures the watch for a moved camera, which runs on every picture of a
// fixed one: while it shows its view, and while it shows another.
func measureView(s *suite) error {
	t := reach.Table{Title: "Watch for a moved camera, per frame", Columns: []string{"picture", "shows", "ms", "x memcpy of 1080p", "allocations"}}
	src, dst := noise(fullHD, 1), noise(fullHD, 2)
	fns := []func() error{does(func() { copyPicture(dst, src) })}
	sizes := []image.Point{image.Pt(1280, 720), fullHD, image.Pt(3840, 2160)}
	for _, size := range sizes {
		for _, moved := range []bool{false, true} {
			v, pics, i := motion.NewView(motion.ViewConfig{}), street(size, 4, 8), 0
			step := func() {
				v.Update(time.Duration(i)*frameStep, pics[i%len(pics)], fullHD, nil)
				i++
			}
			for range 60 {
				step()
			}
			if moved {
				for _, p := range pics {
					slices.Reverse(p.Y)
				}
			}
			fns = append(fns, does(step))
		}
	}
	took, err := sides(s.budget(2*time.Second), fns...)
	if err != nil {
		return err
	}
	for i, fn := range fns[1:] {
		shows := [2]string{"its view", "another"}[i%2]
		t.Line(fmt.Sprintf("%dx%d", sizes[i/2].X, sizes[i/2].Y), shows, median(took[i+1]), ratio(took[i+1], took[0]), reach.Number(allocations(fn)))
	}
	s.report.Tables = append(s.report.Tables, t)
	return nil
}
