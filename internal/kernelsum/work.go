package main

import (
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/motion"
	"github.com/hedgecam/hedge/detect/track"
	"github.com/hedgecam/hedge/internal/pixel"
	"github.com/hedgecam/hedge/redact"
)

// workload is something done for each frame. start prepares it; what it returns
// does frame n and writes what came out.
type workload struct {
	name  string
	start func() (func(n int, out io.Writer) error, error)
}

var fullHD = image.Pt(1920, 1080)

// perFrame are the workloads of a 1080p frame.
func perFrame() []workload {
	return []workload{
		{"frost/area=100%", func() (func(int, io.Writer) error, error) { return frost(fullHD, 1) }},
		{"frost/area=5%", func() (func(int, io.Writer) error, error) { return frost(fullHD, 0.05) }},
		{"background/area=100%", func() (func(int, io.Writer) error, error) { return background(fullHD, 1) }},
		{"background/area=5%", func() (func(int, io.Writer) error, error) { return background(fullHD, 0.05) }},
		{"prepare/640x360", func() (func(int, io.Writer) error, error) {
			return prepare(fullHD, image.Pt(640, 360), image.YCbCrSubsampleRatio420)
		}},
		{"prepare/416x234", func() (func(int, io.Writer) error, error) {
			return prepare(fullHD, image.Pt(416, 234), image.YCbCrSubsampleRatio420)
		}},
		{"motion/640x360", func() (func(int, io.Writer) error, error) { return watch(image.Pt(640, 360)) }},
	}
}

// oddSizes are workloads that reach the kernels' edges: sizes that no vector
// width divides, every subsampling, enlarging.
func oddSizes() []workload {
	var all []workload
	for _, size := range []image.Point{{1, 1}, {33, 17}, {318, 242}, {1366, 767}} {
		all = append(all, workload{fmt.Sprintf("frost/%dx%d", size.X, size.Y),
			func() (func(int, io.Writer) error, error) { return frost(size, 1) }})
	}
	for _, size := range []image.Point{{33, 17}, {318, 242}, {1366, 767}} {
		all = append(all, workload{fmt.Sprintf("background/%dx%d", size.X, size.Y),
			func() (func(int, io.Writer) error, error) { return background(size, 0.05) }})
	}
	for _, c := range []struct {
		from, to image.Point
		sub      image.YCbCrSubsampleRatio
	}{
		{image.Pt(1281, 719), image.Pt(320, 192), image.YCbCrSubsampleRatio420},
		{image.Pt(640, 480), image.Pt(160, 120), image.YCbCrSubsampleRatio422},
		{image.Pt(99, 57), image.Pt(320, 184), image.YCbCrSubsampleRatio444},
		{image.Pt(2304, 1296), image.Pt(384, 216), image.YCbCrSubsampleRatio420},
	} {
		all = append(all, workload{fmt.Sprintf("prepare/%dx%d/%dx%d/%v", c.from.X, c.from.Y, c.to.X, c.to.Y, c.sub),
			func() (func(int, io.Writer) error, error) { return prepare(c.from, c.to, c.sub) }})
	}
	for _, size := range []image.Point{{257, 131}, {1920, 1080}} {
		all = append(all, workload{fmt.Sprintf("motion/%dx%d", size.X, size.Y),
			func() (func(int, io.Writer) error, error) { return watch(size) }})
	}
	return all
}

// picture returns a picture of pseudo-random samples.
func picture(size image.Point, sub image.YCbCrSubsampleRatio, seed uint64) *image.YCbCr {
	p := image.NewYCbCr(image.Rectangle{Max: size}, sub)
	rng := rand.NewPCG(seed, 1)
	for _, plane := range [][]byte{p.Y, p.Cb, p.Cr} {
		for i := range plane {
			plane[i] = byte(rng.Uint64())
		}
	}
	return p
}

