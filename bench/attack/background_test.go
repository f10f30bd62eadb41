package main

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hedgecam/hedge/detect"
)

// TestPlaceFilm: who is found leaves not one number in what an attacker has, whoever
// it was; who stands there for ten minutes and is found by nobody does.
func TestPlaceFilm(t *testing.T) {
	plates := newCast(nil, 2, rand.New(rand.NewPCG(1, 1))).plates(besideNear)
	for _, n := range notices {
		var samples [2][]float64
		for i := range samples {
			f, err := newPlaceClip(&question{"plate on a car", detect.Plate, plates, parks, n}, rand.New(rand.NewPCG(2, 2)))
			if err != nil {
				t.Fatal(err)
			}
			if samples[i], err = f.sample(plates[i]); err != nil {
				t.Fatal(err)
			}
		}
		if same := slices.Equal(samples[0], samples[1]); same != (n.every == 1) {
			t.Errorf("%s: the samples of two plates are the same: %t", n.name, same)
		}
	}
}
