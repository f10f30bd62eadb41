package main

import (
	"cmp"
	"image"
	"maps"
	"slices"
	"time"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/detect"
)

// life is the result of one track.
type life struct {
	all        count
	longestRun int
	// exposure is for how long the object was shown before it was first hidden.
	exposure time.Duration
	// flickers counts blocks that were hidden, open for 1 to 4 frames, and
	// hidden again, inside the object's box; blocks counts blocks times frames.
	flickers, blocks int
}

// shortOpening is the number of frames from which on a block that opened does
// not flicker any more.
const shortOpening = 5

type trackKey struct {
	class detect.Class
	track int
}

// timelines follows the objects of one recording.
type timelines struct {
	*score
	recording *labels.Recording
	shots     []shot
	byTrack   map[trackKey][]observation
}

// observation is an object in one frame. Frames are numbered by nth: labelled ones
// that went out, so that a dropped or unlabelled frame neither ends a run nor
// makes it longer. Without boxes the object is there and is to be ignored.
type observation struct {
	nth, shot int
	boxes     []image.Rectangle
	leaks     []*leak
}

// see adds an observation to the object's track, if it has one. Several boxes of a
// track in one frame, such as a person and their head, are one observation.
func (t *timelines) see(o labels.Truth, s observation) {
	if o.Track == labels.NoTrack || !t.recording.Clip {
		return
	}
	key := trackKey{o.Class, o.Track}
	seen := t.byTrack[key]
	if n := len(seen) - 1; n >= 0 && seen[n].nth == s.nth {
		seen[n].boxes = append(seen[n].boxes, s.boxes...)
		seen[n].leaks = append(seen[n].leaks, s.leaks...)
		return
	}
	t.byTrack[key] = append(seen, s)
}

// end turns each track into its result.
func (t *timelines) end() {
	keys := slices.SortedFunc(maps.Keys(t.byTrack), func(a, b trackKey) int {
		return cmp.Or(cmp.Compare(a.class, b.class), a.track-b.track)
	})
	for _, key := range keys {
		if l, ok := t.live(t.byTrack[key]); ok {
			c := &t.classes[key.class]
			c.tracks = append(c.tracks, l)
		}
	}
}

// live follows one track; ok is false if all of it is to be ignored.
func (t *timelines) live(seen []observation) (l life, ok bool) {
	var run []*leak // one or more a frame
	length := 0
	first, covered := -1, false
	var last observation
	for i, s := range seen {
		if i > 0 && s.nth != seen[i-1].nth+1 {
			run, length = nil, 0
		}
		if len(s.boxes) == 0 {
			continue
		}
		last = s
		if first < 0 {
			first = s.shot
		}
		leaked := len(s.leaks) > 0
		l.all.add(leaked)
		if !leaked {
			run, length = nil, 0
			if !covered {
				covered = true
				l.exposure = t.shots[s.shot].at - t.shots[first].at
			}
			continue
		}
		length++
		run = append(run, s.leaks...)
		for _, k := range run {
			k.run = length
		}
		l.longestRun = max(l.longestRun, length)
	}
	if first < 0 {
		return life{}, false
	}
	if !covered {
		l.exposure = t.until(last.shot) - t.shots[first].at
	}
	l.flickers, l.blocks = t.flicker(seen)
	return l, true
}

// until returns when shot i gives way to the next one.
func (t *timelines) until(i int) time.Duration {
	n := len(t.shots)
	switch {
	case i+1 < n:
		return t.shots[i+1].at
	case n > 1:
		return 2*t.shots[n-1].at - t.shots[n-2].at
	}
	return t.shots[i].at
}

// flicker counts blocks, whose middle lies in the object's box, that are hidden
// again after they were open for fewer than shortOpening frames. A block that
// the object leaves is forgotten.
func (t *timelines) flicker(seen []observation) (flickers, blocks int) {
	type past struct{ nth, open int } // open: frames since it was hidden
	before := map[image.Point]past{}
	for _, s := range seen {
		now := map[image.Point]past{}
		g := &t.shots[s.shot].mask
		for _, b := range blocksOf(s.boxes, g.side) {
			blocks++
			p, known := before[b]
			known = known && p.nth == s.nth-1
			switch {
			case g.hidden[b.Y*g.w+b.X]:
				if known && p.open > 0 && p.open < shortOpening {
					flickers++
				}
				now[b] = past{nth: s.nth}
			case known:
				now[b] = past{nth: s.nth, open: p.open + 1}
			}
		}
		before = now
	}
	return flickers, blocks
}

// blocksOf returns the blocks whose middle lies in one of the boxes, each once.
func blocksOf(boxes []image.Rectangle, side int) (list []image.Point) {
	for i, r := range boxes {
		for y := r.Min.Y / side; y*side < r.Max.Y; y++ {
			for x := r.Min.X / side; x*side < r.Max.X; x++ {
				middle := image.Pt(x*side+side/2, y*side+side/2)
				if middle.In(r) && !slices.ContainsFunc(boxes[:i], middle.In) {
					list = append(list, image.Pt(x, y))
				}
			}
		}
	}
	return list
}
