package main

import (
	"errors"
	"image"
	"math"
	"testing"
	"time"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/pipeline"
)

var picture = image.Pt(70, 40) // 5x3 blocks, those of the edges cut off

// maskOf reads a mask from rows of '#' (hidden) and '.'.
func maskOf(size image.Point, rows ...string) mask {
	g := newMask(size, 16)
	for y, row := range rows {
		for x, c := range row {
			g.hidden[y*g.w+x] = c == '#'
		}
	}
	return g
}

func TestShareIsPixelExact(t *testing.T) {
	g := maskOf(picture,
		"##...",
		"#...#",
		"....#")
	if g.w != 5 || g.h != 3 {
		t.Fatalf("mask %dx%d", g.w, g.h)
	}
	for _, c := range []struct {
		r    image.Rectangle
		want float64
	}{
		{image.Rect(0, 0, 32, 16), 1},
		{image.Rect(0, 0, 32, 32), 0.75},
		{image.Rect(31, 0, 33, 16), 0.5},
		{image.Rect(30, 15, 34, 17), 2.0 / 8},
		{image.Rect(60, 20, 70, 40), 6.0 / 10},
		{image.Rect(40, 0, 41, 1), 0},
	} {
		if got := g.share(c.r); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v: got %v, want %v", c.r, got, c.want)
		}
	}
}

func TestPixelsGrowOutwardsAndAreClipped(t *testing.T) {
	for _, c := range []struct {
		b    detect.Box
		want image.Rectangle
	}{
		{detect.Box{X0: 1.2, Y0: 2.9, X1: 3.1, Y1: 4}, image.Rect(1, 2, 4, 4)},
		{detect.Box{X0: -5.5, Y0: -1, X1: 3, Y1: 100}, image.Rect(0, 0, 3, 40)},
		{detect.Box{X0: 70, Y0: 0, X1: 80, Y1: 10}, image.Rectangle{}},
	} {
		if got := pixels(c.b, picture); got != c.want {
			t.Errorf("%v: got %v, want %v", c.b, got, c.want)
		}
	}
}

func TestRest(t *testing.T) {
	g := maskOf(picture,
		"##...",
		".....",
		"....#")
	// 70x40 pixels; the two boxes overlap in 4x4 of their 10x10 and 8x8, and
	// the third lies across the hidden block of 6x8 in the corner.
	boxes := []image.Rectangle{image.Rect(0, 0, 10, 10), image.Rect(6, 6, 14, 14), image.Rect(62, 30, 67, 36)}
	rest, hidden := g.rest(boxes)
	if want := 70*40 - (100 + 64 - 16) - 30; rest != want {
		t.Errorf("rest %d, want %d", rest, want)
	}
	if want := 32*16 - 148 + 6*8 - 3*4; hidden != want {
		t.Errorf("hidden %d, want %d", hidden, want)
	}
}

// scene is a clip of 10 frames a second in which the object of track 1 fills
// block (1,1). Each character of what is a frame: '#' hidden, '.' open, 'x'
// dropped, 'u' not labelled, '-' without the object, 'i' to be ignored, 'F'
// failed closed.
func scene(what string) (*labels.Recording, *played) {
	r := &labels.Recording{File: "clip", Clip: true}
	p := &played{decoded: len(what)}
	for i, c := range what {
		l := &labels.Label{Line: i + 1, Frame: i + 1, Size: picture, Labelled: c != 'u'}
		if c != '-' {
			l.Objects = []labels.Truth{{Class: detect.Person, Track: 1, Ignore: c == 'i', Box: detect.Box{X0: 16, Y0: 16, X1: 32, Y1: 32}}}
		}
		r.Labels = append(r.Labels, l)
		s := shot{frame: i + 1, at: time.Duration(i) * 100 * time.Millisecond, mask: newMask(picture, 16), failed: c == 'F'}
		switch c {
		case '#':
			s.mask.hidden[1*5+1] = true
		case 'F':
			for i := range s.mask.hidden {
				s.mask.hidden[i] = true
			}
		}
		if c != 'x' {
			p.shots = append(p.shots, s)
		}
	}
	return r, p
}

