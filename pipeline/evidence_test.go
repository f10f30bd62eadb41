package pipeline_test

import (
	"context"
	"fmt"
	"image"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
)

// numbers finds the number of a noise picture of these tests.
func numbers(frames int) func(*image.YCbCr) int {
	known := map[[16]byte]int{}
	pic := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	for n := range frames {
		raw(pic, n)
		known[[16]byte(pic.Y[:16])] = n
	}
	return func(p *image.YCbCr) int { return known[[16]byte(p.Y[:16])] }
}

// TestLateNetworks: however many pictures an inference lasts, what comes between two
// of them is never shown, where it is to be hidden inside, outside, or by a camera
// that moves.
func TestLateNetworks(t *testing.T) {
	const (
		frames = 220
		step   = 33 * time.Millisecond
	)
	// A face, a plate and a person on the property and above it.
	at := []detect.Detection{
		{Class: detect.Face, Score: 0.8, Box: detect.Box{X0: 50, Y0: 60, X1: 66, Y1: 84}},
		{Class: detect.Plate, Score: 0.8, Box: detect.Box{X0: 90, Y0: 60, X1: 106, Y1: 76}},
		{Class: detect.Person, Score: 0.8, Box: detect.Box{X0: 10, Y0: 8, X1: 26, Y1: 40}},
	}
	const hideBoth = `{"version": 1, ` + zones + `, "outside": {"hide": "all", "fill": "solid"}, "found": {"fill": "solid"}, "inside": {"hide": ["face", "plate"]}}`
	const detected = `{"version": 1, ` + zones + `, "outside": {"hide": "detected", "fill": "solid"}, "found": {"fill": "solid"}, "inside": {"hide": ["face", "plate"]}}`
	number := numbers(frames)
	for _, tt := range []struct {
		name, policy string
		moving       bool
	}{
		{"all hidden outside", hideBoth, false},
		{"detected outside", detected, true},
		{"all hidden outside, moving", hideBoth, true},
	} {
		for _, lasts := range []int{1, 5, 9, 12, 27} { // pictures that an inference lasts
			t.Run(fmt.Sprintf("%s/%d", tt.name, lasts), func(t *testing.T) {
				t.Parallel()
				// They come and go: 5 of 40 pictures without them, at another time in each round.
				there := func(n int) bool { return (n+n/40*7)%40 >= 5 }
				var newest, under atomic.Int64 // the newest picture, and that under way in the detector
				under.Store(-1)
				d := detecttest.New(everything, func(ctx context.Context, _ int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
					n := number(pic)
					under.Store(int64(n))
					defer under.Store(-1)
					for int(newest.Load()) < min(n+lasts, frames-1) {
						select {
						case <-ctx.Done():
							return dst, ctx.Err()
						case <-time.After(100 * time.Microsecond):
						}
					}
					if there(n) {
						dst = append(dst, at...)
					}
					return dst, nil
				})
				p, err := pipeline.New(pipeline.Config{Policy: policy(t, tt.policy), Mode: pipeline.Live, Moving: tt.moving, Cores: 100, LookAhead: 9 * step,
					Timeout: time.Minute, Detectors: []detect.Detector{d}})
				if err != nil {
					t.Fatal(err)
				}
				// A picture comes when all before it are taken in, and every inference that
				// could have ended has: an inference lasts so many pictures on any machine.
				next := func(ctx context.Context, n int) error {
					for ctx.Err() == nil {
						s, k := p.Stats(), under.Load()
						d := s.Detectors[0]
						pending := s.Stages[0].Count - d.Skipped - d.Replaced - d.Inferences
						if int(s.Stages[0].Count) == n && (pending == 0 || k >= 0 && int(newest.Load()) < int(k)+lasts) {
							break
						}
						<-time.After(50 * time.Microsecond)
					}
					newest.Store(int64(n))
					return nil
				}
				c := &camera{frames: frames, at: func(n int) time.Duration { return time.Duration(n) * step }, fault: next}
				sink := &album{t: t, index: func(at time.Duration) int { return int(at / step) }}
				if err := p.Run(t.Context(), c, sink); err != nil {
					t.Fatal(err)
				}
				leaks, open := 0, 0
				for _, s := range sink.seen() {
					if there(s.n) && (s.shown[9][7] || s.shown[8][12] || s.shown[3][2]) {
						leaks++
					}
					if s.shown[11][0] {
						open++
					}
				}
				if leaks > 0 {
					t.Errorf("%d frames show what is to be hidden", leaks)
				}
				if lasts == 1 && open < frames/2 {
					t.Errorf("only %d of %d frames show the property, with a fast network", open, frames)
				}
			})
		}
	}
}

// TestFailsAfterGood: with a camera that moves, the frames between the last good inference
// and the first failed one are not shown, and neither are those up to the next good
// one; those looked at are.
func TestFailsAfterGood(t *testing.T) {
	const every = 4
	good, bad := detecttest.Find(), detecttest.Fail(errFake)
	for _, lookAhead := range []int{5, 12} {
		d := detecttest.New(everything, detecttest.Steps([]detecttest.Func{good, good, bad, bad, good, good, bad, good}...))
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Every: every, LookAhead: time.Duration(lookAhead) * interval, Detectors: []detect.Detector{d}})
		sink := &album{t: t}
		if err := p.Run(t.Context(), &camera{frames: 8*every - 1}, sink); err != nil {
			t.Fatal(err)
		}
		for _, s := range sink.seen() {
			n := s.n
			hidden := n > every && n < 4*every || n > 5*every && n < 7*every
			if (s.outsideShown() == 0) != hidden {
				t.Errorf("look-ahead %d: frame %d: hidden outside %t", lookAhead, n, !hidden)
			}
		}
	}
}
