package main

import (
	"context"
	"fmt"
	"image"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

// trial is one question to the recogniser: a kind of subject under a fill.
type trial struct {
	what, fill string
	class      detect.Class
	subjects   []*subject
	lines      int // the picture's height, which decides on the cells of frost
	known      bool
	solid      bool
	mosaic     int
	sigma      float64
	coarser    int  // cells 2^coarser times as large as the default
	grey       int  // chroma has that many bits fewer
	isDefault  bool // the bar holds for it
}

// recognition is the result of a trial.
type recognition struct {
	What       string  `json:"what"`
	Fill       string  `json:"fill"`
	Default    bool    `json:"default"`
	Warning    bool    `json:"warning_example"`
	Identities int     `json:"identities"`
	Width      int     `json:"object_width"`
	Height     int     `json:"object_height"`
	Lines      int     `json:"picture_height"`
	Classifier string  `json:"classifier"`
	Train      int     `json:"train_samples"`
	Tests      int     `json:"tests"`
	Right      int     `json:"right"`
	Accuracy   float64 `json:"accuracy"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Chance     float64 `json:"chance"`
	OverChance float64 `json:"times_chance"`
	// Views are the same for the sum of the scores of several views.
	Views         int     `json:"views"`
	ViewsTests    int     `json:"views_tests"`
	ViewsAccuracy float64 `json:"views_accuracy"`
	ViewsLow      float64 `json:"views_low"`
	ViewsHigh     float64 `json:"views_high"`
}

// views is how many pictures of an identity are judged together.
const views = 5

// tests and checks are the samples of each identity for the result and for the
// choice of the classifier.
const (
	tests  = 30
	checks = 15
)

// trials lists the questions about plates and faces. A found plate is solid by
// default; a plate that nobody found is frosted with all else outside.
func trials(plates, near [][]*subject, faces map[string][2][]*subject) (list []trial) {
	add := func(t trial) { list = append(list, t) }
	for i, p := range [][]*subject{plates[0], near[0]} {
		what := [2]string{"plate", "plate, near"}[i]
		add(trial{what: what, fill: "solid (default of a found plate)", class: detect.Plate, subjects: p, lines: 1080, known: true, isDefault: true})
		add(trial{what: what, fill: "frost 64 (default, plate not found)", class: detect.Plate, subjects: p, lines: 1080, isDefault: true})
	}
	for _, lines := range []int{2048, 1536, 512, 256} {
		add(trial{what: "plate, near", fill: fmt.Sprintf("frost, cells of %d", (lines+128)/256*16), class: detect.Plate, subjects: near[0], lines: lines})
	}
	add(trial{what: "plate, near", fill: "mosaic 16", class: detect.Plate, subjects: near[0], lines: 1080, mosaic: 16})
	add(trial{what: "plate, near", fill: "Gaussian, sigma 16", class: detect.Plate, subjects: near[0], lines: 1080, sigma: 16})

	for _, kind := range []string{"face", "face in its own light"} {
		f, ok := faces[kind]
		if !ok {
			continue
		}
		add(trial{what: kind, fill: "frost (default)", class: detect.Face, subjects: f[0], lines: 1080, known: true, isDefault: true})
		add(trial{what: kind + ", near", fill: "frost (default)", class: detect.Face, subjects: f[1], lines: 1080, known: true, isDefault: true})
		add(trial{what: kind + ", near", fill: "frost 64 (face not found)", class: detect.Face, subjects: f[1], lines: 1080, isDefault: true})
		add(trial{what: kind, fill: "solid", class: detect.Face, subjects: f[0], lines: 1080, known: true, solid: true})
		add(trial{what: kind, fill: "frost 64 (face not found)", class: detect.Face, subjects: f[0], lines: 1080, isDefault: true})
		for i, share := range []string{"1 cell", "1/2 cell", "1/4 cell"} {
			add(trial{what: kind + ", what if", fill: "found, at most " + share + " across", class: detect.Face, subjects: f[0], lines: 1080, known: true, coarser: i + 1})
			add(trial{what: kind + ", what if", fill: "found, at most " + share + " across, chroma of 3 bits", class: detect.Face, subjects: f[0], lines: 1080, known: true, coarser: i + 1, grey: 2})
		}
		for _, lines := range []int{2048, 4096} {
			add(trial{what: kind + ", what if", fill: fmt.Sprintf("not found, cells of %d", (lines+128)/256*16),
				class: detect.Face, subjects: f[0], lines: lines})
		}
		if kind != "face" {
			continue
		}
		for _, lines := range []int{512, 256} {
			add(trial{what: kind, fill: fmt.Sprintf("frost, cells of %d", (lines+128)/256*16), class: detect.Face, subjects: f[0], lines: lines})
		}
		add(trial{what: kind, fill: "mosaic 16", class: detect.Face, subjects: f[0], lines: 1080, mosaic: 16})
		add(trial{what: kind, fill: "Gaussian, sigma 16", class: detect.Face, subjects: f[0], lines: 1080, sigma: 16})
	}
	return list
}

func attackRecognise(ctx context.Context, o *options, r *report, out io.Writer) error {
	rng := rand.New(rand.NewPCG(o.seed, 1)) //nolint:gosec // the same samples in every run
	plates, near := drawPlates(o.people, 128, rng), drawPlates(o.people, 256, rng)
	faces, note, err := loadFaces(o)
	if err != nil {
		return err
	}
	r.Notes = append(r.Notes, note)
	for i, t := range trials([][]*subject{plates}, [][]*subject{near}, faces) {
		if !strings.Contains(t.what, o.match) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		res, err := t.run(o, rand.New(rand.NewPCG(o.seed, uint64(i+2)))) //nolint:gosec // likewise
		if err != nil {
			return fmt.Errorf("%s under %s: %w", t.what, t.fill, err)
		}
		r.Recognition = append(r.Recognition, res)
		if _, err := fmt.Fprintf(out, "%-24s %-38s %5.1f %% (chance %.0f %%), %d views %5.1f %%  [%s]\n", t.what, t.fill,
			100*res.Accuracy, 100*res.Chance, views, 100*res.ViewsAccuracy, res.Classifier); err != nil {
			return err
		}
	}
	return nil
}

// run makes the samples, trains the classifiers, chooses one by its accuracy on
// samples kept aside, and tests that on others.
func (t *trial) run(o *options, rng *rand.Rand) (res recognition, err error) {
	n, first := len(t.subjects), t.subjects[0]
	res = recognition{What: t.what, Fill: t.fill, Default: t.isDefault, Warning: t.mosaic > 0 || t.sigma > 0,
		Identities: n, Width: first.w, Height: first.h, Lines: t.lines,
		Train: n * o.train, Chance: 1 / float64(n), Views: views}
	period := t.period()
	s := newStage(image.Pt((first.w*11/10+period+128)&^1, t.lines), rng)
	var train, check, test []sample
	for id, sub := range t.subjects {
		for i := range o.train + checks + tests {
			x, err := t.sample(s, sub, period)
			if err != nil {
				return res, err
			}
			switch k := (sample{x, id}); {
			case i < o.train:
				train = append(train, k)
			case i < o.train+checks:
				check = append(check, k)
			default:
				test = append(test, k)
			}
		}
	}
	sc := newScaling(train)
	sc.apply(train)
	sc.apply(check)
	sc.apply(test)
	d := len(train[0].x)
	softmax, mlp := newLayers(rng, d, n), newLayers(rng, d, 64, n)
	softmax.train(train, 15, rng)
	mlp.train(train, 20, rng)
	chosen, most := classifier(nil), -1
	for _, c := range []struct {
		name string
		c    classifier
	}{{"nearest neighbour", &neighbours{1, n, train}}, {"9 nearest neighbours", &neighbours{9, n, train}},
		{"softmax regression", softmax}, {"MLP 64", mlp}} {
		if k := accuracy(c.c, check); k > most {
			chosen, most, res.Classifier = c.c, k, c.name
		}
	}
	res.Tests, res.Right = len(test), accuracy(chosen, test)
	res.Accuracy = float64(res.Right) / float64(res.Tests)
	res.Low, res.High = interval(res.Right, res.Tests)
	res.OverChance = res.Accuracy / res.Chance
	right, groups := accuracyOfViews(chosen, test, views)
	res.ViewsTests, res.ViewsAccuracy = groups, float64(right)/float64(groups)
	res.ViewsLow, res.ViewsHigh = interval(right, groups)
	return res, nil
}

// period is the range of places that a subject is shown at: twice the largest
// cell that may lie over it, as far as the picture has room.
func (t *trial) period() int {
	cell := max((t.lines+128)/256, 1) * 16
	if t.known && t.class == detect.Face {
		for t.subjects[0].w > 2*cell {
			cell *= 2
		}
	}
	cell <<= t.coarser
	return min(2*cell, t.lines-t.subjects[0].h*12/10)
}

// sample shows a subject once and returns what can be seen of it afterwards.
// Each has a painter of its own: a held value would tell of the one before.
func (t *trial) sample(s *stage, sub *subject, period int) ([]float32, error) {
	box := s.show(sub, s.vary(sub, period))
	// Less contrast for as many steps is as good as fewer steps.
	if t.grey > 0 {
		for _, pix := range [][]byte{s.pic.Cb, s.pic.Cr} {
			for i, v := range pix {
				pix[i] = byte(128 + (int(v)-128)>>t.grey)
			}
		}
	}
	p := &painter{mosaic: t.mosaic, sigma: t.sigma}
	if t.mosaic == 0 && t.sigma == 0 {
		fill := redact.FillFrost
		if t.solid {
			fill = redact.FillSolid
		}
		var err error
		if t.coarser > 0 {
			p, err = newCoarser(t.coarser, s.pic.Rect.Size())
		} else {
			p, err = newRedacting(fill, t.class, t.known, s.pic.Rect.Size(), time.Second)
		}
		if err != nil {
			return nil, err
		}
	}
	if _, err := p.paint(s.pic, box, 0); err != nil {
		return nil, err
	}
	return features(s.pic, box, (t.lines+128)/256*16), nil
}

// features are the means of the samples on a grid over the object's box, which
// the attacker is taken to know exactly, and where the box lies on the grid of
// cells, which everybody knows.
func features(pic *image.YCbCr, box detect.Box, cell int) []float32 {
	gw, gh := 12, 12
	if box.W() > 2*box.H() {
		gw, gh = 24, 6
	}
	out := make([]float32, 0, gw*gh*3/2+4)
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
		out = append(out, float32(math.Sin(a)), float32(math.Cos(a)))
	}
	return out
}

// average returns the mean of the samples of which the centres lie in a
// rectangle, at least one.
func average(p planeOf, x0, y0, x1, y1 float64) float32 {
	var sum, n int
	for y := int(y0); y == int(y0) || float64(y)+0.5 < y1; y++ {
		for x := int(x0); x == int(x0) || float64(x)+0.5 < x1; x++ {
			sum += int(p.pix[y*p.stride+x])
			n++
		}
	}
	return float32(sum) / float32(n)
}
