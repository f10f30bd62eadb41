package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// singles is what came of the single faults.
type singles struct {
	Seed   uint64      `json:"seed"`
	Kinds  []kindCount `json:"kinds"`
	Frames int         `json:"frames"`
	// RSSMB and Goroutines are those of this program before and after.
	Goroutines [2]int `json:"goroutines"`
	Raw, Back  int    // blocks shown that must not be; frames whose time does not rise
	Slow       []int  // numbers of faults after which the zone was not back in 5 s
	Took       time.Duration
}

// kindCount is one kind of them.
type kindCount struct {
	Kind   string  `json:"kind"`
	Count  int     `json:"count"`
	Raw    int     `json:"raw"`     // frames with a raw block
	Slow   int     `json:"slow"`    // not back within 5 s
	WorstS float64 `json:"worst_s"` // seconds of the source until the zone was back
}

// The small scene: the property is the lower half, and in it is a face that the policies
// hide; above it stands a person.
const (
	singleWidth, singleHeight = 128, 96
	interval                  = 100 * time.Millisecond
	// back is how many pictures after a fault the zone must be shown again: 5 s.
	back = 50
)

var face, person = image.Rect(48, 64, 72, 84), image.Rect(16, 8, 40, 40)

const property = `"version":1,"property":[[[0,0.5],[1,0.5],[1,1],[0,1]]],"found":{"fill":"solid"},`

// The policies: everything outside is hidden, and the face inside; or only who is found.
var singlePolicies = []string{
	`{` + property + `"outside":{"hide":"all","fill":"solid"},"inside":{"hide":["face"]}}`,
	`{` + property + `"outside":{"hide":"detected","fill":"solid"},"inside":{"hide":["face"]}}`,
}

// trial is one pipeline that one fault befalls.
type trial struct {
	kind       singleKind
	chance     *rand.Rand
	mode       pipeline.Mode
	all        bool // everything outside is hidden, not only who is found
	from, till int  // the pictures during which the fault lasts, till without
	end        int  // how many pictures there are

	n      atomic.Int64 // the next picture
	times  sync.Map     // of pictures' numbers, by their time
	closed atomic.Bool  // nothing at all may be shown
	run    func(n int)  // called before picture n is made

	mu       sync.Mutex
	frames   int
	raw      int
	back     int
	last     time.Duration
	begun    bool
	restored int // the first picture from till on that shows the zone, -1
}

// bad reports whether the fault is there.
func (t *trial) bad() bool { n := int(t.n.Load()) - 1; return n >= t.from && n < t.till }

// single has n faults befall pipelines, of all kinds alike, a few at a time.
func single(ctx context.Context, seed uint64, n int, say func(format string, args ...any)) (*singles, error) {
	began := time.Now()
	s := &singles{Seed: seed, Goroutines: [2]int{runtime.NumGoroutine()}}
	for _, k := range singleKinds {
		s.Kinds = append(s.Kinds, kindCount{Kind: k.name})
	}
	var mu sync.Mutex
	var done int
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for i := range n {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			t := newTrial(seed, i)
			err := t.befall(ctx)
			mu.Lock()
			defer mu.Unlock()
			s.add(i, t)
			if done++; done%1000 == 0 {
				say("%d of %d single faults, %v", done, n, time.Since(began).Round(time.Second))
			}
			return err
		})
	}
	err := group.Wait()
	slices.Sort(s.Slow)
	s.Goroutines[1], s.Took = runtime.NumGoroutine(), time.Since(began)
	return s, err
}

// add counts a trial.
func (s *singles) add(i int, t *trial) {
	k := &s.Kinds[i%len(singleKinds)]
	k.Count++
	s.Frames += t.frames
	s.Raw += t.raw
	s.Back += t.back
	if t.raw > 0 {
		k.Raw++
	}
	took := t.restored - t.till
	if t.restored < 0 || took > back {
		k.Slow++
		s.Slow = append(s.Slow, i)
	}
	if t.restored >= 0 {
		k.WorstS = max(k.WorstS, float64(took)*interval.Seconds())
	}
}

func newTrial(seed uint64, i int) *trial {
	t := &trial{kind: singleKinds[i%len(singleKinds)], chance: chance(seed, uint64(i)+1<<32), restored: -1}
	t.mode = pipeline.Mode(t.chance.IntN(2))
	t.all = t.chance.IntN(2) == 0
	t.from = 4 + t.chance.IntN(16)
	t.till = t.from + 1 + t.chance.IntN(8)
	t.end = t.till + back + 10
	return t
}

// befall runs the pipeline, again and again as a program does, until all pictures have gone.
func (t *trial) befall(ctx context.Context) error {
	text := singlePolicies[1]
	if t.all {
		text = singlePolicies[0]
	}
	policy, err := redact.ParsePolicy([]byte(text))
	if err != nil {
		return err
	}
	found := detecttest.Find(
		detect.Detection{Class: detect.Face, Score: 0.9, Box: boxOf(face)},
		detect.Detection{Class: detect.Person, Score: 0.9, Box: boxOf(person)})
	detector := detecttest.New(detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle),
		func(ctx context.Context, call int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
			if t.kind.detector != nil && t.bad() {
				return t.kind.detector(t)(ctx, call, pic, dst)
			}
			return found(ctx, call, pic, dst)
		})
	c := pipeline.Config{Policy: policy, Detectors: []detect.Detector{detector}, Mode: t.mode, Every: 1, Moving: true,
		LookAhead: time.Duration(t.chance.IntN(4)) * interval, Timeout: time.Minute}
	if t.kind.hangs {
		c.Timeout = 20 * time.Millisecond
	}
	p, err := pipeline.New(c)
	if err != nil {
		return err
	}
	if t.run = func(int) {}; t.kind.owner != nil {
		t.run = t.kind.owner(t, p, policy)
	}
	for int(t.n.Load()) < t.end && ctx.Err() == nil {
		err := p.Run(ctx, pipeline.SourceFunc(t.read), pipeline.SinkFunc(t.take))
		var stage *pipeline.StageError
		if err != nil && !errors.As(err, &stage) && !errors.Is(err, context.Canceled) {
			return errors.Join(fmt.Errorf("%s: %w", t.kind.name, err), p.Close())
		}
	}
	return errors.Join(p.Close(), detector.Close())
}

func boxOf(r image.Rectangle) detect.Box {
	return detect.Box{X0: float32(r.Min.X), Y0: float32(r.Min.Y), X1: float32(r.Max.X), Y1: float32(r.Max.Y)}
}
