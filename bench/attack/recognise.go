package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
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

func attackRecognise(ctx context.Context, o *options, r *results, out io.Writer) error {
	rng := rand.New(rand.NewPCG(o.seed, 1)) //nolint:gosec // the same samples in every run
	faces, note, err := loadFaces(o)
	if err != nil {
		return err
	}
	r.Notes = append(r.Notes, note)
	for i, t := range newCast(faces, o.people, rng).trials() {
		if !o.matches(t.what, t.fill, t.seen.name) {
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
		if err := res.print(out); err != nil {
			return err
		}
	}
	return nil
}

// split is how many samples of each identity are for training, for the choice of
// the classifier and for the result.
type split struct{ train, checks, tests int }

// run makes the samples of a trial and measures.
func (t *trial) run(o *options, rng *rand.Rand) (recognition, error) {
	first := t.subjects[0]
	res := recognition{What: t.what, Fill: t.fill, Default: t.isDefault, Warning: !t.ours(),
		Seen: t.seen.name, Identities: len(t.subjects), Width: first.w, Height: first.h, Lines: t.lines}
	n := split{o.train, checks, tests}
	if t.seen.stay >= 30 {
		// Clips of minutes: half as many are half the cost of the whole program.
		n = split{n.train / 2, n.checks / 2, n.tests / 2}
	}
	s := newStage(t.size(), rng)
	err := res.measure(n, rng, func(id int) ([]float64, error) { return t.sample(s, t.subjects[id]) })
	return res, err
}

// measure has samples made, trains the classifiers, chooses one by its accuracy on
// samples kept aside, and tests that on others.
func (r *recognition) measure(n split, rng *rand.Rand, sampleOf func(id int) ([]float64, error)) error {
	r.Chance, r.Views, r.Train = 1/float64(r.Identities), views, r.Identities*n.train
	var train, check, test []sample
	for id := range r.Identities {
		for i := range n.train + n.checks + n.tests {
			x, err := sampleOf(id)
			if err != nil {
				return err
			}
			switch k := (sample{x, id}); {
			case i < n.train:
				train = append(train, k)
			case i < n.train+n.checks:
				check = append(check, k)
			default:
				test = append(test, k)
			}
		}
	}
	r.test(train, check, test, rng)
	return nil
}

// test trains on some samples, chooses a classifier on others, and fills in the
// result on the rest.
func (r *recognition) test(train, check, test []sample, rng *rand.Rand) {
	standardise(train, check, test)
	d, n := len(train[0].x), r.Identities
	softmax, mlp := newLayers(rng, d, n), newLayers(rng, d, 64, n)
	softmax.train(train, 15, rng)
	mlp.train(train, 20, rng)
	chosen, most := classifier(nil), -1
	for _, c := range []struct {
		name string
		c    classifier
	}{{"nearest neighbour", &neighbours{1, n, train}}, {"9 nearest neighbours", &neighbours{9, n, train}},
		{"softmax regression", softmax}, {"MLP 64", mlp}} {
		if k, _ := accuracy(c.c, check, 1); k > most {
			chosen, most, r.Classifier = c.c, k, c.name
		}
	}
	r.Right, r.Tests = accuracy(chosen, test, 1)
	r.Accuracy = float64(r.Right) / float64(r.Tests)
	r.Low, r.High = interval(r.Right, r.Tests)
	r.OverChance = r.Accuracy / r.Chance
	right, groups := accuracy(chosen, test, views)
	r.ViewsTests, r.ViewsAccuracy = groups, float64(right)/float64(groups)
	r.ViewsLow, r.ViewsHigh = interval(right, groups)
}

// print says a result in one line.
func (r *recognition) print(out io.Writer) error {
	_, err := fmt.Fprintf(out, "%-28s %-38s %-36s %5.1f %% (chance %.0f %%), %d views %5.1f %%  [%s]\n", r.What, r.Fill, r.Seen,
		100*r.Accuracy, 100*r.Chance, views, 100*r.ViewsAccuracy, r.Classifier)
	return err
}
