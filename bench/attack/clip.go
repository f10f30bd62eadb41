package main

import (
	"image"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/floats"

	"github.com/hedgecam/hedge/detect"
)

// seen is when a subject is in the place, and when the attacker looks. Times are
// simulated; there is a picture a second, which is when frost takes a sample:
// those in between show the same.
type seen struct {
	name string
	// before is how many seconds nobody is there at first, to which up to 20 are
	// added by chance: frost's values move every 20 seconds. At 0 the subject is
	// in the first picture.
	before int
	// stay is how many seconds the subject is there then, and after how many the
	// clip goes on without it.
	stay, after int
}

var (
	firstPicture = seen{name: "in the first picture"}
	passes       = seen{name: "for 5 s after 60 s or more", before: 60, stay: 5, after: 20}
	// Those who stay. All are looked at in their last second.
	stands = []seen{
		{name: "stands there for 30 s", before: 20, stay: 30},
		{name: "stands there for 2 min", before: 20, stay: 120},
		{name: "stands there for 10 min", before: 20, stay: 600},
	}
)

// size returns the size of the pictures. Frost begins with the colour of a whole
// picture, which is as wide as a camera's then.
func (t *trial) size() image.Point {
	first := t.subjects[0]
	size := image.Pt((first.w*11/10+t.period()+t.lines/8)&^1, t.lines)
	if t.seen.before == 0 && t.ours() {
		size.X = max(size.X, t.lines*16/9)
	}
	return size
}

// period is the range of places that a subject is shown at: twice a cell.
func (t *trial) period() int { return 2 * max(t.cell(), t.direct) }

// cell is the side of frost's cells.
func (t *trial) cell() int { return max((t.lines+128)/256, 1) * block }

// sample shows a subject once and returns the features under the fill. For one who passes
// they are those of the last picture with the subject, and how the picture at the end
// differs from the one before it came; else those of the last picture alone. Without held
// values earlier pictures tell nothing.
func (t *trial) sample(s *stage, sub *subject) ([]float64, error) {
	// A new one: held values would tell of the clip before.
	p, err := t.painter(t.class, s.pic.Rect.Size())
	if err != nil {
		return nil, err
	}
	l := s.vary(sub, t.period())
	f := clip{painter: p, stage: s, look: l, drift: s.newDrift(), lasts: max(t.seen.stay/60, 1) * 2}
	there := s.box(sub, l)
	look := func() []float64 { return features(s.pic, there, t.cell()) }
	if t.seen.before == 0 {
		f.who = sub
		err := f.run(1)
		return look(), err
	}
	if err := f.run(t.seen.before + s.rng.IntN(20)); err != nil {
		return nil, err
	}
	before := look()
	f.who = sub
	if err := f.run(t.seen.stay); err != nil {
		return nil, err
	}
	x := look()
	if t.seen.after > 0 {
		f.who = nil
		if err := f.run(t.seen.after); err != nil {
			return nil, err
		}
		after := look()
		floats.Sub(after, before)
		x = append(x, after...)
	}
	return x, nil
}

// clip shows a stage to a painter second by second.
type clip struct {
	painter *painter
	stage   *stage
	look    look
	who     *subject // nil for nobody
	drift   drift
	lasts   int // seconds for which light and noise stay as they are

	seconds int
	keep    *image.YCbCr // the last picture, not redacted
	shown   *subject     // who is in it
	box     detect.Box
}

// run goes on for so many seconds.
func (f *clip) run(seconds int) error {
	pic := f.stage.pic
	for range seconds {
		if f.keep == nil || f.shown != f.who || f.seconds%f.lasts == 0 {
			l := f.look
			l.light = f.drift.at(f.seconds)
			l.noiseFrom = f.stage.rng.IntN(997)
			f.box = f.stage.show(f.who, l)
			if f.keep == nil {
				f.keep = clone(pic)
			}
			f.shown = f.who
			copyPicture(f.keep, pic)
		} else {
			copyPicture(pic, f.keep)
		}
		if _, err := f.painter.paint(pic, f.box, time.Duration(f.seconds)*time.Second); err != nil {
			return err
		}
		f.seconds++
	}
	return nil
}

func copyPicture(dst, src *image.YCbCr) {
	copy(dst.Y, src.Y)
	copy(dst.Cb, src.Cb)
	copy(dst.Cr, src.Cr)
}

func clone(p *image.YCbCr) *image.YCbCr {
	c := *p
	c.Y, c.Cb, c.Cr = slices.Clone(p.Y), slices.Clone(p.Cb), slices.Clone(p.Cr)
	return &c
}

// drift is how the light of a place changes: slowly to and fro by up to 10 steps
// of luma, and a little from picture to picture, as a camera's exposure does.
type drift struct {
	stage                *stage
	swing, period, begin float64
}

func (s *stage) newDrift() drift {
	return drift{s, 10 * s.rng.Float64(), 40 + 160*s.rng.Float64(), 2 * math.Pi * s.rng.Float64()}
}

// at returns the change of luma in a second of the clip.
func (d drift) at(second int) float64 {
	return d.swing*math.Sin(d.begin+2*math.Pi*float64(second)/d.period) + d.stage.rng.NormFloat64()
}

// features are the means of the samples on a grid over the object's box, and where the box
// lies on the grid of cells. The attacker is assumed to know the box exactly; the grid is
// public.
func features(pic *image.YCbCr, box detect.Box, cell int) []float64 {
	gw, gh := 12, 12
	if box.W() > 2*box.H() {
		gw, gh = 24, 6
	}
	out := make([]float64, 0, gw*gh*3/2+4)
	for i, p := range planesOf(pic) {
		nx, ny := gw, gh
		if i > 0 {
			nx, ny = gw/2, gh/2
		}
		k := float64(p.shrink)
		for y := range ny {
			for x := range nx {
				x0 := (float64(box.X0) + float64(box.W())*float64(x)/float64(nx)) / k
				y0 := (float64(box.Y0) + float64(box.H())*float64(y)/float64(ny)) / k
				out = append(out, average(p, x0, y0, x0+float64(box.W())/float64(nx)/k, y0+float64(box.H())/float64(ny)/k))
			}
		}
	}
	for _, v := range []float32{box.X0, box.Y0} {
		a := 2 * math.Pi * float64(v) / float64(cell)
		out = append(out, math.Sin(a), math.Cos(a))
	}
	return out
}

// average returns the mean of the samples whose centres lie in a rectangle, of one at
// least.
func average(p plane, x0, y0, x1, y1 float64) float64 {
	var sum, n int
	for y := int(y0); y == int(y0) || float64(y)+0.5 < y1; y++ {
		for x := int(x0); x == int(x0) || float64(x)+0.5 < x1; x++ {
			sum += int(p.Samples[y*p.Stride+x])
			n++
		}
	}
	return float64(sum) / float64(n)
}