func TestTracks(t *testing.T) {
	for _, c := range []struct {
		what             string
		boxes, leaked    int
		run              int
		exposure         time.Duration
		flickers, blocks int
	}{
		{"####", 4, 0, 0, 0, 0, 4},
		{"..##.", 5, 3, 2, 200 * time.Millisecond, 0, 5},
		{"....", 4, 4, 4, 400 * time.Millisecond, 0, 4},
		{"#.#..#...#....#.....#", 21, 15, 5, 0, 4, 21},
		{"#....", 5, 4, 4, 0, 0, 5},
		// Gone and back: the run ends, and what the block did is forgotten.
		{"#.-.#", 4, 2, 1, 0, 0, 4},
		// A dropped or unlabelled frame neither ends a run nor lengthens it.
		{"#.x.#", 4, 2, 2, 0, 1, 4},
		{"#.u.#", 4, 2, 2, 0, 1, 4},
		{"#.i.#", 4, 2, 2, 0, 0, 4},
		// Exposure counts what was shown.
		{"x..#", 3, 2, 2, 200 * time.Millisecond, 0, 3},
		{".F.#", 4, 2, 1, 100 * time.Millisecond, 1, 4},
	} {
		var s score
		r, p := scene(c.what)
		if err := s.add(r, p); err != nil {
			t.Fatal(err)
		}
		person := &s.classes[detect.Person]
		want := life{all: count{c.boxes, c.leaked}, longestRun: c.run, exposure: c.exposure, flickers: c.flickers, blocks: c.blocks}
		if len(person.tracks) != 1 || person.tracks[0] != want {
			t.Errorf("%s: got %+v, want %+v", c.what, person.tracks, want)
		}
		if person.all != want.all || person.bySize[1] != want.all || len(s.leaks) != c.leaked {
			t.Errorf("%s: all %+v, by size %+v, %d leaks", c.what, person.all, person.bySize, len(s.leaks))
		}
	}
}

func TestRunOfEachLeak(t *testing.T) {
	var s score
	r, p := scene("..#.")
	if err := s.add(r, p); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{2, 2, 1} {
		if s.leaks[i].run != want {
			t.Errorf("leak %d is of a run of %d, want %d", i, s.leaks[i].run, want)
		}
	}
}

func TestWhatDoesNotCount(t *testing.T) {
	var s score
	r, p := scene("x#uiF")
	// Outside of the picture.
	r.Labels[1].Objects = append(r.Labels[1].Objects, labels.Truth{Class: detect.Face, Track: labels.NoTrack, Box: detect.Box{X0: 80, Y0: 1, X1: 90, Y1: 9}})
	if err := s.add(r, p); err != nil {
		t.Fatal(err)
	}
	person := &s.classes[detect.Person]
	if person.all != (count{2, 0}) || person.open != (count{1, 0}) || person.dropped != 1 || person.ignored != 1 {
		t.Errorf("person %+v", person)
	}
	if s.classes[detect.Face].ignored != 1 || s.classes[detect.Face].all.boxes != 0 {
		t.Errorf("face %+v", s.classes[detect.Face])
	}
	if s.shown != 3 || s.failed != 1 || s.dropped != 1 || s.unlabelled != 1 {
		t.Errorf("frames %+v", s)
	}
	// The rest is what lies outside of the object's 16x16, which is all that is
	// hidden but in the frame that failed closed.
	rest := 70*40 - 256
	if s.rest != 3*rest || s.hidden != rest || s.restOpen != 2*rest || s.hiddenOpen != 0 {
		t.Errorf("rest %d hidden %d, open %d hidden %d", s.rest, s.hidden, s.restOpen, s.hiddenOpen)
	}
}

func TestThresholds(t *testing.T) {
	// 20 columns, of which the first 16 to 20 are hidden.
	g := maskOf(picture, "#....")
	for _, c := range []struct {
		class detect.Class
		width float32
		leaks bool
	}{
		{detect.Person, 20, false}, {detect.Person, 21, true},
		{detect.Face, 17, false}, {detect.Face, 18, true},
		{detect.Plate, 17, false}, {detect.Plate, 18, true},
	} {
		var s score
		r := &labels.Recording{Labels: []*labels.Label{{Frame: 1, Size: picture, Labelled: true, Objects: []labels.Truth{
			{Class: c.class, Track: labels.NoTrack, Box: detect.Box{X1: c.width, Y1: 10}}}}}}
		if err := s.add(r, &played{decoded: 1, shots: []shot{{frame: 1, mask: g}}}); err != nil {
			t.Fatal(err)
		}
		if got := s.classes[c.class].all.leaked == 1; got != c.leaks {
			t.Errorf("%v of %v columns: leaks %v", c.class, c.width, got)
		}
	}
}

