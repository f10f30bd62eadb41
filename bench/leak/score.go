package main

import (
	"errors"
	"fmt"
	"image"

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

// tally is the result of one class of a set.
type tally struct {
	all    count
	bySize [len(leakreport.SizeNames)]count
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
	label *label
	shot  *shot
	truth truth
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
func (s *score) add(r *recording, p *played) error {
	last := r.labels[len(r.labels)-1]
	if last.frame > p.decoded {
		return fmt.Errorf("%w: line %d labels frame %d, and %s has %d", errFrames, last.line, last.frame, r.file, p.decoded)
	}
	byFrame := make(map[int]int, len(p.shots))
	for i := range p.shots {
		byFrame[p.shots[i].frame] = i
	}
	t := timelines{score: s, recording: r, shots: p.shots, byTrack: map[trackKey][]observation{}}
	n := 0
	for _, l := range r.labels {
		i, out := byFrame[l.frame]
		switch {
		case !l.labelled:
			s.unlabelled++
			continue
		case !out:
			s.dropped++
			for _, o := range l.objects {
				if !o.ignore {
					s.classes[o.class].dropped++
				}
			}
			continue
		}
		if got := p.shots[i].mask.size; got != l.size {
			return fmt.Errorf("%w: line %d says %dx%d, and frame %d of %s is %dx%d",
				errFrames, l.line, l.size.X, l.size.Y, l.frame, r.file, got.X, got.Y)
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
func (s *score) scoreRest(l *label, f *shot) {
	s.shown++
	s.pixels += l.size.X * l.size.Y
	var boxes []image.Rectangle
	for _, o := range l.objects {
		boxes = append(boxes, pixels(o.box, l.size))
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
func (t *timelines) add(l *label, i, nth int) {
	f := &t.shots[i]
	for _, o := range l.objects {
		c := &t.classes[o.class]
		box := pixels(o.box, l.size)
		if o.ignore || box.Empty() {
			c.ignored++
			t.see(o, observation{nth: nth, shot: i})
			continue
		}
		share := f.mask.share(box)
		leaked := share < threshold(o.class)
		c.all.add(leaked)
		c.bySize[sizeOf(o.box)].add(leaked)
		if !f.failed {
			c.open.add(leaked)
		}
		s := observation{nth: nth, shot: i, boxes: []image.Rectangle{box}}
		if leaked {
			k := &leak{file: t.recording.file, label: l, shot: f, truth: o, share: share, run: 1}
			t.leaks = append(t.leaks, k)
			s.leaks = []*leak{k}
		}
		t.see(o, s)
	}
}