// writePicture writes the three planes of a picture without padding.
func writePicture(out io.Writer, p *image.YCbCr) error {
	for _, plane := range [][]byte{p.Y, p.Cb, p.Cr} {
		if _, err := out.Write(plane); err != nil {
			return err
		}
	}
	return nil
}

// frost redacts the given share of pictures, with a sample taken of each. Values
// move in every 20th picture; those before the first have moved them apart.
func frost(size image.Point, share float64) (func(int, io.Writer) error, error) {
	p := &redact.Policy{Version: 1}
	if share < 1 {
		p.Outside.Hide = redact.HideDetected
		// Four zones of 17 x 6 blocks hide 5 % of 1080p.
		w, h := float64(size.X)/16, float64(size.Y)/16
		for i := range 4 {
			x, y := float64(10+25*i), float64(7+14*i)
			p.Mask = append(p.Mask, redact.Polygon{{X: x / w, Y: y / h}, {X: (x + 17) / w, Y: y / h},
				{X: (x + 17) / w, Y: (y + 6) / h}, {X: x / w, Y: (y + 6) / h}})
		}
	}
	o := redact.DefaultOptions()
	o.Margin, o.FrostHold = 0, 0
	r, err := redact.New(p, size, o)
	if err != nil {
		return nil, err
	}
	pic := picture(size, image.YCbCrSubsampleRatio420, 1)
	raw := picture(size, image.YCbCrSubsampleRatio420, 5)
	for _, plane := range [][]byte{raw.Y, raw.Cb, raw.Cr} {
		for i := range plane {
			plane[i] = plane[i]/4 + byte(i/977%190)
		}
	}
	for n := range 3*20 - 1 {
		copy(pic.Y, raw.Y)
		copy(pic.Cb, raw.Cb)
		copy(pic.Cr, raw.Cr)
		f, err := r.Redact(pic, redact.Scene{Time: at(n)})
		if err != nil {
			return nil, err
		}
		f.Release()
	}
	return func(n int, out io.Writer) error {
		// Other samples in every frame: a step that 256 does not divide.
		for i := 0; i < len(pic.Y); i += 251 {
			pic.Y[i] += byte(n)
		}
		f, err := r.Redact(pic, redact.Scene{Time: at(60 + n)})
		if err != nil {
			return err
		}
		defer f.Release()
		return writePicture(out, pic)
	}, nil
}

// background redacts the given share of pictures by a background plate that knows the
// place but for a box in which somebody always was, with soft edges.
func background(size image.Point, share float64) (func(int, io.Writer) error, error) {
	p := &redact.Policy{Version: 1, Outside: redact.Outside{Fill: redact.Background}, Found: redact.Found{Fill: redact.Background}}
	w, h := float32(size.X), float32(size.Y)
	always := detect.Box{X0: w / 8, Y0: h / 8, X1: w / 4, Y1: h / 2}
	var objects []detect.Object
	if share < 1 {
		p.Outside.Hide = redact.HideDetected
		for i := range 4 {
			x, y := w/12+float32(i)*w/5, h/10+float32(i)*h/5
			box := detect.Box{X0: x, Y0: y, X1: x + w/7, Y1: y + h/11} // 5 % together
			objects = append(objects, detect.Object{Class: detect.Person, Score: 1, Box: box, Padded: box})
		}
	}
	r, err := redact.New(p, size, redact.DefaultOptions())
	if err != nil {
		return nil, err
	}
	pic := picture(size, image.YCbCrSubsampleRatio420, 1)
	plate := redact.NewBackgroundPlate(size, redact.PlateConfig{Networks: 1, Thorough: true})
	found := []detect.Detection{{Class: detect.Person, Score: 0.9, Box: always}}
	for n := range 20 {
		t := time.Duration(n) * 2500 * time.Millisecond
		plate.Frame(pic, t, []detect.Box{always})
		plate.Looked(redact.Inference{Time: t, Scale: 1, Found: found})
	}
	if k := plate.Known(); k == 0 || k == 1 {
		return nil, fmt.Errorf("the plate knows %.0f %% of the place", 100*k)
	}
	return func(n int, out io.Writer) error {
		for i := 0; i < len(pic.Y); i += 251 {
			pic.Y[i] += byte(n)
		}
		f, err := r.Redact(pic, redact.Scene{Time: at(n), Objects: objects, Plate: plate})
		if err != nil {
			return err
		}
		defer f.Release()
		return writePicture(out, pic)
	}, nil
}

