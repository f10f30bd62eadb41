package pipeline

import (
	"cmp"
	"context"
	"slices"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/track"
)

// mostChecks is how many finds of a picture are looked at again, of each class.
const mostChecks = 12

// lookAgain has the pictures of a recording that has few of them, a photograph for one,
// looked at once more: all of a large picture in parts, then every doubtful find larger. No
// other picture helps to tell what they show.
func (s *firstPass) lookAgain(ctx context.Context) error {
	for _, regions := range []func(*passDetector, *passFrame) []region{s.everyTile, s.everyFind} {
		for _, f := range s.waiting {
			if err := s.awaitAll(ctx, f); err != nil {
				return err
			}
			for i, k := range s.detectors {
				if k == nil || !f.looked {
					continue
				}
				for _, a := range regions(k, f) {
					if err := s.submitRegion(ctx, f, i, a); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// awaitAll waits until all inferences of a picture are in.
func (s *firstPass) awaitAll(ctx context.Context, f *passFrame) error {
	for f.left > 0 {
		if err := s.await(ctx); err != nil {
			return err
		}
	}
	return nil
}

// everyTile returns parts that show all of a picture, if it has more detail than the
// detector's input: at their own size, and at half of it if that would be many.
func (s *firstPass) everyTile(k *passDetector, _ *passFrame) (list []region) {
	input := k.inputSize(s.size)
	part := input
	if s.size.X > muchDetail*input.X {
		part = input.Mul(2)
	}
	for _, t := range tilesOf(s.size, part) {
		list = append(list, region{part: t, input: k.inputSize(t.Size())})
	}
	return list
}

// everyFind returns the regions around the finds of a picture that count if another
// inference agrees, the best ones first.
func (s *firstPass) everyFind(k *passDetector, f *passFrame) (list []region) {
	input := k.inputSize(s.size)
	for class := range detect.Class(detect.NumClasses) {
		if class == detect.Vehicle || !k.classes.Has(class) {
			continue
		}
		c := track.DefaultLinkerClass(class)
		var finds []detect.Detection
		for _, g := range f.inferences {
			for _, d := range g.found {
				if g.err == nil && d.Class == class && d.Score >= c.Agreed {
					finds = append(finds, d)
				}
			}
		}
		slices.SortStableFunc(finds, func(a, b detect.Detection) int { return cmp.Compare(b.Score, a.Score) })
		var checked []detect.Box
		for _, d := range finds {
			if len(checked) >= mostChecks {
				break
			}
			if slices.ContainsFunc(checked, func(b detect.Box) bool { return b.IoU(d.Box) >= sameFind }) {
				continue
			}
			checked = append(checked, d.Box)
			part := around(d.Box, input, s.size)
			if part.Size() != s.size {
				list = append(list, region{part: part, input: k.inputSize(part.Size())})
			}
		}
	}
	return list
}
