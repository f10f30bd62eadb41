package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
)

// recognition is the result of a trial.
type recognition struct {
	What       string  `json:"what"`
	Seen       string  `json:"seen"`
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

func attackRecognise(ctx context.Context, o *options, r *report, out io.Writer) error {
	rng := rand.New(rand.NewPCG(o.seed, 1)) //nolint:gosec // the same samples in every run
	faces, note, err := loadFaces(o)
	if err != nil {
		return err
	}
	r.Notes = append(r.Notes, note)
	for i, t := range newCast(faces, o.people, rng).trials() {
		if !strings.Contains(t.what+" "+t.fill+" "+t.seen.name, o.match) {
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
		if _, err := fmt.Fprintf(out, "%-28s %-34s %-28s %5.1f %% (chance %.0f %%), %d views %5.1f %%  [%s]\n", t.what, t.fill, t.seen.name,
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
	res = recognition{What: t.what, Fill: t.fill, Default: t.isDefault, Warning: t.direct > 0 || t.mosaic > 0 || t.sigma > 0,
		Seen: t.seen.name, Identities: n, Width: first.w, Height: first.h, Lines: t.lines,
		Chance: 1 / float64(n), Views: views}
	trains, checks, tests := o.train, checks, tests
	if t.seen.stay >= 30 {
		// Films of minutes: half as many are half the cost of the whole program.
		trains, checks, tests = trains/2, checks/2, tests/2
	}
	res.Train = n * trains
	s := newStage(t.size(), rng)
	var train, check, test []sample
	for id, sub := range t.subjects {
		for i := range trains + checks + tests {
			x, err := t.sample(s, sub)
			if err != nil {
				return res, err
			}
			switch k := (sample{x, id}); {
			case i < trains:
				train = append(train, k)
			case i < trains+checks:
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
