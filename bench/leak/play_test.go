package main

import (
	"context"
	"errors"
	"image"
	"io"
	"testing"
	"time"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// still is a source of n grey pictures, ten a second. bad are the numbers, from
// 1, of those that cannot be decoded.
type still struct {
	size image.Point
	n    int
	bad  map[int]bool
	read int
}

func (s *still) Read(_ context.Context, b *pipeline.Buffer) error {
	if s.read == s.n {
		return io.EOF
	}
	s.read++
	if s.bad[s.read] {
		return pipeline.ErrPicture
	}
	pic := b.Resize(s.size.X, s.size.Y)
	for i := range pic.Y {
		pic.Y[i] = 100
	}
	b.Time = time.Duration(s.read-1) * 100 * time.Millisecond
	return nil
}

func hardPolicy(t *testing.T) *redact.Policy {
	t.Helper()
	p, err := redact.ParsePolicy([]byte(hardCase))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var everything = detect.Classes(detect.Face, detect.Person, detect.Plate)

// TestKnownMisses runs a detector with known misses through the real pipeline:
// of three people who stand still, it sees one always, one from the fifth frame
// on, and one never.
func TestKnownMisses(t *testing.T) {
	const frames, late = 20, 4
	size := image.Pt(640, 384)
	always := detect.Box{X0: 64, Y0: 160, X1: 96, Y1: 240}
	afterAWhile := detect.Box{X0: 304, Y0: 160, X1: 336, Y1: 240}
	never := detect.Box{X0: 544, Y0: 160, X1: 576, Y1: 240}

	script := make([][]detect.Detection, frames)
	r := &labels.Recording{File: "still", Clip: true}
	for i := range frames {
		script[i] = []detect.Detection{{Box: always, Class: detect.Person, Score: 0.9}}
		if i >= late {
			script[i] = append(script[i], detect.Detection{Box: afterAWhile, Class: detect.Person, Score: 0.9})
		}
		l := &labels.Label{Line: i + 1, Frame: i + 1, Size: size, Labelled: true}
		for track, b := range []detect.Box{always, afterAWhile, never} {
			l.Objects = append(l.Objects, labels.Truth{Class: detect.Person, Track: track, Box: b})
		}
		r.Labels = append(r.Labels, l)
	}
	for _, c := range []struct{ lookAhead, lateLeak int }{
		{0, late}, {2, late - 2}, {8, 0},
	} {
		p, err := playSource(t.Context(), &still{size: size, n: frames}, pipeline.Config{
			Policy: hardPolicy(t), LookAhead: time.Duration(c.lookAhead) * 100 * time.Millisecond, Every: 1, Moving: true,
			Detectors: []detect.Detector{detecttest.New(everything, detecttest.Script(script...))},
		}, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		var s score
		if err := s.add(r, p); err != nil {
			t.Fatal(err)
		}
		row := s.reports("still", everything, &labels.Facts{})[0]
		tracks := 1
		if c.lateLeak > 0 {
			tracks = 2
		}
		if row.Boxes != 3*frames || row.Leaked != frames+c.lateLeak || row.Tracks != 3 || row.TracksLeaking != tracks ||
			row.LongestRun != frames || *row.FirstExposure != 2000 || *row.FirstExposureMedian != float64(100*c.lateLeak) {
			t.Errorf("look-ahead %d: %+v", c.lookAhead, row)
		}
		for i, want := range []int{0, c.lateLeak, frames} {
			if got := s.classes[detect.Person].tracks[i].all.leaked; got != want {
				t.Errorf("look-ahead %d: track %d leaks %d times, want %d", c.lookAhead, i, got, want)
			}
		}
		if s.failed != 0 || s.dropped != 0 {
			t.Errorf("look-ahead %d: %d failed closed, %d dropped", c.lookAhead, s.failed, s.dropped)
		}
	}
}

// TestFailedClosedIsNoSuccess: nothing leaks from a pipeline whose detector
// fails, and the report says why.
func TestFailedClosedIsNoSuccess(t *testing.T) {
	r, _ := scene("####")
	p, err := playSource(t.Context(), &still{size: picture, n: 4}, pipeline.Config{
		Policy: hardPolicy(t), Every: 1, Moving: true,
		Detectors: []detect.Detector{detecttest.New(everything, detecttest.Fail(errors.New("broken")))},
	}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	var s score
	if err := s.add(r, p); err != nil {
		t.Fatal(err)
	}
	var run leakreport.Run
	countFrames(&run, p)
	average(&run)
	row := s.reports("x", everything, &labels.Facts{Complete: everything})[0]
	if row.Leaked != 0 || row.LeakRateOpen != nil || *row.OverHidden != 1 || s.failed != 4 || run.FailedClosedShare != 1 {
		t.Errorf("row %+v, failed closed %v", row, run.FailedClosedShare)
	}
}

// TestFramesKeepTheirNumbers: a picture that cannot be decoded has a number too.
func TestFramesKeepTheirNumbers(t *testing.T) {
	p, err := playSource(t.Context(), &still{size: picture, n: 5, bad: map[int]bool{2: true}}, pipeline.Config{
		Policy: hardPolicy(t), Moving: true, Detectors: []detect.Detector{detecttest.New(everything, detecttest.Find())},
	}, 7, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.decoded != 5 || len(p.shots) != 4 || p.stats.FramesLost != 1 {
		t.Fatalf("decoded %d, out %d, lost %d", p.decoded, len(p.shots), p.stats.FramesLost)
	}
	for i, want := range []int{1, 3, 4, 5} {
		if s := p.shots[i]; s.frame != want || s.at != time.Duration(float64(want-1)/7*1e9) {
			t.Errorf("shot %d: frame %d at %v", i, s.frame, s.at)
		}
	}
}

// TestLiveIsPaced: live pictures come no sooner than at their time, and what
// the detector finds at the end of its delay is late.
func TestLiveIsPaced(t *testing.T) {
	start := time.Now()
	p, err := playSource(t.Context(), &still{size: picture, n: 7}, pipeline.Config{
		Policy: hardPolicy(t), Mode: pipeline.Live, Moving: true, Cores: 2,
		Detectors: []detect.Detector{detecttest.New(everything, detecttest.Find())},
	}, 20, nil)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 300*time.Millisecond {
		t.Errorf("6 steps of 50 ms took %v", took)
	}
	if n := len(p.shots) + int(p.stats.FramesDropped); n != 7 {
		t.Errorf("%d frames accounted for, want 7", n)
	}
}

func TestClassesLeftOut(t *testing.T) {
	face := detect.Detection{Box: detect.Box{X1: 8, Y1: 8}, Class: detect.Face, Score: 0.9}
	plate := detect.Detection{Box: detect.Box{X1: 8, Y1: 4}, Class: detect.Plate, Score: 0.9}
	inner := detecttest.New(everything, detecttest.Script([]detect.Detection{plate, face, plate}))
	d := &deaf{inner, detect.Classes(detect.Face)}
	before := []detect.Detection{plate}
	got, err := d.Detect(t.Context(), image.NewYCbCr(image.Rect(0, 0, 32, 32), image.YCbCrSubsampleRatio420), before)
	if err != nil || len(got) != 2 || got[0] != plate || got[1] != face || d.Classes() != everything {
		t.Errorf("got %v, %v", got, err)
	}
}
