package pipeline_test

import (
	"context"
	"fmt"
	"image"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
)

// The tests of this file run by a clock of their own: pictures come and inferences
// last as said, however busy the machine is.

// costs is a detector that takes so much time for its n-th inference.
func costs(c detect.ClassSet, cost func(n int) time.Duration) detect.Detector {
	return detecttest.New(c, func(ctx context.Context, n int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		return detecttest.Slow(cost(n), detecttest.Find())(ctx, n, pic, dst)
	})
}

func always(cost time.Duration) func(int) time.Duration {
	return func(int) time.Duration { return cost }
}

// watched runs a live pipeline over frames that come a step apart.
func watched(t *testing.T, c pipeline.Config, frames int, step time.Duration) pipeline.Stats {
	t.Helper()
	c.Mode, c.Policy = pipeline.Live, policy(t, hideFound)
	p := newPipeline(t, c)
	cam := &camera{frames: frames, pace: step, at: func(n int) time.Duration { return time.Duration(n) * step }}
	if err := p.Run(t.Context(), cam, discard{}); err != nil {
		t.Fatal(err)
	}
	return p.Stats()
}

// TestIntervalFollowsBudget: while something moves, inferences come as often as the
// core time allowed pays for, and no oftener than frames.
func TestIntervalFollowsBudget(t *testing.T) {
	const seconds = 20
	for _, tt := range []struct {
		cost  time.Duration
		cores float64
		want  float64 // a second
	}{
		{5 * time.Millisecond, 1, 25},
		{60 * time.Millisecond, 1, 1000. / 60},
		{60 * time.Millisecond, 2, 1000. / 60}, // one detector uses one core
		{60 * time.Millisecond, 0.5, 1000. / 120},
		{200 * time.Millisecond, 1, 5},
		{200 * time.Millisecond, 0.25, 1.25},
		{900 * time.Millisecond, 1, 1000. / 900},
	} {
		t.Run(fmt.Sprintf("%v on %g cores", tt.cost, tt.cores), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := watched(t, pipeline.Config{Cores: tt.cores, Detectors: []detect.Detector{costs(everything, always(tt.cost))}}, seconds*25, interval)
				got := float64(s.Detectors[0].Inferences) / seconds
				// A look begins with a frame, which may come an interval late.
				if late := tt.want * (1 - interval.Seconds()*tt.want); got > 1.1*tt.want+0.1 || got < min(0.85*tt.want, late)-0.1 {
					t.Errorf("%.2f inferences a second, want %.2f", got, tt.want)
				}
			})
		})
	}
}

// TestIntervalOfStretchedInferences: where the machine becomes busy, inferences that
// last longer come less often, and come again as often as before afterwards; the
// budget is kept throughout.
func TestIntervalOfStretchedInferences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var begun []time.Duration
		d := costs(everything, func(int) time.Duration {
			at := time.Since(start)
			begun = append(begun, at)
			if at > 10*time.Second && at < 20*time.Second {
				return 300 * time.Millisecond
			}
			return 30 * time.Millisecond
		})
		s := watched(t, pipeline.Config{Cores: 0.5, Detectors: []detect.Detector{d}}, 30*25, interval)
		var count [3]int
		for _, at := range begun {
			count[min(int(at/(10*time.Second)), 2)]++
		}
		if count[0] < 110 || count[1] < 14 || count[1] > 25 || count[2] < 90 {
			t.Errorf("in ten seconds each: %v inferences", count)
		}
		if most := 15*time.Second + 450*time.Millisecond; s.Detectors[0].Time > most {
			t.Errorf("%v of core time in 30 s on half a core", s.Detectors[0].Time)
		}
	})
}

// TestNoDetectorStarves: detectors of unlike cost that share too small a budget take
// turns.
func TestNoDetectorStarves(t *testing.T) {
	for _, cores := range []float64{0.1, 0.3, 1, 3} {
		t.Run(fmt.Sprint(cores, " cores"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := watched(t, pipeline.Config{Cores: cores, Detectors: []detect.Detector{
					costs(detect.Classes(detect.Face), always(20*time.Millisecond)),
					costs(detect.Classes(detect.Person), always(250*time.Millisecond)),
					costs(detect.Classes(detect.Plate), always(80*time.Millisecond)),
				}}, 60*25, interval)
				round := 350 * time.Millisecond
				for i, d := range s.Detectors {
					if want := 60 * cores / round.Seconds(); float64(d.Inferences) < min(0.7*want, 60/0.3) {
						t.Errorf("detector %d: %d inferences in a minute, want about %.0f", i, d.Inferences, want)
					}
				}
			})
		})
	}
}

// TestNearestFrame: a detector looks at the frame nearest to its interval, not only at
// one that comes after it.
func TestNearestFrame(t *testing.T) {
	for _, tt := range []struct {
		step  time.Duration
		every int
	}{
		{110 * time.Millisecond, 1}, {60 * time.Millisecond, 2}, {34 * time.Millisecond, 3}, {300 * time.Millisecond, 1},
	} {
		t.Run(tt.step.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const frames = 120
				// 50 ms on half a core: 100 ms.
				s := watched(t, pipeline.Config{Cores: 0.5, Detectors: []detect.Detector{costs(everything, always(50*time.Millisecond))}}, frames, tt.step)
				if got, want := int(s.Detectors[0].Inferences), frames/tt.every; got < want*9/10 || got > want*11/10+3 {
					t.Errorf("%d inferences of %d frames, want one of every %d", got, frames, tt.every)
				}
			})
		})
	}
}