// prepare scales pictures down and turns them into a network's input.
func prepare(from, to image.Point, sub image.YCbCrSubsampleRatio) (func(int, io.Writer) error, error) {
	var s pixel.Scaler
	src, small := picture(from, sub, 2), image.NewYCbCr(image.Rectangle{Max: to}, image.YCbCrSubsampleRatio420)
	h := (to.Y + 31) / 32 * 32
	input := make([]float32, 3*to.X*h)
	return func(n int, out io.Writer) error {
		if err := s.Scale(small, src); err != nil {
			return err
		}
		if err := pixel.FillBGR(input, to.X, h, small, image.Point{}, n%2 == 1); err != nil {
			return err
		}
		if out == io.Discard {
			return nil
		}
		if err := writePicture(out, small); err != nil {
			return err
		}
		return binary.Write(out, binary.LittleEndian, input)
	}, nil
}

// watch shows the background model a noisy scene in which squares move.
func watch(size image.Point) (func(int, io.Writer) error, error) {
	m := motion.New(motion.DefaultConfig())
	scene := picture(size, image.YCbCrSubsampleRatio420, 3)
	for i := range scene.Y {
		scene.Y[i] = 80 + byte(i/40%16)*4 + scene.Y[i]%5
	}
	pic := picture(size, image.YCbCrSubsampleRatio420, 4)
	var boxes []detect.Box
	whole := detect.Box{X1: float32(fullHD.X), Y1: float32(fullHD.Y)}
	return func(n int, out io.Writer) error {
		copy(pic.Y, scene.Y)
		side := max(size.Y/12, 1)
		for i := range 6 {
			x, y := (i*size.X/6+3*n)%max(size.X-side, 1), i*(size.Y-side)/6
			for j := range side {
				row := pic.Y[(y+j)*pic.YStride+x:][:side]
				for k := range row {
					row[k] = byte(200 - 3*i - k%7)
				}
			}
		}
		m.Update(at(n), pic, fullHD)
		if n == 1 {
			m.Observe(at(n), whole, nil)
		}
		boxes = m.Unexplained(boxes[:0], nil)
		boxes = m.Patches(boxes)
		if out == io.Discard {
			return nil
		}
		return binary.Write(out, binary.LittleEndian, boxes)
	}, nil
}

// tracking follows 50 people through a 1080p picture, with an inference on every frame.
func tracking() workload {
	return workload{"track/objects=50", func() (func(int, io.Writer) error, error) {
		t := track.New(trackConfig(fullHD))
		var dets []detect.Detection
		var objects []detect.Object
		return func(n int, _ io.Writer) error {
			dets = dets[:0]
			for i := range 50 {
				x, y := float32(i%10*180+2*n), float32(i/10*200+n)
				dets = append(dets, detect.Detection{Class: detect.Person, Score: 0.8,
					Box: detect.Box{X0: x, Y0: y, X1: x + 60, Y1: y + 150}})
			}
			t.Update(track.Inference{Time: at(n), Classes: detect.Classes(detect.Person), Detections: dets})
			objects = t.At(at(n), objects[:0])
			if len(objects) < len(dets) {
				return fmt.Errorf("%d objects of %d", len(objects), len(dets))
			}
			return nil
		}, nil
	}}
}

// at returns the time of frame n of 30 a second.
func at(n int) time.Duration { return time.Duration(n) * time.Second / 30 }

// trackConfig is the tracker's for pictures of a size.
func trackConfig(size image.Point) track.Config {
	c := track.DefaultConfig()
	c.Size = size
	return c
}