func TestSizes(t *testing.T) {
	for short, want := range map[float32]int{1: 0, 15.9: 0, 16: 1, 31.9: 1, 32: 2, 64: 2, 64.1: 3} {
		if got := sizeOf(detect.Box{X1: 500, Y1: short}); got != want {
			t.Errorf("%v px: got %s, want %s", short, leakreport.SizeNames[got], leakreport.SizeNames[want])
		}
	}
}

func TestHeadIsPartOfPerson(t *testing.T) {
	var s score
	r, p := scene("##.")
	for _, l := range r.Labels {
		// In an open block.
		l.Objects = append(l.Objects, labels.Truth{Class: detect.Person, Track: 1, Box: detect.Box{X0: 48, Y0: 0, X1: 58, Y1: 10}})
	}
	if err := s.add(r, p); err != nil {
		t.Fatal(err)
	}
	person := &s.classes[detect.Person]
	if person.all != (count{6, 4}) || len(person.tracks) != 1 || person.tracks[0].all != (count{3, 3}) || person.tracks[0].longestRun != 3 {
		t.Errorf("%+v", person)
	}
}

func TestLabelsThatDoNotFit(t *testing.T) {
	r, p := scene("###")
	p.decoded = 2
	if err := new(score).add(r, p); !errors.Is(err, errFrames) {
		t.Errorf("frame beyond the end: got %v", err)
	}
	r, p = scene("###")
	r.Labels[1].Size.X++
	if err := new(score).add(r, p); !errors.Is(err, errFrames) {
		t.Errorf("other size: got %v", err)
	}
}

func TestReportOfASet(t *testing.T) {
	var s score
	for _, what := range []string{"..##.", "....", "####"} {
		r, p := scene(what)
		if err := s.add(r, p); err != nil {
			t.Fatal(err)
		}
	}
	all := detect.Classes(detect.Face, detect.Person, detect.Plate)
	rows := s.reports("x", all, &labels.Facts{Complete: detect.Classes(detect.Person)})
	if len(rows) != 1 {
		t.Fatalf("%d rows", len(rows))
	}
	r := rows[0]
	if r.Set != "x" || r.Class != "person" || r.Boxes != 13 || r.Leaked != 7 || *r.LeakRate != 7.0/13 ||
		r.Tracks != 3 || r.TracksLeaking != 2 || r.TracksOver3 != 1 || r.LongestRun != 4 ||
		*r.FirstExposure != 400 || *r.FirstExposureMedian != 200 || *r.OverHidden != 0 {
		t.Errorf("%+v", r)
	}
	if b := r.BySize["16_32"]; b.Boxes != 13 || b.Leaked != 7 || r.BySize["over_64"].LeakRate != nil || r.BySize["from_16"].Boxes != 13 {
		t.Errorf("by size %+v", r.BySize)
	}
	if rows := s.reports("x", all, &labels.Facts{}); rows[0].OverHidden != nil {
		t.Error("over-hidden without complete labels")
	}
	if rows := new(score).reports("x", all, &labels.Facts{}); len(rows) != 1 || rows[0].Class != "none" || rows[0].LeakRate != nil {
		t.Errorf("empty set: %+v", rows)
	}
}

func TestMeansOfARun(t *testing.T) {
	var r leakreport.Run
	none, some := newMask(image.Pt(4, 2), 2), newMask(image.Pt(4, 2), 2)
	some.hidden[1] = true
	for range 2 {
		countFrames(&r, &played{shots: []shot{{mask: none}, {mask: some}, {mask: none}}, stats: pipeline.Stats{FramesIn: 10, FramesOut: 8, FramesDropped: 2, FramesFailedClosed: 4, HiddenShare: 0.25,
			Detectors: []pipeline.DetectorStats{{Name: "a", Inferences: 3, Skipped: 5, Time: 100 * time.Millisecond}}}})
	}
	average(&r)
	if r.In != 20 || r.Out != 16 || r.Dropped != 4 || r.FailedClosedShare != 0.5 || r.HiddenShare != 0.25 || r.Hiding != 2 ||
		r.DetectorMS != 10 || r.Detectors[0].SkippedPct != 0.5 || r.Detectors[0].Looks != 6 {
		t.Errorf("%+v", r)
	}
}
