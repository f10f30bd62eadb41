package main

import (
	"errors"
	"fmt"
	"image"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/detect"
)

// threshold returns the share of a box's pixels that must be hidden: a person
// is hidden when 80 % of the box is, because its corners are background; faces
// and plates fill theirs.
func threshold(c detect.Class) float64 {
	if c == detect.Person {
		return 0.8
	}
	return 0.9
}

// sizeOf returns the place in leakreport.SizeNames of a box, by its shorter side.
func sizeOf(b detect.Box) int {
	switch s := b.Short(); {
	case s < 16:
		return 0
	case s < 32:
		return 1
	case s <= 64:
		return 2
	}
	return 3
}

// count is a number of boxes and how many of them leaked.
type count struct{ boxes, leaked int }

func (c *count) add(leaked bool) {
	c.boxes++
	if leaked {
		c.leaked++
	}
}

// sizes are boxes by their size.
type sizes [len(leakreport.SizeNames)]count

func (s *sizes) report() map[string]leakreport.Size {
	m := map[string]leakreport.Size{}
	for i, n := range leakreport.SizeNames {
		m[n] = s[i].report()
	}
	return m
}

// tally is the result of one class of a set.
type tally struct {
	all    count
	bySize sizes
	// open are the boxes in frames that did not fail closed.
	open count
	// dropped are boxes in labelled frames that never went out, ignored those
	// marked so or outside of the picture.
	dropped, ignored int
	tracks           []life
}

// leak is one leaked box.
type leak struct {
	file  string
	label *labels.Label
	shot  *shot
	truth labels.Truth
	share float64 // of its pixels that were hidden
	run   int     // length of the run of leaked frames that it belongs to
}

// score is the result of a set.
type score struct {
	classes [detect.NumClasses]tally
	leaks   []*leak
	// Pictures with labels that went out; those of them that failed closed; labelled
	// ones that never went out; and those that are marked as not labelled.
	shown, failed, dropped, unlabelled int
	// Pixels that no label asked for, in labelled pictures, and those of them
	// that were hidden: in all pictures, and in those that did not fail closed.
	rest, hidden         int
	restOpen, hiddenOpen int
	pixels               int // of those pictures
	// judges have seen the pictures themselves; nil if nobody has.
	judges *judges
}

var errFrames = errors.New("labels do not fit the recording")

// add scores one recording. shots are in rising order of frames.
func (s *score) add(r *labels.Recording, p *played) error {
	last := r.Labels[len(r.Labels)-1]
	if last.Frame > p.decoded {
		return fmt.Errorf("%w: line %d labels frame %d, and %s has %d", errFrames, last.Line, last.Frame, r.File, p.decoded)
	}
	byFrame := make(map[int]int, len(p.shots))
	for i := range p.shots {
		byFrame[p.shots[i].frame] = i
	}
	t := timelines{score: s, recording: r, shots: p.shots, byTrack: map[trackKey][]observation{}}
	n := 0
	for _, l := range r.Labels {
		i, out := byFrame[l.Frame]
		switch {
		case !l.Labelled:
			s.unlabelled++
			continue
		case !out:
			s.dropped++
			for _, o := range l.Objects {
				if !o.Ignore {
					s.classes[o.Class].dropped++
				}
			}
			continue
		}
		if got := p.shots[i].mask.size; got != l.Size {
			return fmt.Errorf("%w: line %d says %dx%d, and frame %d of %s is %dx%d",
				errFrames, l.Line, l.Size.X, l.Size.Y, l.Frame, r.File, got.X, got.Y)
		}
		s.scoreRest(l, &p.shots[i])
		t.add(l, i, n)
		n++
	}
	t.end()
	return nil
}

// scoreRest counts what no label asked for. What is to be ignored is not part
// of it.
func (s *score) scoreRest(l *labels.Label, f *shot) {
	s.shown++
	s.pixels += l.Size.X * l.Size.Y
	var boxes []image.Rectangle
	for _, o := range l.Objects {
		boxes = append(boxes, pixels(o.Box, l.Size))
	}
	rest, hidden := f.mask.rest(boxes)
	s.rest += rest
	s.hidden += hidden
	if f.failed {
		s.failed++
		return
	}
	s.restOpen += rest
	s.hiddenOpen += hidden
}

// add scores the objects of a frame: shot i, the nth labelled one that went
// out.
func (t *timelines) add(l *labels.Label, i, nth int) {
	f := &t.shots[i]
	for _, o := range l.Objects {
		c := &t.classes[o.Class]
		box := pixels(o.Box, l.Size)
		if o.Ignore || box.Empty() {
			c.ignored++
			t.see(o, observation{nth: nth, shot: i})
			continue
		}
		share := f.mask.share(box)
		leaked := share < threshold(o.Class)
		c.all.add(leaked)
		c.bySize[sizeOf(o.Box)].add(leaked)
		if !f.failed {
			c.open.add(leaked)
		}
		s := observation{nth: nth, shot: i, boxes: []image.Rectangle{box}}
		if leaked {
			k := &leak{file: t.recording.File, label: l, shot: f, truth: o, share: share, run: 1}
			t.leaks = append(t.leaks, k)
			s.leaks = []*leak{k}
		}
		t.see(o, s)
	}
}
